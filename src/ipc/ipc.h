/* SPDX-License-Identifier: ISC */
/*
 * ipc: typed messages between two roles over a SOCK_SEQPACKET pair, on the loop.
 *
 * 1. What may be said is msg.def, and a message from a role that may not say it, a malformed,
 *    oversized, truncated or out-of-order one closes the channel and logs "ipc_bad".
 * 2. Sends never wait: frames gather into datagrams that the loop flushes once a turn.  A peer that
 *    does not read while more than IPC_BACKLOG_MAX bytes wait for it loses its channel.
 * 3. Frames arrive in the order of sending; a descriptor travels with its frame.
 * 4. A channel belongs to whoever called ipc_new, until ipc_close; on_close is told once when the
 *    other side ended or misbehaved, and the channel must still be closed by its owner
 *    (from on_close itself is the usual place).
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/str.h"
#include "conf/roles.h"
#include "rt/conn.h"

#define IPC_FRAME_MAX	57344u			/* packed bytes of one message */
#define IPC_BACKLOG_MAX	(64u << 20)

/* "smtpd 1": the role is the word before the blank. */
bool role_of_name(const char *name, enum role_kind *role);

#define F_U8(x)		uint8_t x;
#define F_U16(x)	uint16_t x;
#define F_U32(x)	uint32_t x;
#define F_U64(x)	uint64_t x;
#define F_I64(x)	int64_t x;
#define F_BOOL(x)	bool x;
#define F_STR(x)	struct str x;
#define F_IP(x)		struct ip x;
#define F_LIST(sub, x)	const struct sub_##sub *x; size_t n##x;
#define SUB(name, fields) struct sub_##name { fields };
#define MSG(name, from, to, fields) struct msg_##name { fields };
#include "ipc/msg.def"
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_I64
#undef F_BOOL
#undef F_STR
#undef F_IP
#undef F_LIST

enum msg_type {
	MSG_NONE,
#define MSG(name, from, to, fields) MSG_##name,
#include "ipc/msg.def"
	MSG_COUNT
};

/* Slices and lists point into the received datagram: valid until the handler returns. */
union msg {
#define MSG(name, from, to, fields) struct msg_##name name;
#include "ipc/msg.def"
};

struct ipc;

struct ipc_ops {
	/* A message that is no answer.  call_id != 0: the sender waits for ipc_reply.  fd is -1 or
	 * ours to close.  Runs on the channel's coroutine: while it suspends, the channel reads
	 * nothing more, so it must not ipc_call on the same channel. */
	void (*on_msg)(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m,
	    int fd);
	void (*on_close)(struct ipc *ch);	/* may be NULL: then the channel closes itself */
};

/* Who this process is; set once at start, before any ipc_new. */
void ipc_set_self(enum role_kind self);

/* Take fd as a channel to peer_name ("queue", "smtpd 3").  NULL: no memory or bad descriptor. */
struct ipc *ipc_new(int fd, const char *peer_name, const struct ipc_ops *ops, void *arg);
/* The same with both ends named, for tests that hold both ends. */
struct ipc *ipc_new_between(int fd, enum role_kind self, const char *peer_name,
    const struct ipc_ops *ops, void *arg);
/* Sends what waits (as far as the socket takes it), wakes callers with IO_BROKEN, forgets ch. */
void ipc_close(struct ipc *ch);

void *ipc_arg(const struct ipc *ch);
void ipc_set_arg(struct ipc *ch, void *arg);
enum role_kind ipc_peer(const struct ipc *ch);
const char *ipc_name(const struct ipc *ch);
bool ipc_is_open(const struct ipc *ch);
size_t ipc_backlog(const struct ipc *ch);	/* bytes the peer has not taken yet */

/* A number that never returns in this process, to find a channel again after a suspension. */
uint64_t ipc_id(const struct ipc *ch);
struct ipc *ipc_by_id(uint64_t id);		/* NULL when it was closed */

/* m points to a struct msg_<type>.  False: the channel is closed or the message too long. */
bool ipc_send(struct ipc *ch, enum msg_type type, const void *m);
/* fd is duplicated into the message; the caller keeps its own. */
bool ipc_send_fd(struct ipc *ch, enum msg_type type, const void *m, int fd);
bool ipc_reply(struct ipc *ch, uint64_t call_id, enum msg_type type, const void *m);

/* Ask and wait: answer points to a struct msg_<answer_type>, its slices are copied into a.
 * IO_OK, IO_TIMEOUT, IO_CANCELLED, or IO_BROKEN (channel closed, arena full).  suspends */
enum io ipc_call(struct ipc *ch, enum msg_type type, const void *ask, enum msg_type answer_type,
    void *answer, struct arena *a, int64_t deadline);

/* Send now what has gathered, not at the end of the turn. */
void ipc_flush(struct ipc *ch);

#endif

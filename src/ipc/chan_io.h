/* SPDX-License-Identifier: ISC */
/*
 * chan_io: datagrams of a channel: receive one, walk its frames, gather and send frames.
 *
 * No coroutine and no log here: every call answers at once.  An outbox owns the datagrams that
 * wait and the descriptors in them.  At most one descriptor travels with a datagram, and then the
 * datagram holds one frame only.
 */
#ifndef IPC_CHAN_IO_H
#define IPC_CHAN_IO_H

#include "base/list.h"
#include "ipc/ipc.h"

#define DGRAM_MAX 61440u

enum dgram { DGRAM_OK, DGRAM_WAIT, DGRAM_END, DGRAM_BAD };

struct frame {
	enum msg_type type;
	bool answer;
	uint64_t call;
	struct str bytes;
};

struct outbox {
	struct link waiting;		/* whole datagrams, oldest first */
	struct parcel *open;		/* the one that is being filled */
	size_t bytes;
	uint32_t seq;
};

/* Non-blocking, room for whole datagrams. */
bool dgram_prepare(int fd);

/* One datagram into buf (DGRAM_MAX); *fd becomes the descriptor that came with it, or -1. */
enum dgram dgram_recv(int fd, char *buf, struct str *d, int *passed);

/* Check the head and cut it off.  *seq is the number expected, and counted on. */
bool dgram_open(struct str *d, uint32_t *seq, const char **why);
/* Cut the next frame off d. */
bool dgram_next(struct str *d, struct frame *f, const char **why);

void outbox_init(struct outbox *o);
void outbox_done(struct outbox *o);
/* Add a frame with the packed m (bytes of f are not read).  False: too long or no memory. */
bool outbox_put(struct outbox *o, const struct frame *f, const void *m, int fd);
/* DGRAM_OK: all gone; DGRAM_WAIT: the socket is full; DGRAM_END: nobody reads. */
enum dgram outbox_send(struct outbox *o, int fd);
size_t outbox_bytes(const struct outbox *o);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * ipc: channels; see ipc.h for the contract, wire.h for the bytes of a message.
 *
 * A datagram is {magic, sequence} and then frames {length, type, flags, call id, bytes}.  The
 * sequence makes a lost or repeated datagram visible.  A frame with a descriptor travels alone in
 * its datagram.
 *
 * Each channel has a reader coroutine; a writer coroutine lives only while the socket is full.
 * Whoever of owner, reader and writer lets go last frees the struct.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/num.h"
#include "ipc/chan_io.h"
#include "ipc/wire.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/loop.h"
#include "rt/log.h"

enum { READS_A_TURN = 16, CALL_BUCKETS = 64 };

struct call {
	struct link link;
	uint64_t id;
	enum msg_type want;
	void *answer;
	struct arena *a;
	struct co *co;
	enum { CALL_WAITS, CALL_DONE, CALL_BROKEN } state;
};

struct ipc {
	struct link link;		/* of all channels */
	struct link dirty;		/* of those the hook must flush */
	uint64_t id;
	int fd;
	enum role_kind self, peer;
	char name[32];
	const struct ipc_ops *ops;
	void *arg;
	bool open;			/* usable for sending */
	bool owned;			/* ipc_close was not called yet */
	bool is_dirty;
	struct co *reader, *writer;
	uint32_t seq_in;
	uint64_t next_call;
	struct link call[CALL_BUCKETS];
	struct outbox out;
	struct arena scratch;		/* lists of the frame being handled */
	char *inbuf;
};

static enum role_kind self_role = ROLE_KEEPER;
static struct link channels = { &channels, &channels };
static struct link dirty = { &dirty, &dirty };
static uint64_t last_id;
static bool hooked;

static void flush_hook(void *arg);

void
ipc_set_self(enum role_kind self)
{
	self_role = self;
}

bool
role_of_name(const char *name, enum role_kind *role)
{
	size_t n = strcspn(name, " ");

	return role_find((struct str){ name, n }, role);
}

/* ---- life ---- */

static void
release(struct ipc *ch)
{
	if (ch->reader || ch->writer)
		return;
	if (ch->fd != -1 && !ch->open) {	/* nobody waits on it any more */
		fd_forget(ch->fd);
		close(ch->fd);
		ch->fd = -1;
	}
	if (ch->owned)
		return;
	outbox_done(&ch->out);
	arena_done(&ch->scratch);
	free(ch->inbuf);
	free(ch);
}

static void
fail_calls(struct ipc *ch)
{
	for (size_t i = 0; i < CALL_BUCKETS; i++) {
		struct link *l;

		while ((l = list_pop(&ch->call[i])) != NULL) {
			struct call *c = CONTAINER_OF(l, struct call, link);

			c->state = CALL_BROKEN;
			co_wake(c->co);
		}
	}
}

static void
clean(struct ipc *ch)
{
	if (ch->is_dirty)
		list_remove(&ch->dirty);
	ch->is_dirty = false;
}

/* No more traffic in either direction; the struct stays. */
static void
shut(struct ipc *ch)
{
	if (!ch->open)
		return;
	ch->open = false;
	clean(ch);
	fail_calls(ch);
	if (ch->reader && ch->reader != co_self())
		co_cancel(ch->reader);
	if (ch->writer && ch->writer != co_self())
		co_cancel(ch->writer);
	(void)shutdown(ch->fd, SHUT_RDWR);	/* closed when reader and writer are out */
}

void
ipc_close(struct ipc *ch)
{
	if (!ch)
		return;
	assert(ch->owned);
	if (ch->open)
		ipc_flush(ch);
	shut(ch);
	list_remove(&ch->link);
	ch->owned = false;
	release(ch);
}

static void
bad(struct ipc *ch, const char *why)
{
	log_begin(LOG_ERROR, "ipc_bad");
	log_s("peer", str_of(ch->name));
	log_s("why", str_of(why));
	log_end();
	shut(ch);
}

/* ---- receiving ---- */

static struct call *
find_call(struct ipc *ch, uint64_t id)
{
	struct link *head = &ch->call[id % CALL_BUCKETS];

	for (struct link *l = head->next; l != head; l = l->next) {
		struct call *c = CONTAINER_OF(l, struct call, link);

		if (c->id == id)
			return c;
	}
	return NULL;
}

/* The answer's slices must outlive the datagram: unpack from a copy in the caller's arena. */
static bool
take_answer(struct ipc *ch, const struct frame *f)
{
	struct call *c = find_call(ch, f->call);
	union msg m;
	struct str kept;

	if (f->call == 0 || f->call > ch->next_call)
		return bad(ch, "answer to no question"), false;
	if (!c) {				/* timed out meanwhile; still must be well formed */
		if (!msg_unpack(f->type, f->bytes, &m, &ch->scratch))
			return bad(ch, "malformed answer"), false;
		return true;
	}
	if (f->type != c->want)
		return bad(ch, "wrong kind of answer"), false;
	kept = str_dup(c->a, f->bytes);
	if ((kept.p || f->bytes.n == 0) && msg_unpack(f->type, kept, c->answer, c->a))
		c->state = CALL_DONE;
	else if (msg_unpack(f->type, f->bytes, &m, &ch->scratch))
		c->state = CALL_BROKEN;		/* well formed, but the arena is full */
	else
		return bad(ch, "malformed answer"), false;
	list_remove(&c->link);
	co_wake(c->co);
	return true;
}

static bool
take_frame(struct ipc *ch, const struct frame *f, int *fd)
{
	union msg m;
	int given = -1;

	if (!msg_allowed(f->type, ch->peer, ch->self))
		return bad(ch, f->type > MSG_NONE && f->type < MSG_COUNT ?
		    "message not for this peer" : "unknown message"), false;
	if (msg_takes_fd(f->type) != (*fd != -1))
		return bad(ch, "descriptor where none belongs, or none"), false;
	if (f->answer)
		return take_answer(ch, f);
	if (!msg_unpack(f->type, f->bytes, &m, &ch->scratch))
		return bad(ch, "malformed message"), false;
	given = *fd;
	*fd = -1;
	ch->ops->on_msg(ch, f->type, f->call, &m, given);
	return ch->open;
}

/* Every frame of one datagram.  False: the channel is done for. */
static bool
take_datagram(struct ipc *ch, struct str d, int *fd)
{
	const char *why;
	struct frame f;

	if (!dgram_open(&d, &ch->seq_in, &why))
		return bad(ch, why), false;
	do {
		if (!dgram_next(&d, &f, &why) || (*fd != -1 && d.n > 0))
			return bad(ch, why ? why : "descriptor among many"), false;
		if (!take_frame(ch, &f, fd))
			return false;
		arena_reset(&ch->scratch);
	} while (d.n > 0);
	return true;
}

static void
reader_end(struct ipc *ch)
{
	shut(ch);
	if (ch->owned && ch->ops->on_close)
		ch->ops->on_close(ch);
	else if (ch->owned)
		ipc_close(ch);
	ch->reader = NULL;
	release(ch);
}

static void
reader_run(void *arg)
{
	struct ipc *ch = arg;

	for (unsigned turns = 1; ch->open; turns++) {
		int fd = -1;
		struct str d;
		enum dgram got = dgram_recv(ch->fd, ch->inbuf, &d, &fd);

		if (got == DGRAM_WAIT) {
			if (fd_wait(ch->fd, FD_READ, FOREVER) == WAKE_CANCELLED)
				break;
			continue;
		}
		if (got == DGRAM_END)
			break;
		if (got == DGRAM_BAD)
			bad(ch, "truncated or oversized");
		else
			(void)take_datagram(ch, d, &fd);
		if (fd != -1)
			close(fd);
		if (ch->open && turns % READS_A_TURN == 0)
			co_yield();
	}
	reader_end(ch);
}

/* ---- sending ---- */

static void
writer_run(void *arg)
{
	struct ipc *ch = arg;

	while (ch->open) {
		enum dgram sent = outbox_send(&ch->out, ch->fd);

		if (sent == DGRAM_OK)
			break;
		if (sent != DGRAM_WAIT || fd_wait(ch->fd, FD_WRITE, FOREVER) == WAKE_CANCELLED) {
			if (ch->open)
				co_cancel(ch->reader);	/* it tells the owner */
			break;
		}
	}
	ch->writer = NULL;
	release(ch);
}

void
ipc_flush(struct ipc *ch)
{
	enum dgram sent;

	if (!ch->open || ch->writer)
		return;
	clean(ch);
	sent = outbox_send(&ch->out, ch->fd);
	if (sent == DGRAM_WAIT)
		ch->writer = co_spawn("ipc-writer", writer_run, ch);
	if ((sent == DGRAM_WAIT && !ch->writer) || sent == DGRAM_END || sent == DGRAM_BAD)
		co_cancel(ch->reader);
}

static void
flush_hook(void *arg)
{
	struct link *l;

	(void)arg;
	while ((l = list_pop(&dirty)) != NULL) {
		struct ipc *ch = CONTAINER_OF(l, struct ipc, dirty);

		ch->is_dirty = false;
		ipc_flush(ch);
	}
}

static bool
send_frame(struct ipc *ch, struct frame *f, const void *m, int fd)
{
	if (!ch || !ch->open)
		return false;
	assert(msg_allowed(f->type, ch->self, ch->peer));
	assert(msg_takes_fd(f->type) == (fd != -1));
	if (!outbox_put(&ch->out, f, m, fd))
		return false;
	if (outbox_bytes(&ch->out) > IPC_BACKLOG_MAX) {
		log_begin(LOG_ERROR, "ipc_stuck");
		log_s("peer", str_of(ch->name));
		log_end();
		co_cancel(ch->reader);
		return false;
	}
	if (!ch->is_dirty && !ch->writer) {
		ch->is_dirty = true;
		list_push(&dirty, &ch->dirty);
	}
	return true;
}

bool
ipc_send(struct ipc *ch, enum msg_type type, const void *m)
{
	return send_frame(ch, &(struct frame){ .type = type }, m, -1);
}

bool
ipc_send_fd(struct ipc *ch, enum msg_type type, const void *m, int fd)
{
	assert(fd >= 0);
	return send_frame(ch, &(struct frame){ .type = type }, m, fd);
}

bool
ipc_reply(struct ipc *ch, uint64_t call_id, enum msg_type type, const void *m)
{
	return send_frame(ch, &(struct frame){ .type = type, .call = call_id, .answer = true },
	    m, -1);
}

static enum io
wait_answer(struct call *c, int64_t deadline)
{
	while (c->state == CALL_WAITS) {
		enum wake w = co_park(deadline);

		if (c->state != CALL_WAITS)
			break;
		if (w == WAKE_OK)
			continue;
		list_remove(&c->link);
		return w == WAKE_TIMEOUT ? IO_TIMEOUT : IO_CANCELLED;
	}
	return c->state == CALL_DONE ? IO_OK : IO_BROKEN;
}

enum io
ipc_call(struct ipc *ch, enum msg_type type, const void *ask, enum msg_type answer_type,
    void *answer, struct arena *a, int64_t deadline)
{
	struct call c = { .want = answer_type, .answer = answer, .a = a, .co = co_self() };
	struct frame f = { .type = type };

	if (!ch || !ch->open)
		return IO_BROKEN;
	if (co_cancelled())
		return IO_CANCELLED;
	memset(answer, 0, msg_size(answer_type));
	c.id = f.call = ++ch->next_call;
	if (!send_frame(ch, &f, ask, -1))
		return IO_BROKEN;
	list_push(&ch->call[c.id % CALL_BUCKETS], &c.link);
	return wait_answer(&c, deadline);
}

/* ---- making ---- */

static void
list_in(struct ipc *ch)
{
	if (!hooked)
		loop_hook(flush_hook, NULL);
	hooked = true;
	ch->id = ++last_id;
	list_push(&channels, &ch->link);
}

struct ipc *
ipc_new_between(int fd, enum role_kind self, const char *peer_name, const struct ipc_ops *ops,
    void *arg)
{
	struct ipc *ch = calloc(1, sizeof(*ch));
	size_t n = strlen(peer_name);

	assert(ops->on_msg);
	if (!ch)
		return NULL;
	*ch = (struct ipc){
		.fd = fd, .self = self, .ops = ops, .arg = arg, .open = true, .owned = true,
	};
	n = MIN(n, sizeof(ch->name) - 1);
	memcpy(ch->name, peer_name, n);
	for (size_t i = 0; i < CALL_BUCKETS; i++)
		link_init(&ch->call[i]);
	outbox_init(&ch->out);
	arena_init(&ch->scratch, 8u << 20);
	ch->inbuf = malloc(DGRAM_MAX);
	if (!role_of_name(peer_name, &ch->peer) || !ch->inbuf || !dgram_prepare(fd) ||
	    !(ch->reader = co_spawn("ipc-reader", reader_run, ch))) {
		ch->owned = ch->open = false;
		release(ch);
		return NULL;
	}
	list_in(ch);
	return ch;
}

struct ipc *
ipc_new(int fd, const char *peer_name, const struct ipc_ops *ops, void *arg)
{
	return ipc_new_between(fd, self_role, peer_name, ops, arg);
}

/* ---- small answers ---- */

void *ipc_arg(const struct ipc *ch) { return ch->arg; }
void ipc_set_arg(struct ipc *ch, void *arg) { ch->arg = arg; }
enum role_kind ipc_peer(const struct ipc *ch) { return ch->peer; }
const char *ipc_name(const struct ipc *ch) { return ch->name; }
bool ipc_is_open(const struct ipc *ch) { return ch->open; }
size_t ipc_backlog(const struct ipc *ch) { return outbox_bytes(&ch->out); }
uint64_t ipc_id(const struct ipc *ch) { return ch->id; }

struct ipc *
ipc_by_id(uint64_t id)
{
	for (struct link *l = channels.next; l != &channels; l = l->next) {
		struct ipc *ch = CONTAINER_OF(l, struct ipc, link);

		if (ch->id == id)
			return ch;
	}
	return NULL;
}

/* SPDX-License-Identifier: ISC */
/*
 * chan_io: the datagrams under a channel; see chan_io.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/chan_io.h"
#include "ipc/wire.h"

enum { MAGIC = 0x43504950, FLAG_ANSWER = 1, FDS_MAX = 8 };

struct head { uint32_t magic, seq; };
struct frame_head { uint32_t len; uint16_t type, flags; uint64_t call; };

struct parcel {
	struct link link;
	size_t n, cap;
	int fd;
	char p[];
};

bool
dgram_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL), room = 1 << 20;

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return true;
}

/* Descriptors of a message: keeps the first, closes the rest.  False: more than one came. */
static bool
take_fds(struct msghdr *h, int *passed)
{
	size_t seen = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (seen++ == 0)
				*passed = fd;
			else
				close(fd);
		}
	}
	return seen <= 1;
}

enum dgram
dgram_recv(int fd, char *buf, struct str *d, int *passed)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct iovec iov = { .iov_base = buf, .iov_len = DGRAM_MAX };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	/* A peer that closed with our words unread gives ECONNRESET once, then its last words. */
	n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1 && errno == ECONNRESET)
		n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*passed = -1;
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? DGRAM_WAIT : DGRAM_END;
	if (!take_fds(&h, passed) || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return DGRAM_BAD;
	if (n == 0)
		return *passed == -1 ? DGRAM_END : DGRAM_BAD;
	*d = (struct str){ .p = buf, .n = (size_t)n };
	return DGRAM_OK;
}

static bool
say(const char **why, const char *text)
{
	*why = text;
	return false;
}

bool
dgram_open(struct str *d, uint32_t *seq, const char **why)
{
	struct head h;

	*why = NULL;
	if (d->n <= sizeof(h))
		return say(why, "truncated datagram");
	memcpy(&h, d->p, sizeof(h));
	if (h.magic != MAGIC)
		return say(why, "not our magic");
	if (h.seq != *seq)
		return say(why, "datagram out of order");
	(*seq)++;
	*d = (struct str){ d->p + sizeof(h), d->n - sizeof(h) };
	return true;
}

bool
dgram_next(struct str *d, struct frame *f, const char **why)
{
	struct frame_head h;

	*why = NULL;
	if (d->n < sizeof(h))
		return say(why, "truncated frame head");
	memcpy(&h, d->p, sizeof(h));
	if (h.len > IPC_FRAME_MAX)
		return say(why, "oversized frame");
	if (h.len > d->n - sizeof(h))
		return say(why, "truncated frame");
	if (h.flags & ~FLAG_ANSWER)
		return say(why, "unknown flags");
	if (h.type == MSG_NONE || h.type >= MSG_COUNT)
		return say(why, "unknown message");
	*f = (struct frame){
		.type = (enum msg_type)h.type, .answer = h.flags & FLAG_ANSWER, .call = h.call,
		.bytes = { d->p + sizeof(h), h.len },
	};
	*d = (struct str){ d->p + sizeof(h) + h.len, d->n - sizeof(h) - h.len };
	return true;
}

/* ---- sending ---- */

void
outbox_init(struct outbox *o)
{
	*o = (struct outbox){};
	link_init(&o->waiting);
}

static void
drop(struct parcel *p)
{
	if (p && p->fd != -1)
		close(p->fd);
	free(p);
}

void
outbox_done(struct outbox *o)
{
	struct link *l;

	while ((l = list_pop(&o->waiting)) != NULL)
		drop(CONTAINER_OF(l, struct parcel, link));
	drop(o->open);
	o->open = NULL;
}

size_t
outbox_bytes(const struct outbox *o)
{
	return o->bytes;
}

static void
seal(struct outbox *o)
{
	if (o->open)
		list_push(&o->waiting, &o->open->link);
	o->open = NULL;
}

static struct parcel *
parcel_new(struct outbox *o)
{
	struct parcel *p = malloc(sizeof(*p) + DGRAM_MAX);
	struct head h = { .magic = MAGIC, .seq = o->seq };

	if (!p)
		return NULL;
	o->seq++;
	p->fd = -1;
	p->cap = DGRAM_MAX;
	memcpy(p->p, &h, sizeof(h));
	p->n = sizeof(h);
	o->bytes += p->n;
	return p;
}

static bool
append(struct outbox *o, struct parcel *p, const struct frame *f, const void *m)
{
	struct frame_head h = {
		.type = (uint16_t)f->type, .flags = f->answer ? FLAG_ANSWER : 0, .call = f->call,
	};
	size_t n;

	if (p->cap - p->n < sizeof(h))
		return false;
	n = p->cap - p->n - sizeof(h);
	if (!msg_put(f->type, m, p->p + p->n + sizeof(h), &n))
		return false;
	h.len = (uint32_t)n;
	memcpy(p->p + p->n, &h, sizeof(h));
	p->n += sizeof(h) + n;
	o->bytes += sizeof(h) + n;
	return true;
}

bool
outbox_put(struct outbox *o, const struct frame *f, const void *m, int fd)
{
	if (fd != -1)
		seal(o);
	if (o->open && append(o, o->open, f, m))
		return true;
	seal(o);
	o->open = parcel_new(o);
	if (!o->open)
		return false;
	if (!append(o, o->open, f, m)) {	/* alone and still too long */
		o->bytes -= o->open->n;
		o->seq--;
		drop(o->open);
		o->open = NULL;
		return false;
	}
	if (fd != -1) {
		o->open->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (o->open->fd == -1)
			return false;	/* the peer sees a message without it, and closes */
		seal(o);
	}
	return true;
}

static enum dgram
send_one(const struct parcel *p, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = (char *)p->p, .iov_len = p->n };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (p->fd != -1) {
		struct cmsghdr *c;

		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &p->fd, sizeof(int));
	}
	if (sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return DGRAM_OK;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ETOOMANYREFS
	    ? DGRAM_WAIT : DGRAM_END;
}

enum dgram
outbox_send(struct outbox *o, int fd)
{
	seal(o);
	while (!list_empty(&o->waiting)) {
		struct parcel *p = CONTAINER_OF(o->waiting.next, struct parcel, link);
		enum dgram sent = send_one(p, fd);

		if (sent != DGRAM_OK)
			return sent;
		list_remove(&p->link);
		o->bytes -= p->n;
		drop(p);
	}
	return DGRAM_OK;
}

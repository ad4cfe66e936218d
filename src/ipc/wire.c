/* SPDX-License-Identifier: ISC */
/*
 * wire: packers, bounds-checked unpackers and the table of rights, made from msg.def.
 *
 * Both ends are the same binary on the same machine, so numbers travel in native order and there
 * is no version; what is checked is everything a peer that was taken over could bend: lengths,
 * counts, flags, left-over bytes.  Unpacked slices point into the bytes; lists come from the arena.
 */
#include <string.h>

#include "base/arena.h"
#include "ipc/wire.h"

struct out { char *p, *end; bool full; };
struct in { const char *p, *end; bool bad; struct arena *a; };

static void
put(struct out *o, const void *p, size_t n)
{
	if (o->full || (size_t)(o->end - o->p) < n) {
		o->full = true;
		return;
	}
	if (n > 0)
		memcpy(o->p, p, n);
	o->p += n;
}

static void
put_str(struct out *o, struct str s)
{
	uint32_t n = (uint32_t)s.n;

	if (s.n > IPC_FRAME_MAX) {
		o->full = true;
		return;
	}
	put(o, &n, sizeof(n));
	put(o, s.p, s.n);
}

static void
put_bool(struct out *o, bool b)
{
	uint8_t v = b;

	put(o, &v, 1);
}

static __attribute__((unused)) void
put_count(struct out *o, size_t count)
{
	uint32_t n = (uint32_t)count;

	if (count > IPC_FRAME_MAX)
		o->full = true;
	put(o, &n, sizeof(n));
}

static void
get(struct in *i, void *p, size_t n)
{
	if (i->bad || (size_t)(i->end - i->p) < n) {
		i->bad = true;
		memset(p, 0, n);
		return;
	}
	memcpy(p, i->p, n);
	i->p += n;
}

static struct str
get_str(struct in *i)
{
	uint32_t n;
	struct str s;

	get(i, &n, sizeof(n));
	if (i->bad || (size_t)(i->end - i->p) < n) {
		i->bad = true;
		return (struct str){};
	}
	s = (struct str){ .p = i->p, .n = n };
	i->p += n;
	return s;
}

static bool
get_bool(struct in *i)
{
	uint8_t v;

	get(i, &v, 1);
	if (v > 1)
		i->bad = true;
	return v == 1;
}

/* Room for a list: each part takes at least a byte, so a count cannot promise more than came. */
static __attribute__((unused)) void *
get_list(struct in *i, size_t part, size_t *count)
{
	uint32_t n;
	void *p;

	*count = 0;
	get(i, &n, sizeof(n));
	if (i->bad || n > (size_t)(i->end - i->p)) {
		i->bad = true;
		return NULL;
	}
	if (n == 0)
		return NULL;
	p = i->a ? arena_alloc(i->a, n * part) : NULL;
	if (!p) {
		i->bad = true;
		return NULL;
	}
	memset(p, 0, n * part);
	*count = n;
	return p;
}

/* ---- packing ---- */

#define F_U8(x)		put(o, &m->x, sizeof(m->x));
#define F_U16(x)	F_U8(x)
#define F_U32(x)	F_U8(x)
#define F_U64(x)	F_U8(x)
#define F_I64(x)	F_U8(x)
#define F_BOOL(x)	put_bool(o, m->x);
#define F_STR(x)	put_str(o, m->x);
#define F_IP(x)		put(o, m->x.b, sizeof(m->x.b)); put_bool(o, m->x.v6);
#define F_LIST(sub, x)	put_count(o, m->n##x);				\
	for (size_t i_ = 0; i_ < m->n##x && !o->full; i_++)		\
		pack_sub_##sub(o, &m->x[i_]);
#define SUB(name, fields)						\
static void								\
pack_sub_##name(struct out *o, const struct sub_##name *m)		\
{									\
	fields								\
}
#define MSG(name, from, to, fields)					\
static void								\
pack_##name(struct out *o, const void *v)				\
{									\
	const struct msg_##name *m = v;					\
									\
	(void)o, (void)m;						\
	fields								\
}
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

/* ---- unpacking ---- */

#define F_U8(x)		get(in, &m->x, sizeof(m->x));
#define F_U16(x)	F_U8(x)
#define F_U32(x)	F_U8(x)
#define F_U64(x)	F_U8(x)
#define F_I64(x)	F_U8(x)
#define F_BOOL(x)	m->x = get_bool(in);
#define F_STR(x)	m->x = get_str(in);
#define F_IP(x)		get(in, m->x.b, sizeof(m->x.b)); m->x.v6 = get_bool(in);
#define F_LIST(sub, x)	{						\
	struct sub_##sub *list_ = get_list(in, sizeof(*list_), &m->n##x); \
	m->x = list_;							\
	for (size_t i_ = 0; i_ < m->n##x && !in->bad; i_++)		\
		unpack_sub_##sub(in, &list_[i_]);			\
	}
#define SUB(name, fields)						\
static void								\
unpack_sub_##name(struct in *in, struct sub_##name *m)			\
{									\
	fields								\
}
#define MSG(name, from, to, fields)					\
static void								\
unpack_##name(struct in *in, void *v)					\
{									\
	struct msg_##name *m = v;					\
									\
	(void)in, (void)m;						\
	fields								\
}
#include "ipc/msg.def"

/* ---- the table ---- */

#define R(x) R_##x
enum {
	R_keeper = 1u << ROLE_KEEPER, R_pool = 1u << ROLE_POOL, R_smtpd = 1u << ROLE_SMTPD,
	R_queue = 1u << ROLE_QUEUE, R_smtpc = 1u << ROLE_SMTPC,
	R_resolver = 1u << ROLE_RESOLVER, R_vault = 1u << ROLE_VAULT,
	R_local = 1u << ROLE_LOCAL, R_lookup = 1u << ROLE_LOOKUP, R_fetch = 1u << ROLE_FETCH,
	R_admin = 1u << ROLE_ADMIN, R_ANY = (1u << ROLE_COUNT) - 1,
};

static const struct kind {
	const char *name;
	unsigned from, to;
	bool fd;
	size_t size;
	void (*pack)(struct out *, const void *);
	void (*unpack)(struct in *, void *);
} kinds[MSG_COUNT] = {
#define MSG(name, from, to, fields)					\
	[MSG_##name] = { #name, from, to, false, sizeof(struct msg_##name),	\
	    pack_##name, unpack_##name },
#define MSGFD(name, from, to, fields)					\
	[MSG_##name] = { #name, from, to, true, sizeof(struct msg_##name),	\
	    pack_##name, unpack_##name },
#include "ipc/msg.def"
};

static const struct kind *
kind_of(enum msg_type type)
{
	return type > MSG_NONE && type < MSG_COUNT ? &kinds[type] : NULL;
}

const char *
msg_name(enum msg_type type)
{
	const struct kind *k = kind_of(type);

	return k ? k->name : "unknown";
}

bool
msg_allowed(enum msg_type type, enum role_kind from, enum role_kind to)
{
	const struct kind *k = kind_of(type);

	return k && (k->from & 1u << from) && (k->to & 1u << to);
}

bool
msg_takes_fd(enum msg_type type)
{
	const struct kind *k = kind_of(type);

	return k && k->fd;
}

size_t
msg_size(enum msg_type type)
{
	const struct kind *k = kind_of(type);

	return k ? k->size : 0;
}

bool
msg_put(enum msg_type type, const void *m, char *p, size_t *n)
{
	struct out o = { .p = p, .end = p + *n };
	const struct kind *k = kind_of(type);

	if (!k)
		return false;
	k->pack(&o, m);
	*n = (size_t)(o.p - p);
	return !o.full && *n <= IPC_FRAME_MAX;
}

bool
msg_unpack(enum msg_type type, struct str bytes, void *m, struct arena *a)
{
	struct in in = { .p = bytes.p, .end = bytes.p + bytes.n, .a = a };
	const struct kind *k = kind_of(type);

	if (!k)
		return false;
	memset(m, 0, k->size);
	k->unpack(&in, m);
	return !in.bad && in.p == in.end;
}

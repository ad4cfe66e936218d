/* SPDX-License-Identifier: ISC */
/*
 * recipient: see recipient.h.
 */
#include "smtpd/recipient.h"

#include "route/ask.h"
#include "route/expand.h"

static enum dest
dest_of(enum rcpt_class c)
{
	switch (c) {
	case RCPT_LOCAL:
	case RCPT_VIRTUAL:	return DEST_LOCAL;
	case RCPT_RELAYED:	return DEST_RELAYED;
	case RCPT_REMOTE:	return DEST_REMOTE;
	case RCPT_UNKNOWN:	return DEST_UNKNOWN;
	case RCPT_DISABLED:	return DEST_DISABLED;
	case RCPT_LATER:	return DEST_LATER;
	}
	return DEST_LATER;
}

static enum dest
dest(void *ctx, const struct path *p, struct arena *a)
{
	struct route_answer answer = {};

	route_rcpt(ctx, p, a, &answer);
	return dest_of(answer.class);
}

static bool
leaves(void *ctx, const struct path *p, struct arena *a)
{
	return route_leaves(ctx, p, a);
}

static struct str
uid_name(void *ctx, uint32_t uid, struct arena *a)
{
	const struct route *r = ctx;

	return r->ops.uid_name ? r->ops.uid_name(r->ops.arg, uid, a) : (struct str){};
}

static void
first(void *ctx)
{
	const struct route *r = ctx;

	if (r->tables.img.p == NULL && r->ops.first)
		r->ops.first(r->ops.arg);
}

struct smtpd_ops
recipient_ops(const struct route *r)
{
	return (struct smtpd_ops){ .dest = dest, .leaves = leaves, .uid_name = uid_name,
		.first_tables = first, .tables = &r->tables,
	    .ctx = (void *)(uintptr_t)r };
}

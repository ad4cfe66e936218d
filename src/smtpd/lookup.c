/* SPDX-License-Identifier: ISC */
/*
 * lookup: see lookup.h.
 */
#include "smtpd/lookup.h"

#include <stdlib.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "route/ask.h"
#include "rt/clock.h"

struct lookup {
	struct route route;
	struct ipc *ch;
};

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
	struct lookup *l = ctx;
	struct route_answer answer = {};

	route_rcpt(&l->route, p, a, &answer);
	return dest_of(answer.class);
}

struct lookup *
lookup_new(const struct config *cfg)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->route.cfg = cfg;
	return l;
}

void
lookup_free(struct lookup *l)
{
	if (l->ch)
		ipc_close(l->ch);
	tables_done(&l->route.tables);
	free(l);
}

struct smtpd_ops
lookup_ops(struct lookup *l)
{
	return (struct smtpd_ops){ .dest = dest, .ctx = l };
}

struct route *
lookup_route(struct lookup *l)
{
	return &l->route;
}

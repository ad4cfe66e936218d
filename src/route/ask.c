/* SPDX-License-Identifier: ISC */
/*
 * ask: see ask.h.
 *
 * The order within a domain of ours: virtusers, aliases, users, postmaster, catch-all.  A table
 * that cannot be asked ends the search with RCPT_LATER, whatever might have come after it.
 */
#include "route/ask.h"

#include "route/find.h"

const char *
rcpt_class_name(enum rcpt_class c)
{
	switch (c) {
	case RCPT_LOCAL:
		return "local";
	case RCPT_VIRTUAL:
		return "virtual";
	case RCPT_RELAYED:
		return "relayed";
	case RCPT_REMOTE:
		return "remote";
	case RCPT_UNKNOWN:
		return "unknown";
	case RCPT_DISABLED:
		return "disabled";
	case RCPT_LATER:
		return "later";
	}
	return "unknown";
}

/* A list that is one refusal is an address that does not exist, with words of its own. */
static enum rcpt_class
class_of_targets(struct str packed, enum rcpt_class otherwise, struct arena *a,
    struct route_answer *out)
{
	struct target t;

	if (!targets_next(&packed, &t) || t.kind != TARGET_ERROR || packed.n > 0)
		return otherwise;
	out->text = str_dup(a, t.text);
	return RCPT_UNKNOWN;
}

static enum rcpt_class
class_of_user(const struct route *r, struct mailname *m, struct arena *a)
{
	struct user_entry u;

	switch (find_user(r, m, &u, a)) {		/* suspends */
	case FIND_YES:
		return u.disabled ? RCPT_DISABLED : RCPT_LOCAL;
	case FIND_LATER:
		return RCPT_LATER;
	case FIND_NO:
		break;
	}
	return RCPT_UNKNOWN;
}

/* suspends */
static enum rcpt_class
class_of_ours(const struct route *r, struct mailname *m, struct arena *a,
    struct route_answer *out)
{
	struct str packed;
	enum rcpt_class c;
	enum find f = find_virtuser(r, m, a, &packed);

	if (f == FIND_NO)
		f = find_alias(r, m, a, &packed);
	if (f == FIND_LATER)
		return RCPT_LATER;
	if (f == FIND_YES)
		return class_of_targets(packed, m->virtual ? RCPT_VIRTUAL : RCPT_LOCAL, a, out);
	c = class_of_user(r, m, a);
	if (c != RCPT_UNKNOWN)
		return c;
	if (str_eq(m->user, STR("postmaster")))		/* RFC 5321 4.5.1 */
		return RCPT_LOCAL;
	return m->domain->catch_all.n > 0 ? RCPT_VIRTUAL : RCPT_UNKNOWN;
}

static enum rcpt_class
class_of_relayed(const struct route *r, const struct path *p, struct arena *a,
    struct route_answer *out)
{
	struct str file;

	out->grant = find_destination(r->cfg, p->domain);
	if (out->grant == NULL)
		return RCPT_REMOTE;
	file = out->grant->recipients_file;
	if (file.n == 0)
		return RCPT_RELAYED;
	switch (tables_listed(&r->tables, file, str_cat(a, p->local, STR("@"), p->domain))) {
	case FIND_YES:
		return RCPT_RELAYED;
	case FIND_LATER:
		return RCPT_LATER;
	case FIND_NO:
		break;
	}
	if (str_ieq(p->local, STR("postmaster")) ||
	    tables_listed(&r->tables, file, str_cat(a, STR("@"), p->domain)) == FIND_YES)
		return RCPT_RELAYED;
	return RCPT_UNKNOWN;
}

void
route_rcpt(const struct route *r, const struct path *p, struct arena *a,
    struct route_answer *out)
{
	struct mailname m = {};

	*out = (struct route_answer){ .class = RCPT_REMOTE };
	if (p->null)
		return;
	if (r->tables.img.p == NULL && r->ops.first != NULL)
		r->ops.first(r->ops.arg);			/* suspends */
	m.domain = find_domain(r, p, a);
	if (m.domain == NULL) {
		out->class = p->literal ? RCPT_REMOTE : class_of_relayed(r, p, a, out);
		return;
	}
	if (!mailname_make(&m, p, a)) {
		out->class = RCPT_LATER;
		return;
	}
	out->domain = m.domain;
	out->class = class_of_ours(r, &m, a, out);
	out->user = m.user;
	out->detail = m.detail;
}

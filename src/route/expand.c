/* SPDX-License-Identifier: ISC */
/*
 * expand: see expand.h.
 *
 * Recursion follows the aliases and is bounded by alias-depth; every address is expanded once, and
 * one that is met again above itself is a loop, unless it names itself directly ("alice: alice,
 * bob"), which means the mailbox.  Suspends only for system users; all that is kept over that is in
 * the arena.
 */
#include "base/map.h"
#include "route/expand.h"
#include "route/find.h"

struct above {				/* the addresses this one came from */
	struct str addr;
	const struct above *up;
	unsigned depth;
	struct maker by;		/* who made this one */
};

struct expander {
	const struct route *r;
	struct arena *a;
	struct expansion *out;
	struct map seen;		/* addresses done, and goals made */
	size_t cap;
	struct str sender;		/* of the list we are in */
	struct str of;			/* user whose forward we are in */
	enum expand failed;
};

static enum expand expand_address(struct expander *e, struct str addr, const struct above *up,
    struct maker by);

static enum expand
fail(struct expander *e, enum expand why, struct str at)
{
	if (e->failed == EXPAND_OK) {
		e->failed = why;
		e->out->at = str_dup(e->a, at);
	}
	return why;
}

/* A list stands in an image that may be replaced while we wait.  False: no memory for it. */
static bool
keep(struct expander *e, struct str *packed)
{
	size_t n = packed->n;

	*packed = str_dup(e->a, *packed);
	return packed->n == n;
}

static enum expand
add_goal(struct expander *e, const struct goal *g)
{
	struct expansion *x = e->out;
	struct str key = str_fmt(e->a, "=%d " STR_F " " STR_F, (int)g->kind, STR_A(g->addr),
	    STR_A(g->text));

	if (map_get(&e->seen, key) != NULL)
		return EXPAND_OK;
	if (x->ngoal >= e->r->cfg->lim.expansion)
		return fail(e, EXPAND_TOO_MANY, g->addr);
	if (x->ngoal == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 4;
		struct goal *more = arena_alloc(e->a, cap * sizeof *more);

		if (more == NULL || key.n == 0)
			return fail(e, EXPAND_LATER, g->addr);
		if (x->ngoal > 0)
			memcpy(more, x->goal, x->ngoal * sizeof *more);
		x->goal = more;
		e->cap = cap;
	}
	(void)map_put(&e->seen, key, e);
	x->goal[x->ngoal] = *g;
	x->goal[x->ngoal].sender = e->sender;
	if (g->of.n == 0)
		x->goal[x->ngoal].of = e->of;
	x->ngoal++;
	return EXPAND_OK;
}

static enum expand
add_error(struct expander *e, struct str addr, struct str text)
{
	struct goal g = { .kind = GOAL_ERROR, .addr = addr, .text = text };

	return add_goal(e, &g);
}

/* A user of ours gets it; instead: only where none of the user's forwards does. */
static enum expand
add_mailbox(struct expander *e, const struct mailname *m, struct str addr, bool instead)
{
	const struct domain *d = m->domain;
	struct goal g = { .domain = d, .user = m->user, .detail = m->detail, .unless = instead };

	if (instead)
		g.of = str_cat(e->a, m->user, STR("@"), d->name);

	switch (d->deliver) {
	case DLV_MAILDIR:
		g.kind = GOAL_MAILDIR;
		g.addr = str_cat(e->a, m->user, STR("@"), d->name);
		break;
	case DLV_LMTP:
		g.kind = GOAL_LMTP;
		g.nexthop = d->lmtp;
		g.addr = addr;
		break;
	case DLV_DISCARD:
		g.kind = GOAL_DISCARD;
		g.addr = addr;
		break;
	}
	return add_goal(e, &g);
}

static enum expand
add_remote(struct expander *e, const struct path *p, struct str addr, struct maker by)
{
	const struct grant *grant = find_destination(e->r->cfg, p->domain);
	struct goal g = { .addr = addr, .maker = by, .inside = grant != NULL };

	if (grant != NULL && grant->via.n > 0) {
		if (!route_goal_of_word(grant->via, e->a, &g))
			return fail(e, EXPAND_LATER, addr);
	} else if (!route_nexthop(e->r, p->domain, e->a, &g)) {
		return fail(e, EXPAND_LATER, addr);
	}
	return add_goal(e, &g);
}

/* What stands in the tables without a domain belongs to the domain of the table. */
static struct str
whole_address(struct expander *e, const struct domain *d, struct str text)
{
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			quoted = !quoted;
		else if (text.p[i] == '@' && !quoted)
			return text;
	}
	return str_cat(e->a, text, STR("@"), d->name);
}

/* A confirmed forward: an address elsewhere, or one of ours that is looked up like any other. */
static enum expand
expand_forward(struct expander *e, const struct forward_confirmed *f, const struct above *here)
{
	struct str before = e->of;
	enum expand x;

	/* Users must not make each other's mail bounce: a circle of forwards ends here. */
	for (const struct above *u = here; u != NULL; u = u->up)
		if (str_ieq(u->addr, f->target))
			return EXPAND_OK;
	e->of = f->user;
	x = expand_address(e, f->target, here, maker_confirmed_forward(f));
	e->of = before;
	return x;
}

/* The mailbox and the user's forwards; here NULL: by the administrator's word the mailbox alone. */
static enum expand
add_user(struct expander *e, const struct mailname *m, struct str addr, const struct above *here)
{
	struct forward_confirmed f;
	bool only, instead = false;
	enum find found = FIND_NO;
	enum expand x;

	for (unsigned n = 0; here != NULL && here->depth < e->r->cfg->lim.alias_depth; n++) {
		found = find_forward(e->r, m, n, e->a, &f, &only);
		if (found != FIND_YES)
			break;
		instead |= only;
		x = expand_forward(e, &f, here);
		if (x != EXPAND_OK)
			return x;
	}
	if (found == FIND_LATER)
		return fail(e, EXPAND_LATER, addr);
	return add_mailbox(e, m, addr, instead);
}

static enum expand
find_mailbox(struct expander *e, struct mailname *m, struct str addr, const struct above *above)
{
	bool top = above != NULL;
	struct user_entry u;
	enum find f = find_user(e->r, m, &u, e->a);	/* suspends */

	if (f == FIND_LATER)
		return fail(e, EXPAND_LATER, addr);
	if (f == FIND_YES)
		return u.disabled ? add_error(e, addr, STR("550 5.2.1 mailbox disabled")) :
		    add_user(e, m, addr, above);
	if (top)
		return EXPAND_UNKNOWN;
	return add_error(e, addr, STR("550 5.1.1 no such user"));
}

static enum expand expand_targets(struct expander *e, const struct domain *d, struct str packed,
    const struct above *here);

static enum expand
expand_include(struct expander *e, const struct domain *d, struct str file,
    const struct above *here)
{
	struct str key = str_cat(e->a, STR(":include:"), file), packed;
	struct above next = { key, here, here->depth + 1, here->by };

	for (const struct above *u = here; u != NULL; u = u->up)
		if (str_eq(u->addr, key))
			return fail(e, EXPAND_LOOP, key);
	if (next.depth > e->r->cfg->lim.alias_depth)
		return fail(e, EXPAND_LOOP, key);
	if (tables_include(&e->r->tables, file, &packed) != FIND_YES || !keep(e, &packed))
		return fail(e, EXPAND_LATER, key);
	return expand_targets(e, d, packed, &next);
}

static enum expand
expand_exact(struct expander *e, const struct domain *d, const struct target *t)
{
	struct path_rules rules = { .arena = e->a, .utf8 = true };
	struct str addr = whole_address(e, d, t->text);
	struct mailname m = {};
	struct perr err = {};
	struct path p;

	if (!path_parse(addr, &rules, &p, &err))
		return add_error(e, addr, STR("550 5.1.3 bad address in a table"));
	m.domain = find_domain(e->r, &p, e->a);
	if (m.domain == NULL)
		return add_remote(e, &p, addr, maker_admin_alias(t));
	if (!mailname_make(&m, &p, e->a))
		return fail(e, EXPAND_LATER, addr);
	return find_mailbox(e, &m, addr, NULL);
}

static enum expand
expand_target(struct expander *e, const struct domain *d, const struct target *t,
    const struct above *here)
{
	struct goal g = { .addr = here->addr, .text = t->text, .domain = d };

	switch (t->kind) {
	case TARGET_ADDRESS:
		return expand_address(e, whole_address(e, d, t->text), here, maker_admin_alias(t));
	case TARGET_EXACT:
		return expand_exact(e, d, t);
	case TARGET_INCLUDE:
		return expand_include(e, d, t->text, here);
	case TARGET_PROGRAM:
		g.kind = GOAL_PROGRAM;
		return add_goal(e, &g);
	case TARGET_FILE:
		g.kind = str_eq(t->text, STR("/dev/null")) ? GOAL_DISCARD : GOAL_FILE;
		return add_goal(e, &g);
	case TARGET_ERROR:
		return add_error(e, here->addr, t->text);
	}
	return EXPAND_OK;
}

static enum expand
expand_targets(struct expander *e, const struct domain *d, struct str packed,
    const struct above *here)
{
	struct target t;

	while (targets_next(&packed, &t)) {
		enum expand x = expand_target(e, d, &t, here);

		if (x != EXPAND_OK)
			return x;
	}
	return EXPAND_OK;
}

/* A list's owner becomes the envelope sender of what the list sends (RFC 5321 3.9.2). */
static struct str
owner_of(struct expander *e, const struct mailname *m)
{
	struct mailname owner = { .domain = m->domain };
	struct str packed;

	owner.whole = owner.user = str_cat(e->a, STR("owner-"), m->user);
	if (str_starts(m->user, STR("owner-")) ||
	    find_alias(e->r, &owner, e->a, &packed) != FIND_YES)
		return e->sender;
	return str_cat(e->a, owner.whole, STR("@"), m->domain->name);
}

/* In a domain without a list of users the name of the catch-all is a mailbox as it stands. */
static enum expand
expand_catch_all(struct expander *e, const struct domain *d, const struct above *here)
{
	struct str addr = whole_address(e, d, d->catch_all);
	struct mailname m = { .domain = d };

	if (d->users != USERS_NONE || addr.n == d->catch_all.n)
		return expand_address(e, addr, here, maker_admin_alias(&(struct target){
		    .kind = TARGET_ADDRESS, .text = addr }));
	m.whole = m.user = str_lower(e->a, d->catch_all);
	return add_mailbox(e, &m, addr, false);
}

/* postmaster without alias or mailbox: the main domain's, then the first user there is. */
static enum expand
expand_postmaster(struct expander *e, const struct mailname *m, struct str addr,
    const struct above *here)
{
	const struct domain *d = &e->r->cfg->domain[0];
	struct mailname first = { .domain = m->domain };
	struct user_entry u;

	if (m->domain != d)
		return expand_address(e, str_cat(e->a, STR("postmaster@"), d->name), here,
		    here->by);
	if (d->users == USERS_SYSTEM)
		first.whole = STR("root");
	else if (d->users == USERS_FILE &&
	    tables_user(&e->r->tables, d->users_file, STR(""), &u) == FIND_YES)
		first.whole = str_dup(e->a, u.home);
	first.user = first.whole;
	if (first.whole.n > 0)
		return find_mailbox(e, &first, addr, NULL);
	if (d->catch_all.n > 0)
		return expand_catch_all(e, d, here);
	return add_error(e, addr, STR("550 5.1.1 postmaster has no mailbox"));
}

/* One name of ours: the order is that of ask. */
static enum expand
expand_ours(struct expander *e, struct mailname *m, struct str addr, const struct above *here)
{
	bool top = here->up == NULL, itself = !top && str_ieq(here->up->addr, here->addr);
	struct str packed, before = e->sender;
	enum find f = FIND_NO;
	enum expand x;

	if (!itself) {
		f = find_virtuser(e->r, m, e->a, &packed);
		if (f == FIND_NO)
			f = find_alias(e->r, m, e->a, &packed);
		if (f == FIND_YES && !keep(e, &packed))
			f = FIND_LATER;
	}
	if (f == FIND_LATER)
		return fail(e, EXPAND_LATER, addr);
	if (f == FIND_YES) {
		e->sender = m->virtual ? e->sender : owner_of(e, m);
		x = expand_targets(e, m->domain, packed, here);
		e->sender = before;
		return x;
	}
	x = find_mailbox(e, m, addr, here);
	if (x != EXPAND_UNKNOWN)
		return x;
	if (str_eq(m->user, STR("postmaster")) && !itself)
		return expand_postmaster(e, m, addr, here);
	if (m->domain->catch_all.n > 0 && !itself)
		return expand_catch_all(e, m->domain, here);
	return top ? fail(e, EXPAND_UNKNOWN, addr) :
	    add_error(e, addr, STR("550 5.1.1 no such user"));
}

static enum expand
expand_address(struct expander *e, struct str addr, const struct above *up, struct maker by)
{
	struct path_rules rules = { .arena = e->a, .utf8 = true };
	struct above here = { .up = up, .depth = up != NULL ? up->depth + 1 : 0, .by = by };
	struct mailname m = {};
	struct perr err = {};
	struct path p;

	if (!path_parse(addr, &rules, &p, &err))
		return up == NULL ? fail(e, EXPAND_UNKNOWN, addr) :
		    add_error(e, addr, STR("550 5.1.3 bad address in a table"));
	m.domain = find_domain(e->r, &p, e->a);
	if (m.domain == NULL)
		return add_remote(e, &p, addr, by);
	if (!mailname_make(&m, &p, e->a))
		return fail(e, EXPAND_LATER, addr);
	here.addr = str_cat(e->a, m.whole, STR("@"), m.domain->name);
	if (here.addr.n == 0)
		return fail(e, EXPAND_LATER, addr);
	bool itself = up != NULL && str_eq(up->addr, here.addr);

	for (const struct above *u = up; u != NULL && !itself; u = u->up)
		if (str_eq(u->addr, here.addr))
			return fail(e, EXPAND_LOOP, here.addr);
	if (here.depth > e->r->cfg->lim.alias_depth)
		return fail(e, EXPAND_LOOP, here.addr);
	if (!itself && map_get(&e->seen, here.addr) != NULL)
		return EXPAND_OK;				/* done by another way */
	(void)map_put(&e->seen, here.addr, e);
	return expand_ours(e, &m, addr, &here);
}

static void
expander_open(struct expander *e)
{
	const struct route *r = e->r;

	*e->out = (struct expansion){};
	if (r->tables.img.p == NULL && r->ops.first != NULL)
		r->ops.first(r->ops.arg);		/* suspends */
}

enum expand
route_expand_srs(const struct route *r, const struct srs_verified *v, struct arena *a,
    struct expansion *out)
{
	struct expander e = { .r = r, .a = a, .out = out };
	struct above root = { .addr = v->address, .by = maker_verified_srs(v) };
	enum expand x;

	expander_open(&e);
	x = expand_address(&e, v->original, &root, root.by);
	map_done(&e.seen);
	return x;
}

enum expand
route_expand(const struct route *r, struct str addr, struct arena *a, struct expansion *out)
{
	struct expander e = { .r = r, .a = a, .out = out };
	enum expand x;

	expander_open(&e);
	if (r->cfg->ndomain > 0)			/* <Postmaster> has no domain */
		addr = whole_address(&e, &r->cfg->domain[0], addr);
	x = expand_address(&e, addr, NULL, (struct maker){});
	map_done(&e.seen);
	return x;
}

/* An alias, or a catch-all that has taken over: the others have a mailbox. */
static bool
has_targets(const struct route *r, struct mailname *m, struct arena *a)
{
	struct str packed;

	return find_virtuser(r, m, a, &packed) == FIND_YES ||
	    find_alias(r, m, a, &packed) == FIND_YES || m->domain->catch_all.n > 0;
}

bool
route_leaves(const struct route *r, const struct path *p, struct arena *a)
{
	struct mailname m = { .domain = find_domain(r, p, a) };
	struct expansion x;

	if (m.domain == NULL || !mailname_make(&m, p, a) || !has_targets(r, &m, a) ||
	    route_expand(r, path_text(p, a), a, &x) != EXPAND_OK)
		return false;
	for (size_t i = 0; i < x.ngoal; i++)
		if (x.goal[i].kind != GOAL_SMTP)
			return false;
	return x.ngoal > 0;
}

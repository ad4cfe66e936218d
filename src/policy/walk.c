/* SPDX-License-Identifier: ISC */
/*
 * walk: see walk.h.
 *
 * A state is what several fields of the source amount to together.  Fields are joined one after
 * the other and equal states merged at once, so the product of the fields is never built.
 */
#include "policy/walk.h"

#include <stdlib.h>

#include "base/num.h"
#include "conf/config.h"
#include "policy/binding.h"

enum { NO_RUN = UINT32_MAX, STATES_MAX = 1 << 20, KEY_BYTES = 160 };

/* For each policy: what the grants amount to for the sender at hand. */
struct sum {
	bool any;			/* some grant covers the source */
	uint32_t first;			/* first run that covers it and fits the sender */
	uint8_t bind[2];		/* AUTH or UID, POP: may write as the sender */
	uint32_t rest[SOURCES];
};

struct state {
	struct sum of[CLASSES_POLICIES];
	uint32_t atom[SOURCES];		/* plus one; 0: none */
};

struct states { struct state *s; size_t n, cap; };

struct at {
	struct walk *w;
	const struct door *door;
	const struct atom *sender;
	struct arena keys, scratch;
	struct map seen;		/* leaves */
};

/* ---- one field ---- */

/* Does the run count at this door for this atom? */
static bool
run_counts(const struct at *t, size_t policy, enum field field, const struct run *r,
    const struct atom *a)
{
	if (field == FIELD_AUTH && t->door->l->kind == L_MX &&
	    !t->w->c->policy[policy]->cfg->test.auth_on_mx)
		return false;
	if (field == FIELD_CERT && r->first->pin.n == 0 &&
	    !str_eq(r->first->ca_file, t->door->l->client_ca))
		return false;
	return field != FIELD_CLIENT || r->first->test ||
	    !ip_eq(a->ip, t->door->server_ip);
}

static void
add_atom(const struct at *t, enum field field, size_t index, struct state *s)
{
	const struct classes *c = t->w->c;
	const struct atom *a = &c->atom[field][index];

	s->atom[field] = (uint32_t)index + 1;
	for (size_t i = 0; i < c->npolicy; i++) {
		struct sum *sum = &s->of[i];
		const struct runs *r = &c->runs[i];
		size_t person = index + (field == FIELD_POP ? c->n[FIELD_AUTH] : 0) +
		    (field == FIELD_UID ? c->n[FIELD_AUTH] + c->n[FIELD_POP] : 0);

		sum->rest[field] = a->of[i].rest;
		if (field == FIELD_AUTH || field == FIELD_UID)
			sum->bind[0] = t->sender->of[i].bind[person];
		else if (field == FIELD_POP)
			sum->bind[1] = t->sender->of[i].bind[person];
		for (size_t k = 0; k < r->n; k++) {
			uint32_t narrow = r->run[k].narrow;

			if (!(a->of[i].runs[k / 64] >> k % 64 & 1) ||
			    !run_counts(t, i, field, &r->run[k], a))
				continue;
			sum->any = true;
			if (k < sum->first &&
			    (t->sender->of[i].fits[narrow / 64] >> narrow % 64 & 1))
				sum->first = (uint32_t)k;
		}
	}
}

/* ---- merging states ---- */

static size_t
put_sum(char *to, const struct sum *s, const uint32_t *first)
{
	size_t n = 0;

	to[n++] = s->any ? 1 : 0;
	to[n++] = (char)s->bind[0];
	to[n++] = (char)s->bind[1];
	put_le32(to + n, *first);
	n += 4;
	for (size_t i = 0; i < SOURCES; i++, n += 4)
		put_le32(to + n, s->rest[i]);
	return n;
}

static bool
push(struct states *to, struct map *seen, struct at *t, const struct state *s)
{
	char key[KEY_BYTES];
	size_t n = 0;
	struct str copy;

	for (size_t i = 0; i < t->w->c->npolicy; i++)
		n += put_sum(key + n, &s->of[i], &s->of[i].first);
	t->w->steps++;
	if (map_get(seen, str_from(key, n)))
		return true;
	copy = str_dup(&t->scratch, str_from(key, n));
	if (!copy.p || to->n == STATES_MAX)
		return false;
	if (to->n == to->cap) {
		size_t cap = MAX(to->cap * 2, (size_t)64);
		struct state *more = realloc(to->s, cap * sizeof *more);

		if (!more)
			return false;
		to->s = more;
		to->cap = cap;
	}
	to->s[to->n++] = *s;
	(void)map_put(seen, copy, t);
	return true;
}

/* The field joins all states. */
static bool
join(struct at *t, enum field field, struct states *s)
{
	struct states next = {};
	struct map seen = {};
	const struct classes *c = t->w->c;
	bool good = true;

	for (size_t i = 0; good && i < s->n; i++)
		for (size_t k = 0; good && k < c->n[field]; k++) {
			struct state joined = s->s[i];

			add_atom(t, field, k, &joined);
			good = push(&next, &seen, t, &joined) && t->w->steps <= t->w->budget;
		}
	map_done(&seen);
	arena_reset(&t->scratch);
	free(s->s);
	*s = next;
	t->w->over |= !good;
	return good;
}

static bool
sources_of(struct at *t, struct states *s)
{
	static const enum field tcp[] = { FIELD_CLIENT, FIELD_HOST, FIELD_CERT, FIELD_AUTH,
	    FIELD_POP };
	struct state none = {};

	for (size_t i = 0; i < CLASSES_POLICIES; i++)
		none.of[i].first = NO_RUN;
	s->s = malloc(sizeof *s->s);
	if (!s->s)
		return false;
	s->s[0] = none;
	s->n = s->cap = 1;
	if (t->door->unix_socket)
		return join(t, FIELD_UID, s);
	for (size_t i = 0; i < COUNT(tcp); i++)
		if ((tcp[i] != FIELD_CERT || t->door->tls) && !join(t, tcp[i], s))
			return false;
	return true;
}

/* ---- leaves ---- */

/* Of the first grant that fits only its kind can matter to a verdict. */
static size_t
put_state(const struct at *t, const struct state *s, char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < t->w->c->npolicy; i++) {
		const struct runs *r = &t->w->c->runs[i];
		uint32_t first = s->of[i].first, kind;

		kind = first == NO_RUN ? NO_RUN : (uint32_t)r->run[first].kind << 1 |
		    r->run[first].first->test;
		n += put_sum(key + n, &s->of[i], &kind);
		put_le32(key + n, t->sender->of[i].rest);
		n += 4;
	}
	put_le32(key + n, (uint32_t)(t->door - t->w->c->door));
	return n + 4;
}

static bool
same_turn(const struct atom *a, size_t npolicy, unsigned turn)
{
	for (unsigned k = 0; k < turn; k++) {
		bool same = true;

		for (size_t i = 0; i < npolicy; i++)
			same &= a->of[i].dest[k] == a->of[i].dest[turn];
		if (same)
			return true;
	}
	return false;
}

static bool
rcpts(struct at *t, struct request *r)
{
	const struct classes *c = t->w->c;

	for (size_t k = 0; k < c->n[FIELD_RCPT]; k++) {
		r->rcpt = &c->atom[FIELD_RCPT][k];
		for (unsigned turn = 0; turn < WALK_TURNS; turn++) {
			if (same_turn(r->rcpt, c->npolicy, turn))
				continue;
			r->rcpt_turn = (enum turn)turn;
			if (++t->w->leaves + t->w->steps > t->w->budget) {
				t->w->over = true;
				return false;
			}
			if (!t->w->leaf(t->w->ctx, r))
				return false;
		}
	}
	return true;
}

static bool
visit(struct at *t, const struct state *s)
{
	struct classes *c = t->w->c;
	struct request r = { .door = t->door, .sender = t->sender };

	for (size_t i = 0; i < SOURCES; i++)
		r.source[i] = s->atom[i] ? &c->atom[i][s->atom[i] - 1] : NULL;
	for (unsigned turn = 0; turn < WALK_TURNS; turn++) {
		if (same_turn(t->sender, c->npolicy, turn))
			continue;
		r.sender_turn = (enum turn)turn;
		r.rcpt = NULL;
		t->w->leaves++;
		if (t->w->mail(t->w->ctx, &r) && !rcpts(t, &r))
			return false;
	}
	return true;
}

static bool
senders(struct at *t)
{
	struct states s = {};
	bool good = sources_of(t, &s);

	for (size_t i = 0; good && i < s.n; i++) {
		char key[KEY_BYTES];
		size_t n = put_state(t, &s.s[i], key);
		struct str copy;

		if (map_get(&t->seen, str_from(key, n)))
			continue;
		copy = str_dup(&t->keys, str_from(key, n));
		if (!copy.p) {
			t->w->over = true;
			good = false;
			break;
		}
		(void)map_put(&t->seen, copy, t);
		good = visit(t, &s.s[i]);
	}
	free(s.s);
	return good;
}

bool
walk_all(struct walk *w)
{
	struct classes *c = w->c;
	struct at t = { .w = w };
	bool good = true;

	_Static_assert(CLASSES_POLICIES * (7 + SOURCES * 4 + 4) + 4 <= KEY_BYTES, "room");
	arena_init(&t.keys, 1 << 29);
	arena_init(&t.scratch, 1 << 29);
	for (size_t d = 0; good && d < c->ndoor; d++) {
		t.door = &c->door[d];
		for (size_t i = 0; good && i < c->n[FIELD_SENDER]; i++) {
			t.sender = &c->atom[FIELD_SENDER][i];
			good = senders(&t);
		}
	}
	map_done(&t.seen);
	arena_done(&t.keys);
	arena_done(&t.scratch);
	return good;
}

/* ---- requests ---- */

struct facts
request_facts(const struct request *r, size_t policy)
{
	struct facts f = class_facts(r->door, r->source);

	f.sender = &r->sender->path;
	f.sender_dest = r->sender->of[policy].dest[r->sender_turn];
	if (r->rcpt) {
		f.rcpt = &r->rcpt->path;
		f.dest = r->rcpt->of[policy].dest[r->rcpt_turn];
	}
	return f;
}

static bool
ask_stage(struct answered *a, const char *stage, struct verdict v)
{
	a->stage = stage;
	a->v = v;
	for (size_t k = 0; k < v.nobserved && a->nobserved < COUNT(a->observed); k++)
		a->observed[a->nobserved++] = v.observed[k].rule;
	a->accepted = v.act != ACT_REJECT && v.act != ACT_DEFER;
	return a->accepted;
}

struct answered
request_ask_mail(const struct policy *p, const struct facts *f)
{
	struct answered a = {};

	if (ask_stage(&a, "connect", decide_connect(p, f)) &&
	    ask_stage(&a, "helo", decide_helo(p, f)))
		(void)ask_stage(&a, "mail", decide_mail(p, f));
	return a;
}

struct answered
request_ask_rcpt(const struct policy *p, const struct facts *f, const struct answered *mail)
{
	struct answered a = *mail;

	if (a.accepted)
		(void)ask_stage(&a, "rcpt", decide_rcpt(p, f));
	return a;
}

struct answered
request_ask(const struct policy *p, const struct facts *f)
{
	struct answered mail = request_ask_mail(p, f);

	return request_ask_rcpt(p, f, &mail);
}

bool
request_entitled(const struct policy *p, const struct request *r, size_t policy)
{
	const struct atom *cl = r->source[FIELD_CLIENT];

	if (r->door->l->kind == L_LMTP)
		return false;
	for (size_t i = 0; i < SOURCES; i++) {
		const struct atom *a = r->source[i];

		if (!a || !a->of[policy].entitles)
			continue;
		if (i == FIELD_AUTH && r->door->l->kind == L_MX && !p->cfg->test.auth_on_mx)
			continue;
		/* The host itself is nobody's network. */
		if (i == FIELD_CLIENT && ip_eq(cl->ip, r->door->server_ip) &&
		    !p->cfg->test.on)
			continue;
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: ISC */
/*
 * compare: see compare.h.
 */
#include "policy/compare.h"

#include <stdlib.h>

#include "conf/config.h"
#include "policy/prove.h"

enum { TEXT_MAX = 4096 };

static struct str
outcome_text(const struct answered *a, struct arena *mem)
{
	if (a->accepted)
		return str_fmt(mem, "%s (" STR_F ")", a->v.act == ACT_JUNK ? "Junk" :
		    a->v.relay ? "relayed" : "accepted", STR_A(a->v.rule));
	return str_fmt(mem, "%u (" STR_F " at %s)", a->v.reply.code, STR_A(a->v.rule), a->stage);
}

static bool
same(const struct answered *x, const struct answered *y)
{
	return x->accepted == y->accepted && x->v.relay == y->v.relay &&
	    x->v.reply.code == y->v.reply.code && str_eq(x->v.rule, y->v.rule);
}

static void
put_address(struct buf *b, const struct atom *a)
{
	(void)buf_putc(b, '<');
	if (!a->path.null) {
		(void)buf_put(b, a->path.local);
		if (a->path.domain.n > 0)
			(void)buf_puts(b, "@");
		(void)buf_put(b, a->path.domain);
	}
	(void)buf_puts(b, ">");
}

static struct str
example(const struct request *r, struct arena *mem)
{
	struct buf b;
	struct str text;

	buf_init(&b, TEXT_MAX);
	for (size_t f = 0; f < SOURCES; f++) {
		struct str one = r->source[f] ? class_text((enum field)f, r->source[f], mem) :
		    (struct str){};

		if (one.n == 0)
			continue;
		if (b.n > 0)
			(void)buf_puts(&b, ", ");
		(void)buf_put(&b, one);
	}
	(void)buf_puts(&b, "; from ");
	put_address(&b, r->sender);
	(void)buf_puts(&b, " to ");
	put_address(&b, r->rcpt);
	text = str_dup(mem, buf_str(&b));
	buf_done(&b);
	return text;
}

static void
note(struct compare *c, const struct request *r, const struct answered *was,
    const struct answered *now)
{
	struct str before = outcome_text(was, &c->a), after = outcome_text(now, &c->a);
	struct str listener = r->door->l->name;
	struct change_kind *k;

	c->differing++;
	for (size_t i = 0; i < c->n; i++) {
		k = &c->change[i];
		if (str_eq(k->was, before) && str_eq(k->now, after) &&
		    str_eq(k->listener, listener)) {
			k->classes++;
			return;
		}
	}
	if (c->n == CHANGES_MAX) {
		c->more = true;
		return;
	}
	c->change[c->n++] = (struct change_kind){ .was = before, .now = after,
		.listener = listener, .classes = 1, .example = example(r, &c->a),
		.opens = !was->accepted && now->accepted };
}

static bool
on_mail(void *ctx, const struct request *r)
{
	(void)ctx;
	(void)r;
	return true;
}

static __attribute__((noinline)) struct answered
ask(const struct policy *p, const struct request *r, size_t which)
{
	struct facts f = request_facts(r, which);

	return request_ask(p, &f);
}

static bool
on_leaf(void *ctx, const struct request *r)
{
	struct compare *c = ctx;
	struct answered was = ask(c->before, r, 0), now = ask(c->after, r, 1);

	if (!same(&was, &now))
		note(c, r, &was, &now);
	return true;
}

bool
compare_run(struct compare *c)
{
	struct classes *classes = calloc(1, sizeof *classes);
	struct walk walk = { .c = classes, .mail = on_mail, .leaf = on_leaf, .ctx = c,
		.budget = c->budget ? c->budget : PROVE_BUDGET };
	bool good;

	if (!classes)
		abort();
	arena_init(&c->a, 256 << 20);
	*classes = (struct classes){ .policy = { c->before, c->after }, .npolicy = 2,
		.own = c->own, .nown = c->nown };
	good = classes_build(classes) && walk_all(&walk);
	c->leaves = walk.leaves;
	classes_done(classes);
	free(classes);
	return good;
}

void
compare_done(struct compare *c)
{
	arena_done(&c->a);
}

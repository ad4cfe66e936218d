/* SPDX-License-Identifier: ISC */
/*
 * filters: see filters.h.  Order, verdicts, beginnings and ends.
 */
#include "smtpd/filters_int.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/log.h"

enum { MESSAGE_MEMORY = 8 << 20 };

static const struct verdict go = { .act = ACT_ACCEPT };

static bool
watches(const struct filter_conf *f, const struct session *s)
{
	return f->on & 1u << s->listener->kind;
}

/* NULL: nobody watches. */
static struct filters *
make(struct session *s)
{
	const struct config *cfg = s->srv->cfg;
	struct filters *fl;
	size_t n = 0;

	for (size_t i = 0; i < cfg->nfilter; i++)
		n += watches(&cfg->filter[i], s);
	if (n == 0)
		return NULL;
	fl = calloc(1, sizeof(*fl) + n * sizeof(fl->run[0]));
	if (!fl)
		abort();
	fl->s = s;
	for (size_t i = 0; i < cfg->nfilter; i++)
		if (watches(&cfg->filter[i], s))
			fl->run[fl->n++] = (struct filter_run){
				.conf = &cfg->filter[i], .index = i,
			};
	arena_init(&fl->mem, MESSAGE_MEMORY);
	buf_init(&fl->chunk, MILTER_CHUNK);
	return fl;
}

bool
filters_watch(const struct session *s)
{
	return s->filters && s->filters->on;
}

static bool
refusal(struct verdict *v, const struct filter_run *run, struct reply r)
{
	*v = (struct verdict){
		.act = r.code >= 500 ? ACT_REJECT : ACT_DEFER, .reply = r,
		.rule = run->conf->label,
	};
	return false;
}

bool
filters_failed(struct filters *fl, struct filter_run *run, const char *why, struct verdict *v)
{
	static const char *const words[] = { "tempfail", "accept", "reject" };

	log_begin(LOG_WARN, "filter_failed");
	log_u("session", fl->s->serial);
	log_s("filter", run->conf->label);
	log_s("why", why);
	log_s("failure", words[run->conf->failure]);
	log_end();
	run->done = true;
	run->begun = run->greeted = false;
	if (co_cancelled())
		return refusal(v, run, REPLY_BYE(421, 4, 3, 2, "shutting down"));
	switch (run->conf->failure) {
	case FILTER_ACCEPT:
		return true;
	case FILTER_REJECT:
		return refusal(v, run, REPLY(550, 5, 7, 1, "this message cannot be checked"));
	case FILTER_TEMPFAIL:
		break;
	}
	return refusal(v, run,
	    REPLY(451, 4, 7, 1, "this message cannot be checked now, try again later"));
}

bool
filters_heed(struct filters *fl, struct filter_run *run, enum milter_says says,
    const struct reply *r, struct verdict *v)
{
	switch (says) {
	case MILTER_GO:
		return true;
	case MILTER_DONE:
		run->done = true;
		return true;
	case MILTER_SKIP:
		run->no_body = true;
		return true;
	case MILTER_DISCARD:
		run->done = true;
		if (fl->discard.n == 0)
			fl->discard = run->conf->label;
		return true;
	case MILTER_REFUSE:
		return refusal(v, run, *r);
	case MILTER_FAILED:
		return filters_failed(fl, run, run->m.why, v);
	}
	return true;
}

/* The next one to ask; NULL: that was the last.  Who wants a message away has the last word. */
static struct filter_run *
next_run(struct filters *fl, struct filter_run *run)
{
	if (fl->discard.n > 0)
		return NULL;
	run = run ? run + 1 : fl->run;
	while (run < fl->run + fl->n && (run->over || run->done))
		run++;
	return run < fl->run + fl->n ? run : NULL;
}

/* The client's reply outlives the message's memory. */
static struct verdict
kept(struct session *s, struct verdict v)
{
	if (v.act != ACT_ACCEPT && v.reply.text.n > 0)
		v.reply.text = str_dup(&s->line, v.reply.text);
	if (v.act != ACT_ACCEPT)
		s->srv->filtered++;
	return v;
}

struct verdict
filters_mail(struct session *s)
{
	struct filters *fl = s->filters;
	struct verdict v = go;

	if (s->srv->cfg->nfilter == 0 || (!fl && !(fl = s->filters = make(s))))
		return go;
	fl->on = true;
	for (struct filter_run *run = NULL; (run = next_run(fl, run)); ) {
		struct reply r = {};

		if (run->conf->kind == FILTER_MILTER &&
		    !filters_heed(fl, run, talk_mail(fl, run, &r), &r, &v))
			break;
	}
	return kept(s, v);
}

struct verdict
filters_rcpt(struct session *s, const struct rcpt_args *to)
{
	struct filters *fl = s->filters;
	struct verdict v = go;
	struct str text;

	if (!filters_watch(s))
		return go;
	text = to->path.domain.n > 0 ? path_text(&to->path, &s->line) :
	    str_cat(&s->line, to->path.local, STR("@"), tx_main_domain(s));
	for (struct filter_run *run = NULL; (run = next_run(fl, run)); ) {
		struct reply r = {};
		bool on;

		if (run->conf->kind == FILTER_MILTER)
			on = filters_heed(fl, run, talk_rcpt(fl, run, text, &r), &r, &v);
		else
			on = policy_service_ask(fl, run, &to->path, &v);
		if (!on)
			break;
	}
	return kept(s, v);
}

struct verdict
filters_data(struct session *s)
{
	struct filters *fl = s->filters;
	struct verdict v = go;

	if (!filters_watch(s))
		return go;
	for (struct filter_run *run = NULL; (run = next_run(fl, run)); ) {
		struct reply r = {};

		if (run->conf->kind == FILTER_MILTER &&
		    !filters_heed(fl, run, talk_data(fl, run, &r), &r, &v))
			break;
	}
	return kept(s, v);
}

/* Header, body and end of a message that did not stream, or the end of one that did. */
static enum milter_says
whole(struct filters *fl, struct filter_run *run, struct reply *r)
{
	enum milter_says says = MILTER_GO;
	struct str body = {};

	if (!fl->streaming) {
		(void)sd_memory(fl->s->tx->draft, &body);
		says = talk_header(fl, run, r);
		if (says == MILTER_GO)
			says = talk_body(fl, run, body, r);
	}
	if (says == MILTER_GO || says == MILTER_SKIP)
		says = talk_end(fl, run, r);
	return says;
}

static bool
end_of_one(struct filters *fl, struct filter_run *run, struct verdict *v)
{
	struct reply r = {};
	enum milter_says says;

	if (run->conf->kind == FILTER_POLICY)
		return policy_service_ask(fl, run, NULL, v);
	says = whole(fl, run, &r);
	if (says == MILTER_GO || says == MILTER_DONE)
		change_apply(fl, run);
	else
		change_drop(fl);
	return filters_heed(fl, run, says, &r, v);
}

static void
add_prepended(struct filters *fl)
{
	for (const struct change *c = fl->prepend; c; c = c->next)
		(void)edit_insert(&fl->s->tx->sec.text, 0,
		    &(struct edit){ .name = c->a.name, .value = c->a.value });
}

struct verdict
filters_end(struct session *s)
{
	struct filters *fl = s->filters;
	struct verdict v = go;

	if (!filters_watch(s))
		return go;
	if (fl->streaming)
		body_flush(fl);
	if (!s->tx->draft)				/* the spool could not take all of it */
		return go;
	v = fl->bad;
	for (struct filter_run *run = NULL; v.act == ACT_ACCEPT && (run = next_run(fl, run)); )
		if (!end_of_one(fl, run, &v))
			break;
	if (v.act == ACT_ACCEPT)
		add_prepended(fl);
	return kept(s, v);
}

struct marks
filters_marks(const struct session *s)
{
	const struct filters *fl = s->filters;

	if (!filters_watch(s) || (fl->discard.n == 0 && fl->hold.n == 0))
		return (struct marks){};
	return (struct marks){
		.discard = fl->discard.n > 0, .hold = fl->hold.n > 0,
		.hold_why = str_dup(&s->filters->s->mem, fl->hold_why),
		.rule = fl->discard.n > 0 ? fl->discard : fl->hold,
	};
}

void
filters_reset(struct session *s)
{
	struct filters *fl = s->filters;

	if (!fl || !fl->on)
		return;
	fl->on = false;
	change_drop(fl);
	for (struct filter_run *run = fl->run; run < fl->run + fl->n; run++) {
		if (run->begun && run->m.c)
			milter_abort(&run->m);
		if (!run->m.c)
			run->greeted = false;
		run->begun = run->done = run->no_body = false;
	}
	buf_done(&fl->chunk);
	buf_init(&fl->chunk, MILTER_CHUNK);
	fl->streaming = false;
	fl->discard = fl->hold = fl->hold_why = (struct str){};
	fl->bad = (struct verdict){};
	fl->prepend = NULL;
	arena_reset(&fl->mem);
}

void
filters_close(struct session *s)
{
	struct filters *fl = s->filters;

	if (!fl)
		return;
	filters_reset(s);
	s->filters = NULL;
	for (struct filter_run *run = fl->run; run < fl->run + fl->n; run++) {
		milter_close(&run->m, true);
		conn_close(run->c);
	}
	buf_done(&fl->chunk);
	arena_done(&fl->mem);
	free(fl);
}

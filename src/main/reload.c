/* SPDX-License-Identifier: ISC */
/*
 * reload: a new generation beside the old one, or nothing at all.
 *
 * read and check the file -> bind what is new -> start the new workers and helpers -> when all are
 * ready: stop the old workers' accepting, let them finish, hand queue and pool over.  Any failure
 * before that leaves the old generation as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "main/keeper.h"
#include "main/papers.h"
#include "main/proof_run.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/log.h"

enum { READY_MS = 20'000, LOOK_MS = 20 };

struct reload {
	struct keeper *k;
	uint64_t ipc, call;		/* who waits for the answer */
	bool papers;			/* only certificates changed */
};

static void
answer(const struct reload *r, bool ok, struct str text)
{
	struct ipc *ch = r->ipc ? ipc_by_id(r->ipc) : NULL;
	struct buf b;

	log_begin(ok ? LOG_INFO : LOG_ERROR, ok ? "reloaded" : "reload_refused");
	log_u("generation", r->k->gen->number);
	if (text.n)
		log_s("why", text);
	log_end();
	if (!ch)
		return;
	buf_init(&b, IPC_FRAME_MAX / 2);
	buf_puts(&b, "{\"why\":\"");
	for (size_t i = 0; i < text.n && !b.failed; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
			buf_putf(&b, "\\u%04x", c);
		else
			buf_putc(&b, (char)c);
	}
	buf_puts(&b, "\"}");
	ipc_reply(ch, r->call, MSG_admin_answer,
	    &(struct msg_admin_answer){ .ok = ok, .json = buf_str(&b) });
	buf_done(&b);
}

static bool
is_ready(const struct keeper *k, const struct generation *g)
{
	size_t n = 0;

	LIST_EACH(l, &k->children) {
		const struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->gen != g)
			continue;
		if (c->state != CHILD_READY)
			return false;
		n++;
	}
	return n > 0;
}

static bool
died_early(const struct keeper *k, const struct generation *g)
{
	LIST_EACH(l, &k->children) {
		const struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->gen == g && c->deaths >= 3)
			return true;
	}
	return false;
}

/* Back to the old one: the new children go, whatever they are at. */
static void
give_up(struct keeper *k, struct generation *g)
{
	k->coming = NULL;
	LIST_EACH(l, &k->children) {
		struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->gen == g)
			child_drain(c, 0);
	}
	keeper_settle(k);
}

static void
unlisten(struct keeper *k, const struct generation *g)
{
	LIST_EACH(l, &k->children) {
		struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->gen != g || c->role != ROLE_SMTPD || !c->ctl)
			continue;
		for (size_t i = 0; i < g->cfg->nlistener; i++)
			ipc_send(c->ctl, MSG_ctl_unlisten,
			    &(struct msg_ctl_unlisten){ .listener = (uint32_t)i });
	}
}

static void
take_over(struct keeper *k)
{
	struct generation *old = k->gen;

	unlisten(k, old);
	k->gen = k->coming;
	k->coming = NULL;
	klog_reopen(k->gen->cfg);
	keeper_settle(k);
}

/* Changes that need a new start: the spool is one, and its lock is held. */
static bool
fits(const struct keeper *k, const struct generation *g)
{
	const struct config *a = k->gen->cfg, *b = g->cfg;

	return str_eq(a->spool_dir, b->spool_dir) && str_eq(a->run_dir, b->run_dir);
}

static struct str
text_of(const char *z)
{
	char *copy = strdup(z);

	if (!copy)
		abort();
	return str_of(copy);
}

/* *why is the caller's to free. */
static bool
attempt(struct keeper *k, bool papers, struct str *why)
{
	struct generation *g = papers ? generation_again(k) : generation_load(k, why);
	int64_t deadline = deadline_in(READY_MS);

	if (!g)
		return false;
	if ((!papers && !proof_apart(g->cfg, true, why)) || !papers_load(g, papers, why) ||
	    !fits(k, g) || !listen_bind(g, why)) {
		if (!why->n)
			*why = text_of("spool and run cannot change without a restart");
		generation_free(k, g);
		return false;
	}
	dirs_mail(k, g->cfg);
	k->coming = g;
	keeper_settle(k);
	while (!is_ready(k, g)) {
		if (k->stopping || died_early(k, g) || now_ms() > deadline ||
		    co_sleep(LOOK_MS) != WAKE_OK) {
			*why = text_of("the new generation does not get ready");
			give_up(k, g);
			return false;
		}
	}
	take_over(k);
	return true;
}

static void
reload_run(void *arg)
{
	struct reload *r = arg;
	struct keeper *k = r->k;
	struct str why = {};
	bool ok;

	notify("RELOADING=1");
	ok = attempt(k, r->papers, &why);
	if (!ok && r->papers) {
		log_begin(LOG_ERROR, "certificate_refused");
		log_s("why", why);
		log_end();
	}
	answer(r, ok, why);
	notify("READY=1");
	k->reloading = false;
	free((void *)(uintptr_t)why.p);
	free(r);
}

static void
start(const struct reload *what)
{
	struct keeper *k = what->k;
	struct reload *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	*r = *what;
	if (k->reloading || k->stopping) {
		answer(r, false, STR("a reload or a stop is under way"));
		free(r);
		return;
	}
	k->reloading = true;
	if (!co_spawn("reload", reload_run, r))
		abort();
}

void
reload_start(struct keeper *k, uint64_t ipc_id, uint64_t call)
{
	start(&(struct reload){ .k = k, .ipc = ipc_id, .call = call });
}

void
reload_papers(struct keeper *k)
{
	start(&(struct reload){ .k = k, .papers = true });
}

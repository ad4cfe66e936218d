/* SPDX-License-Identifier: ISC */
/*
 * child: the life of one role process as keeper sees it; see the drawing in keeper.h.
 *
 * A struct child outlives its process while the role is wanted: it waits out the back-off and
 * starts again.  It is freed here and nowhere else.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main/keeper.h"
#include "rt/clock.h"
#include "rt/log.h"

enum {
	START_MS = 30'000, FIRST_BACKOFF_MS = 20, MAX_BACKOFF_MS = 5'000, GOOD_LIFE_MS = 5'000,
	LAST_WORDS_MS = 100, GRACE_MS = 2000,
	HOPELESS = 3,			/* deaths before the first readiness that end everything */
};

static void on_again(void *arg);
static void on_deadline(void *arg);
static void child_exited(struct child *c);

struct child *
child_find(struct keeper *k, enum role_kind role, unsigned index, const struct generation *gen)
{
	LIST_EACH(l, &k->children) {
		struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->role == role && c->index == index && (!gen || c->gen == gen))
			return c;
	}
	return NULL;
}

size_t
child_count(const struct keeper *k, const struct generation *gen, bool workers_only)
{
	size_t n = 0;

	LIST_EACH(l, &k->children) {
		const struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->gen == gen &&
		    (!workers_only || role_def(c->role)->life == LIFE_WORKER))
			n++;
	}
	return n;
}

static void
log_child(enum log_level level, const char *event, const struct child *c)
{
	log_begin(level, event);
	log_s("name", role_word(c->role));
	log_u("number", c->index);
	log_u("generation", c->gen->number);
	log_i("pid", c->pid);
}

static void
forget(struct child *c)
{
	timer_clear(&c->again);
	timer_clear(&c->deadline);
	list_remove(&c->link);
	free(c);
}

/* ---- its control channel ---- */

static void
on_ready(struct child *c)
{
	if (c->state != CHILD_STARTING)
		return;
	c->state = CHILD_READY;
	timer_clear(&c->deadline);
	log_child(LOG_INFO, "role_ready", c);
	log_u("ms", (uint64_t)(now_ms() - c->started_ms));
	log_end();
	keeper_settle(c->k);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct child *c = ipc_arg(ch);

	if (fd != -1)
		close(fd);
	if (type == MSG_ctl_ready)
		on_ready(c);
	else if (type == MSG_ctl_probe)
		probe_result(c->k, m->ctl_probe.json);
	else if (type == MSG_admin_query && call_id)
		keeper_answer(c, call_id, &m->admin_query);
	else if (type == MSG_ctl_pong) {
		c->cookie = m->ctl_pong.cookie;
		c->sessions = m->ctl_pong.sessions;
		c->done = m->ctl_pong.done;
	}
}

static void
on_close(struct ipc *ch)
{
	struct child *c = ipc_arg(ch);

	c->ctl = NULL;
	ipc_close(ch);
	if (c->reaped) {
		child_exited(c);
		return;
	}
	/* Ended, or it said what it must not: the pidfd tells; a talker of nonsense must go. */
	if (c->pid > 0)
		timer_set(&c->deadline, now_ms() + 200, on_deadline, c);
}

static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };

/* ---- start ---- */

static void
on_exit_ready(void *arg, unsigned ready)
{
	struct child *c = arg;

	(void)ready;
	if (waitpid(c->pid, &c->status, WNOHANG) != c->pid)
		return;
	c->reaped = true;
	fd_watch_clear(&c->exit);
	close(c->exit.fd);
	if (!c->ctl)
		child_exited(c);
	else					/* its last words first; they end with on_close */
		timer_set(&c->deadline, now_ms() + LAST_WORDS_MS, on_deadline, c);
}

static void
on_deadline(void *arg)
{
	struct child *c = arg;

	if (c->reaped) {
		child_exited(c);
		return;
	}
	log_child(LOG_ERROR, c->state == CHILD_STARTING ? "role_slow_start" : "role_killed", c);
	log_end();
	child_kill(c);
}

static void
retry_later(struct child *c)
{
	int64_t wait = FIRST_BACKOFF_MS;

	for (unsigned i = 1; i < c->deaths && wait < MAX_BACKOFF_MS; i++)
		wait *= 3;
	if (wait > MAX_BACKOFF_MS)
		wait = MAX_BACKOFF_MS;
	c->state = CHILD_WAITING;
	timer_set(&c->again, now_ms() + wait, on_again, c);
}

static void
launch(struct child *c)
{
	char name[32];
	int ctl;

	if (!spawn_role(c, &ctl)) {
		log_child(LOG_ERROR, "role_no_process", c);
		log_i("errno", errno);
		log_end();
		c->deaths++;
		retry_later(c);
		return;
	}
	(void)snprintf(name, sizeof(name), "%s %u", role_word(c->role), c->index);
	c->ctl = ipc_new(ctl, name, &ops, c);
	c->state = CHILD_STARTING;
	c->started_ms = now_ms();
	c->exit.what = FD_READ;
	c->exit.fn = on_exit_ready;
	c->exit.arg = c;
	(void)fd_watch_set(&c->exit);
	timer_set(&c->deadline, now_ms() + START_MS, on_deadline, c);
	if (c->ctl)
		wire_child(c);
	else
		child_kill(c);
}

static void
on_again(void *arg)
{
	launch(arg);
}

void
child_start(struct keeper *k, struct generation *gen, enum role_kind role, unsigned index)
{
	struct child *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	*c = (struct child){ .k = k, .role = role, .index = index, .gen = gen };
	list_push(&k->children, &c->link);
	launch(c);
}

/* ---- end ---- */

void
child_kill(struct child *c)
{
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

void
child_drain(struct child *c, int within_ms)
{
	int64_t at = now_ms() + within_ms + GRACE_MS;

	if (c->state == CHILD_WAITING) {
		forget(c);
		return;
	}
	if (c->reaped || (c->state == CHILD_DRAINING && c->deadline.at_ms <= at + GRACE_MS))
		return;				/* asked, and not sooner */
	c->state = CHILD_DRAINING;
	timer_set(&c->deadline, at, on_deadline, c);
	if (c->ctl)
		ipc_send(c->ctl, MSG_ctl_drain,
		    &(struct msg_ctl_drain){ .within_ms = (uint32_t)within_ms });
}

static void
log_death(const struct child *c)
{
	bool asked = c->state == CHILD_DRAINING && WIFEXITED(c->status) &&
	    WEXITSTATUS(c->status) == 0;

	log_child(asked ? LOG_INFO : LOG_ERROR, asked ? "role_ended" : "role_died", c);
	if (WIFSIGNALED(c->status))
		log_i("signal", WTERMSIG(c->status));
	else
		log_i("exit", WEXITSTATUS(c->status));
	log_end();
}

static void
bury(struct child *c)
{
	log_death(c);
	timer_clear(&c->deadline);
	if (c->ctl)
		ipc_close(c->ctl);
	c->ctl = NULL;
	c->pid = 0;
	c->reaped = false;
}

/* Its process has ended and all it said was heard. */
static void
child_exited(struct child *c)
{
	struct keeper *k = c->k;
	bool ready = c->state == CHILD_READY, over = c->state == CHILD_DRAINING;
	int code = WIFEXITED(c->status) && WEXITSTATUS(c->status) ? WEXITSTATUS(c->status) : 70;

	bury(c);
	if (k->probe)
		probe_death(k, c->status);
	if (over || k->stopping) {
		forget(c);
		keeper_settle(k);
		return;
	}
	if (now_ms() - c->started_ms > GOOD_LIFE_MS && ready)
		c->deaths = 0;
	c->deaths += k->probe ? 0 : 1;
	c->restarts++;
	if (!k->ready_said && c->deaths >= HOPELESS)
		keeper_fail(k, code);
	retry_later(c);
	keeper_settle(k);
}

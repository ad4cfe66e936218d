/* SPDX-License-Identifier: ISC */
/*
 * nursery: see nursery.h: lookup's side, and the process that replaces children.
 *
 * The nursery process keeps the children's ends of all socket pairs: a child that dies is made
 * again on the same pair, after a NURSE_DIED for whoever waits on it.
 */
#include "sasl/nursery.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/loop.h"
#include "sasl/cage.h"
#include "sasl/nurse.h"

enum { GENERAL = 4, PAMS = 2, CHILDREN = GENERAL + PAMS, WAIT_MS = 20'000, LOOK_MS = 5 };

struct slot { int fd; bool busy, odd; uint32_t serial; };

struct nursery {
	const struct config *cfg;
	struct slot slot[CHILDREN];
	size_t n;			/* slots in use; those from GENERAL on are for PAM */
	struct nurse_frame *frame;	/* reused: between two suspensions only */
};

/* ---- frames ---- */

bool
nurse_pack(struct nurse_frame *f, const struct nurse_head *head,
    const struct str text[NURSE_TEXTS], size_t *total)
{
	size_t at = sizeof *head;

	f->head = *head;
	for (size_t i = 0; i < NURSE_TEXTS; i++) {
		f->head.n[i] = (uint32_t)text[i].n;
		if (text[i].n > sizeof f->room - at)
			return false;
		if (text[i].n > 0)
			memcpy(f->room + at, text[i].p, text[i].n);
		at += text[i].n;
	}
	memcpy(f->room, &f->head, sizeof f->head);
	*total = at;
	return true;
}

bool
nurse_unpack(struct nurse_frame *f, size_t total)
{
	size_t at = sizeof f->head;

	if (total < at || total > sizeof f->room)
		return false;
	memcpy(&f->head, f->room, at);
	for (size_t i = 0; i < NURSE_TEXTS; i++) {
		if (f->head.n[i] > total - at)
			return false;
		f->text[i] = str_from(f->room + at, f->head.n[i]);
		at += f->head.n[i];
	}
	return at == total;
}

/* ---- the nursery process ---- */

struct crib { int fd; bool pam; pid_t pid; };

static void
child_make(struct crib *c, struct crib *all, size_t n, const struct config *cfg)
{
	pid_t nurse = getpid();

	c->pid = fork();
	if (c->pid != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (&all[i] != c)
			(void)close(all[i].fd);
	if (!cage_enter_check(cfg, c->pam) || getppid() != nurse)
		_exit(71);
	nurse_run(c->fd, cfg, c->pam);
}

static _Noreturn void
nursery_run(struct crib *crib, size_t n, const struct config *cfg, pid_t lookup)
{
	static struct nurse_frame f;
	struct nurse_head died = { .op = NURSE_DIED };
	struct str none[NURSE_TEXTS] = {};
	struct timespec moment = { .tv_nsec = 50'000'000 };
	size_t total = 0;

	(void)signal(SIGTERM, SIG_DFL);
	(void)nurse_pack(&f, &died, none, &total);
	for (size_t i = 0; i < n; i++)
		child_make(&crib[i], crib, n, cfg);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, 0);

		if (pid == -1 && errno != EINTR)
			_exit(71);
		for (size_t i = 0; i < n && pid > 0; i++)
			if (crib[i].pid == pid) {
				(void)send(crib[i].fd, f.room, total, MSG_NOSIGNAL | MSG_DONTWAIT);
				(void)nanosleep(&moment, NULL);
				/* The kernel does not tell us of a parent that had given up root:
				 * its children end when their sockets do, and then so do we. */
				if (getppid() != lookup)
					_exit(0);
				child_make(&crib[i], crib, n, cfg);
			}
	}
}

static bool
is_wanted(const struct config *cfg, bool *pam)
{
	bool wanted = false;

	*pam = false;
	for (size_t i = 0; i < cfg->nlistener; i++)
		wanted = wanted || cfg->listener[i].auth != LAUTH_OFF;
	for (size_t i = 0; i < cfg->ndomain; i++)
		*pam = *pam || cfg->domain[i].passwords == PW_PAM;
	return wanted;
}

static void
close_others(const struct crib *crib, size_t n)
{
	for (int fd = 3; fd < 1024; fd++) {
		bool ours = false;

		for (size_t i = 0; i < n; i++)
			ours = ours || crib[i].fd == fd;
		if (!ours)
			(void)close(fd);
	}
}

struct nursery *
nursery_new(const struct config *cfg)
{
	struct nursery *nu = calloc(1, sizeof *nu);
	struct crib crib[CHILDREN] = {};
	pid_t lookup = getpid(), pid;
	bool pam;

	if (nu == NULL || (nu->frame = calloc(1, sizeof *nu->frame)) == NULL)
		abort();
	nu->cfg = cfg;
	if (!is_wanted(cfg, &pam))
		return nu;
	nu->n = pam ? CHILDREN : GENERAL;
	for (size_t i = 0; i < nu->n; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
			abort();
		nu->slot[i].fd = pair[0];
		crib[i] = (struct crib){ .fd = pair[1], .pam = i >= GENERAL };
	}
	pid = fork();
	if (pid == -1)
		abort();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != lookup)
			_exit(0);
		close_others(crib, nu->n);
		cage_title("postern: checks");
		nursery_run(crib, nu->n, cfg, lookup);
	}
	for (size_t i = 0; i < nu->n; i++)
		(void)close(crib[i].fd);
	return nu;
}

void
nursery_free(struct nursery *nu)
{
	for (size_t i = 0; i < nu->n; i++) {
		fd_forget(nu->slot[i].fd);
		(void)close(nu->slot[i].fd);
	}
	free(nu->frame);
	free(nu);
}

/* ---- lookup's side ---- */

/* suspends until a child of that kind is free; only: that one. */
static struct slot *
take(struct nursery *nu, bool pam, int only, int64_t until)
{
	size_t from = pam ? GENERAL : 0, to = pam ? nu->n : MIN(nu->n, (size_t)GENERAL);

	for (;;) {
		for (size_t i = from; i < to; i++)
			if (!nu->slot[i].busy && (only < 0 || (size_t)only == i)) {
				nu->slot[i].busy = true;
				return &nu->slot[i];
			}
		if (from >= to || now_ms() >= until || co_sleep(LOOK_MS) != WAKE_OK)
			return NULL;
	}
}

/* suspends.  The answer to this very question, into nu->frame. */
static bool
hear(struct nursery *nu, struct slot *s, int64_t until)
{
	for (;;) {
		ssize_t n = recv(s->fd, nu->frame->room, sizeof nu->frame->room, MSG_DONTWAIT);

		if (n > 0) {
			if (!nurse_unpack(nu->frame, (size_t)n))
				return false;
			if (nu->frame->head.op == NURSE_DIED) {
				if (s->odd) {		/* it died of an earlier question */
					s->odd = false;
					continue;
				}
				return false;
			}
			if (nu->frame->head.serial == s->serial)
				return true;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return false;
		if (fd_wait(s->fd, FD_READ, until) != WAKE_OK)
			return false;
	}
}

/* suspends.  False: unavailable.  The answer is in nu->frame until the next suspension. */
static bool
ask(struct nursery *nu, struct nurse_head *head, const struct str text[NURSE_TEXTS], int only)
{
	bool pam = head->op == NURSE_CHECK &&
	    nu->cfg->domain[head->domain].passwords == PW_PAM;
	int64_t until = now_ms() + WAIT_MS;
	struct slot *s = take(nu, pam, only, until);
	size_t total;
	bool good;

	if (s == NULL)
		return false;
	/* What a former question left behind is not for this one. */
	while (recv(s->fd, nu->frame->room, sizeof nu->frame->room, MSG_DONTWAIT) > 0)
		s->odd = false;
	head->serial = ++s->serial;
	good = nurse_pack(nu->frame, head, text, &total) &&
	    send(s->fd, nu->frame->room, total, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)total;
	explicit_bzero(nu->frame->room, good ? total : 0);
	good = good && hear(nu, s, until);
	s->busy = false;
	return good;
}

static enum cred
cred_of(bool heard, const struct nursery *nu)
{
	if (!heard || nu->frame->head.answer >= CRED_ANSWERS)
		return CRED_UNAVAILABLE;
	return (enum cred)nu->frame->head.answer;
}

static uint32_t
number_of(const struct nursery *nu, const struct domain *d)
{
	return (uint32_t)(d - nu->cfg->domain);
}

enum cred
nursery_hash(struct nursery *nu, struct str scheme, struct str hash, struct str password)
{
	struct nurse_head h = { .op = NURSE_HASH };
	struct str text[NURSE_TEXTS] = { scheme, hash, password };

	return cred_of(ask(nu, &h, text, -1), nu);
}

enum cred
nursery_check(struct nursery *nu, const struct domain *d, struct str local, struct str password,
    const struct ip *peer)
{
	struct nurse_head h = {
		.op = NURSE_CHECK, .domain = number_of(nu, d), .peer = *peer,
	};
	struct str text[NURSE_TEXTS] = { local, password };

	return cred_of(ask(nu, &h, text, -1), nu);
}

enum cred
nursery_find(struct nursery *nu, const struct domain *d, struct str local, struct arena *a,
    struct str *stored)
{
	struct nurse_head h = { .op = NURSE_FIND, .domain = number_of(nu, d) };
	struct str text[NURSE_TEXTS] = { local };
	enum cred c = cred_of(ask(nu, &h, text, -1), nu);

	*stored = c == CRED_OK ? str_dup(a, nu->frame->text[0]) : (struct str){};
	return c == CRED_OK && stored->p == NULL ? CRED_UNAVAILABLE : c;
}

void
nursery_krb(struct nursery *nu, uint64_t exchange, bool first, struct str in, struct arena *a,
    struct msg_krb_answer *out)
{
	struct nurse_head h = { .op = NURSE_KRB, .exchange = exchange, .first = first };
	struct str text[NURSE_TEXTS] = { in };

	*out = (struct msg_krb_answer){ .answer = SASL_LATER };
	if (!ask(nu, &h, text, (int)(exchange % GENERAL)) ||
	    nu->frame->head.answer >= SASL_ANSWERS)
		return;
	out->answer = (uint8_t)nu->frame->head.answer;
	out->data = str_dup(a, nu->frame->text[0]);
	out->name = str_dup(a, nu->frame->text[1]);
	out->authzid = str_dup(a, nu->frame->text[2]);
}

/* Not waited for, and not answered. */
void
nursery_krb_end(struct nursery *nu, uint64_t exchange)
{
	struct nurse_head h = { .op = NURSE_KRB_END, .exchange = exchange };
	struct str none[NURSE_TEXTS] = {};
	size_t total;

	if (nu->n > 0 && nurse_pack(nu->frame, &h, none, &total))
		(void)send(nu->slot[exchange % GENERAL].fd, nu->frame->room, total,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* SPDX-License-Identifier: ISC */
/*
 * proof_run: see proof_run.h.
 */
#include "main/proof_run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/num.h"
#include "conf/errors.h"
#include "policy/compare.h"
#include "policy/prove.h"
#include "rt/clock.h"
#include "rt/loop.h"
#include "table/file.h"
#include "table/sources.h"

enum { OWN_MAX = 256, APART_S = 120, TEXT_MAX = 1 << 20, PEM_MAX = 4 << 20 };

static struct ip own[OWN_MAX];
static size_t nown;
static bool learnt;

static void
learn(struct ip ip)
{
	if (nown < OWN_MAX && !ip_is_loopback(ip) && !ip_is_any(ip))
		own[nown++] = ip;
}

/* /proc/net/route: the gateway is eight hexadecimal digits in host order. */
static void
learn_gateways(void)
{
	FILE *f = fopen("/proc/net/route", "re");
	char line[256];

	while (f && fgets(line, sizeof line, f)) {
		struct str rest = str_of(line);
		struct ip ip = {};
		uint64_t v;
		uint32_t be;

		(void)str_split(&rest, '\t');
		(void)str_split(&rest, '\t');
		if (!num_parse_hex(str_split(&rest, '\t'), &v) || v == 0 || v > UINT32_MAX)
			continue;
		be = (uint32_t)v;
		memcpy(ip.b, &be, 4);
		learn(ip);
	}
	if (f)
		(void)fclose(f);
}

void
proof_addresses_learn(void)
{
	struct ifaddrs *list = NULL, *i;

	if (learnt)
		return;
	learnt = true;
	if (getifaddrs(&list) == 0) {
		for (i = list; i; i = i->ifa_next) {
			struct sockaddr_storage ss = {};
			struct ip ip;

			if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET &&
			    i->ifa_addr->sa_family != AF_INET6))
				continue;
			memcpy(&ss, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ?
			    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
			if (ip_from_sockaddr(&ss, &ip, NULL))
				learn(ip);
		}
		freeifaddrs(list);
	}
	learn_gateways();
}

/* ---- authorities ---- */

static bool
read_pem(const char *path, struct buf *out)
{
	struct file_rules rules = { .max = PEM_MAX };
	struct buf why;
	bool good;

	buf_init(&why, 1024);
	good = file_read(path, &rules, out, &why, NULL) == FILE_OK;
	buf_done(&why);
	return good;
}

/* The next certificate's base64 in one piece, without line ends; into room. */
static bool
next_certificate(struct str *rest, struct buf *room)
{
	static const struct str begin = STR_INIT("-----BEGIN CERTIFICATE-----"),
	    end = STR_INIT("-----END CERTIFICATE-----");
	ssize_t from = str_find(*rest, begin), to;

	buf_reset(room);
	if (from < 0)
		return false;
	*rest = str_skip(*rest, (size_t)from + begin.n);
	to = str_find(*rest, end);
	if (to < 0)
		return false;
	for (size_t i = 0; i < (size_t)to; i++)
		if (!ascii_isspace(rest->p[i]))
			(void)buf_putc(room, rest->p[i]);
	*rest = str_skip(*rest, (size_t)to + end.n);
	return room->n > 0 && !room->failed;
}

static bool
is_public(struct str certificate, struct str bundle, struct buf *room)
{
	while (next_certificate(&bundle, room))
		if (str_eq(buf_str(room), certificate))
			return true;
	return false;
}

const char *
proof_ca_wrong(struct str file)
{
	static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";
	struct buf mine, bundle, one, other;
	const char *wrong = NULL;
	struct str rest;
	char *z = strndup(file.p, file.n);

	if (!z)
		abort();
	buf_init(&mine, 2 * PEM_MAX);
	buf_init(&bundle, 2 * PEM_MAX);
	buf_init(&one, 1 << 16);
	buf_init(&other, 1 << 16);
	if (read_pem(z, &mine)) {
		(void)read_pem(system_bundle, &bundle);
		rest = buf_str(&mine);
		while (!wrong && next_certificate(&rest, &one))
			if (is_public(buf_str(&one), buf_str(&bundle), &other))
				wrong = "it holds a public authority, whose customers are "
				    "everybody: use one of your own, or pin a key";
	}
	free(z);
	buf_done(&mine);
	buf_done(&bundle);
	buf_done(&one);
	buf_done(&other);
	return wrong;
}

/* ---- the proof ---- */

static bool
with_tables(struct proof_run *r, const struct tables *tables, struct buf *text)
{
	struct policy *policy = policy_new(r->cfg);
	struct proof *p = calloc(1, sizeof *p);
	int64_t begun = clock_us();
	bool holds;

	if (!policy || !p)
		abort();
	policy_tables(policy, tables);
	p->policy = policy;
	p->own = own;
	p->nown = nown;
	p->require = r->require;
	p->nrequire = r->nrequire;
	p->ca_wrong = proof_ca_wrong;
	holds = prove(p);
	r->took_us = clock_us() - begun;
	r->leaves = p->leaves;
	r->nfinding = p->n;
	r->classes = 0;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		r->classes += p->classes[i];
	for (size_t i = 0; i < p->n; i++)
		prove_print(&p->finding[i], text);
	if (holds && p->observed.n > 0) {
		(void)buf_puts(text, "holds only without `policy observe`: ");
		(void)buf_put(text, p->observed);
		(void)buf_puts(text, "\n");
	}
	proof_done(p);
	free(p);
	policy_free(policy);
	return holds;
}

void
proof_tables(struct tables *to, const struct config *cfg, struct conf_errors *errs)
{
	struct sources all = {};
	int fd;

	*to = (struct tables){};
	sources_of(&all, cfg);
	(void)sources_look(&all, errs);
	fd = sources_image(&all);
	if (fd < 0 || !tables_take(to, fd, 1))
		abort();
	sources_done(&all);
}

bool
proof_run(struct proof_run *r, struct buf *text)
{
	struct tables tables;
	bool holds;

	proof_addresses_learn();
	if (r->tables)
		return with_tables(r, r->tables, text);
	proof_tables(&tables, r->cfg, NULL);
	holds = with_tables(r, &tables, text);
	tables_done(&tables);
	return holds;
}

/* ---- two configurations ---- */

static void
put_changes(const struct compare *c, struct buf *text)
{
	for (unsigned opens = 0; opens < 2; opens++) {
		for (size_t i = 0; i < c->n; i++) {
			const struct change_kind *k = &c->change[i];

			if (k->opens == (opens == 0))
				(void)buf_putf(text, "%s" STR_F ": " STR_F " -> " STR_F
				    ", for example " STR_F " (%llu classes)\n",
				    k->opens ? "OPENS " : "", STR_A(k->listener), STR_A(k->was),
				    STR_A(k->now), STR_A(k->example),
				    (unsigned long long)k->classes);
		}
	}
	if (c->more)
		(void)buf_puts(text, "... and more kinds of changes\n");
}

bool
proof_compare(const struct config *was, const struct config *now, struct buf *text)
{
	struct compare *c = calloc(1, sizeof *c);
	struct policy *p[2] = { policy_new(was), policy_new(now) };
	struct tables t[2];
	bool good;

	if (!c || !p[0] || !p[1])
		abort();
	proof_addresses_learn();
	proof_tables(&t[0], was, NULL);
	proof_tables(&t[1], now, NULL);
	policy_tables(p[0], &t[0]);
	policy_tables(p[1], &t[1]);
	c->before = p[0];
	c->after = p[1];
	c->own = own;
	c->nown = nown;
	good = compare_run(c);
	put_changes(c, text);
	compare_done(c);
	free(c);
	for (size_t i = 0; i < 2; i++) {
		policy_free(p[i]);
		tables_done(&t[i]);
	}
	return good;
}

/* ---- apart ---- */

static void
child_main(const struct config *cfg, int to)
{
	struct proof_run r = { .cfg = cfg };
	struct buf text;
	bool holds;

	(void)alarm(APART_S);
	buf_init(&text, TEXT_MAX);
	holds = proof_run(&r, &text);
	for (size_t at = 0; !holds && at < text.n;) {
		ssize_t n = write(to, text.p + at, text.n - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	_exit(holds ? 0 : 1);
}

/* All that the child says, until it ends. */
static void
listen_to(int from, struct buf *text)
{
	for (;;) {
		char *room = buf_reserve(text, 4096);
		ssize_t n;

		if (!room)
			return;
		n = read(from, room, 4096);
		if (n == -1 && errno == EAGAIN && fd_wait(from, FD_READ,
		    deadline_in(APART_S * 1000)) == WAKE_OK)
			continue;
		if (n <= 0)
			return;
		buf_add(text, (size_t)n);
	}
}

bool
proof_apart(const struct config *cfg, bool in_coroutine, struct str *why)
{
	int pipe_fd[2], status = -1;
	struct buf text;
	pid_t pid;

	buf_init(&text, TEXT_MAX);
	if (pipe(pipe_fd) == -1 || (pid = fork()) == -1)
		abort();
	if (pid == 0) {
		(void)close(pipe_fd[0]);
		child_main(cfg, pipe_fd[1]);
	}
	(void)close(pipe_fd[1]);
	if (in_coroutine)
		(void)fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	listen_to(pipe_fd[0], &text);
	if (in_coroutine)
		fd_forget(pipe_fd[0]);
	(void)close(pipe_fd[0]);
	(void)waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		buf_done(&text);
		*why = (struct str){};
		return true;
	}
	if (text.n == 0)
		(void)buf_puts(&text, "the proof that nobody can relay ended early: "
		    "`postern check` says more\n");
	*why = buf_str(&text);
	return false;
}

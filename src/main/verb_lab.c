/* SPDX-License-Identifier: ISC */
/*
 * verb_lab: `postern lab`: attacks against the decision of the running configuration.
 *
 * Each attack is one session of `postern smtpd --stdio` in a child: the same code and the same
 * configuration, DNS from a text, a spool of its own that is thrown away.  Nothing is delivered, no
 * packet is sent, no socket opened, and the running server is not touched.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/config.h"
#include "main/conf_load.h"
#include "main/lab_corpus.h"
#include "main/verb.h"

static const char usage[] =
    "usage: postern lab [--config FILE] [--all]\n"
    "Runs attacks against the decision of the configuration and prints what got through; --all\n"
    "prints every line.  Exit status 1 if one did.\n";

enum { REPLY_MAX = 1024, SESSION_S = 120 };

struct lab {
	const char *config;
	bool all;
	struct config *cfg;
	char zone[40], log[40];		/* temporary files */
	size_t through, skipped;
};

struct result {
	int code;
	char text[REPLY_MAX];
	char rule[64];
	bool junk;
};

/* OWN and USER in the words of this server. */
static void
expand(const struct lab *l, const char *from, struct buf *out)
{
	struct str own = l->cfg->domain[0].name;

	buf_reset(out);
	while (*from) {
		if (strncmp(from, "USER", 4) == 0) {
			(void)buf_puts(out, "postmaster@");
			(void)buf_put(out, own);
			from += 4;
		} else if (strncmp(from, "OWN", 3) == 0) {
			(void)buf_put(out, own);
			from += 3;
		} else {
			(void)buf_putc(out, *from++);
		}
	}
}

/* One reply, its last line kept; 0: the session is gone. */
static int
reply(FILE *in, struct result *r)
{
	r->code = 0;
	do {
		if (!fgets(r->text, sizeof r->text, in))
			return r->code = 0;
	} while (strlen(r->text) > 3 && r->text[3] == '-');
	r->text[strcspn(r->text, "\r\n")] = '\0';
	/* three digits; what is none is a session gone wrong */
	for (size_t i = 0; i < 3; i++) {
		if (r->text[i] < '0' || r->text[i] > '9')
			return r->code = 0;
		r->code = r->code * 10 + (r->text[i] - '0');
	}
	return r->code;
}

static int
say(FILE *to, FILE *in, struct str line, struct result *r)
{
	(void)fwrite(line.p, 1, line.n, to);
	(void)fflush(to);
	return reply(in, r);
}

/* Up to the first refusal or the message's end. */
static void
talk(const struct lab *l, const struct attack *a, FILE *to, FILE *in, struct result *r)
{
	const struct { const char *verb, *arg, *end; } steps[] = {
		{ "EHLO ", a->helo, "\r\n" }, { "MAIL FROM:<", a->from, ">\r\n" },
		{ "RCPT TO:<", a->to, ">\r\n" }, { "DATA", "", "\r\n" }, { "", a->text, ".\r\n" },
	};
	struct buf line, part;

	buf_init(&line, 64 << 10);
	buf_init(&part, 64 << 10);
	if (reply(in, r) == 220)
		for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
			expand(l, steps[i].arg, &part);
			buf_reset(&line);
			(void)buf_put(&line, str_of(steps[i].verb));
			(void)buf_put(&line, buf_str(&part));
			(void)buf_put(&line, str_of(steps[i].end));
			if (say(to, in, buf_str(&line), r) >= 400 || r->code == 0)
				break;
		}
	buf_done(&line);
	buf_done(&part);
}

_Noreturn static void
become_session(const struct lab *l, const struct attack *a, int in, int out)
{
	char *argv[] = {
		(char[]){ "postern" }, (char[]){ "smtpd" }, (char[]){ "--stdio" },
		(char[]){ "--log" }, (char[]){ "--peer" }, strdup(a->peer), (char[]){ "--zone" },
		strdup(l->zone), l->config ? (char[]){ "--config" } : NULL,
		l->config ? strdup(l->config) : NULL, NULL,
	};
	int log = open(l->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (log == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1 || dup2(log, 2) == -1 ||
	    close_range(3, ~0u, 0) == -1)
		_exit(EX_OSERR);
	(void)execv("/proc/self/exe", argv);
	_exit(EX_OSERR);
}

/* The rule that spoke last stands in the session's log. */
static void
read_log(const struct lab *l, struct result *r)
{
	FILE *f = fopen(l->log, "re");
	static char line[8192];

	while (f && fgets(line, sizeof line, f)) {
		const char *at = strstr(line, " verdict=junk reason=");

		r->junk |= at != NULL;
		at = at ? at + 14 : strstr(line, " rule=");
		if (at)
			(void)snprintf(r->rule, sizeof r->rule, "%.*s",
			    (int)strcspn(strchr(at, '=') + 1, " \n"), strchr(at, '=') + 1);
	}
	if (f)
		(void)fclose(f);
}

[[gnu::noinline]] static bool
run_one(const struct lab *l, const struct attack *a, struct result *r)
{
	int up[2], down[2], status;
	FILE *to, *in;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) == -1 || pipe2(down, O_CLOEXEC) == -1)
		return false;
	pid = fork();
	if (pid == 0)
		become_session(l, a, up[0], down[1]);
	(void)close(up[0]);
	(void)close(down[1]);
	to = fdopen(up[1], "w");
	in = fdopen(down[0], "r");
	if (pid == -1 || !to || !in)
		return false;
	(void)alarm(SESSION_S);
	talk(l, a, to, in, r);
	(void)fclose(to);
	(void)fclose(in);
	(void)waitpid(pid, &status, 0);
	(void)alarm(0);
	read_log(l, r);
	return r->code != 0;
}

/* A network that the configuration trusts is no attacker's. */
static bool
trusted(const struct lab *l, const struct attack *a)
{
	struct ip ip;

	if (!ip_parse(str_of(a->peer), &ip))
		return false;
	for (size_t i = 0; i < l->cfg->ngrant; i++)
		if (l->cfg->grant[i].kind == GRANT_NETWORK && net_has(l->cfg->grant[i].net, ip))
			return true;
	return false;
}

static bool
held(const struct attack *a, const struct result *r)
{
	switch (a->expect) {
	case MUST_REFUSE:
		return r->code >= 400;
	case NOT_INBOX:
		return r->code >= 400 || r->junk;
	case MUST_INBOX:
		break;
	}
	return r->code == 250 && !r->junk;
}

static void
attack(struct lab *l, const struct attack *a)
{
	static const char *const expected[] = { "refused", "not in the inbox", "inbox" };
	struct result r = {};
	char got[48];
	bool good;

	if (trusted(l, a)) {
		l->skipped++;
		return;
	}
	good = run_one(l, a, &r) && held(a, &r);
	l->through += !good;
	if (r.code >= 400)
		(void)snprintf(got, sizeof got, "%.*s", (int)(4 + strcspn(r.text + 4, " ")),
		    r.text);
	else
		(void)snprintf(got, sizeof got, "%s", r.code == 0 ? "no answer" :
		    r.junk ? "Junk" : "inbox");
	if (!good || l->all)
		(void)printf("%-6s %-46s | %-16s | %-10s | %s\n", good ? "ok" : "FAILED", a->name,
		    expected[a->expect], got, r.rule);
}

static bool
write_zone(struct lab *l)
{
	int fd;

	(void)snprintf(l->zone, sizeof l->zone, "/tmp/postern-lab-zone-XXXXXX");
	fd = mkostemp(l->zone, O_CLOEXEC);
	(void)snprintf(l->log, sizeof l->log, "/tmp/postern-lab-log-XXXXXX");
	if (fd == -1 || write(fd, lab_zone, strlen(lab_zone)) != (ssize_t)strlen(lab_zone))
		return false;
	(void)close(fd);
	fd = mkostemp(l->log, O_CLOEXEC);
	if (fd != -1)
		(void)close(fd);
	return fd != -1;
}

static bool
parse(int argc, char **argv, struct lab *l)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0)
			l->all = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			l->config = argv[++i];
		else
			return false;
	}
	return true;
}

int
verb_lab(int argc, char **argv)
{
	struct lab l = {};

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0 ? EX_IOERR : EX_OK;
	if (!parse(argc, argv, &l)) {
		(void)fputs(usage, stderr);
		return EX_USAGE;
	}
	l.cfg = conf_load(l.config, stderr);
	if (!l.cfg)
		return EX_CONFIG;
	if (l.cfg->ndomain == 0 || !write_zone(&l)) {
		(void)fputs("postern: lab: no domain to defend, or no room in /tmp\n", stderr);
		return l.cfg->ndomain == 0 ? EX_CONFIG : EX_CANTCREAT;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < lab_corpus_n; i++)
		attack(&l, &lab_corpus[i]);
	(void)printf("%zu attacks and controls, %zu not as expected, %zu not asked (trusted "
	    "networks)\n", lab_corpus_n, l.through, l.skipped);
	(void)unlink(l.zone);
	(void)unlink(l.log);
	config_free(l.cfg);
	return l.through > 0 ? 1 : EX_OK;
}

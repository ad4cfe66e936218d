/* SPDX-License-Identifier: ISC */
/*
 * verb_explain: `postern explain`: each rule that had a say in a session, by name.
 *
 * A child serves the session with smtpd's own code and a spool that is thrown away, telling every
 * rule it asks; we speak for the client.  What the options claim (login, certificate, TLS) is taken
 * for true; filters are not asked, nothing is delivered, the running server is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/msgid.h"
#include "main/explain.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "rt/log.h"
#include "smtpd/visit.h"

static const char usage[] =
    "usage: postern explain [--ip IP] [--listener NAME] [--helo NAME] [--tls] [--auth USER]\n"
    "                       [--cert SHA256] [--from ADDRESS] [--rcpt ADDRESS]...\n"
    "                       [--message FILE|-] [--all] [COMMON]\n"
    "       postern explain ID [--log FILE] [--all] [COMMON]\n"
    "       postern explain --who USER [COMMON]\n"
    "COMMON: [--config FILE] [--zone FILE] [--json]\n"
    "A session, one that the log recorded, or what a user may write as.  Without --ip the client\n"
    "is a program of this host; --all tells also the rules that did not fit.\n"
    "Exit status 1 when the server would refuse.\n";

enum { REPLY_LINE = 4096, SESSION_S = 120 };

/* ---- the child: the session, and its rules ---- */

struct telling { const struct explain *e; const char *stage; };

static const char *
means(enum match m, const struct verdict *v)
{
	static const char *const acts[] = {
		[ACT_ACCEPT] = "accepts", [ACT_JUNK] = "to the junk folder", [ACT_DEFER] = "defers",
		[ACT_REJECT] = "refuses", [ACT_DISCARD] = "takes and drops",
	};

	switch (m) {
	case MATCH_NO:
		return "does not fit";
	case MATCH_UNSURE:
		return "cannot tell now: defers";
	case MATCH_MARK:
		return v->mark.hold ? "marks: held" : v->mark.discard ? "marks: dropped" : "marks";
	case MATCH_YES:
		break;
	}
	return v->relay ? "lets relay" : acts[v->act];
}

static void
tell_rule(void *ctx, const char *stage, const char *rule, enum match m, const struct verdict *v)
{
	struct telling *t = ctx;
	bool why = m != MATCH_NO && v->why.n > 0 && !str_eq(v->why, str_of(rule));

	if (m == MATCH_NO && !t->e->all)
		return;
	if (t->e->json) {
		json_t *o = json_pack("{ss ss ss}", "stage", stage, "rule", rule, "says",
		    means(m, v));

		if (why)
			(void)json_object_set_new(o, "because", verb_json_str(v->why));
		if (why && v->line > 0)
			(void)json_object_set_new(o, "line", json_integer(v->line));
		(void)verb_json_end(o);
		(void)fflush(stdout);
		return;
	}
	(void)printf("    %-8s %-24s %s", stage, rule, means(m, v));
	if (why && v->line > 0)
		(void)printf(" (" STR_F ":%u)", STR_A(v->why), v->line);
	else if (why)
		(void)printf(" (" STR_F ")", STR_A(v->why));
	(void)printf("\n");
	(void)fflush(stdout);
}

_Noreturn static void
serve(struct explain *e)
{
	struct telling t = { .e = e };
	struct policy_trace trace = { .rule = tell_rule, .ctx = &t };
	struct visit_assumed assumed = {
		.user = e->user ? str_of(e->user) : (struct str){},
		.cert = e->cert ? str_of(e->cert) : (struct str){},
		.tls = e->tls || e->user || e->cert, .trace = &trace,
	};

	e->run.cfg->nfilter = 0;
	e->run.cfg->test.accepted_file = (struct str){};
	e->run.visit.assumed = &assumed;
	log_threshold(LOG_ERROR);
	(void)fflush(stdout);
	_exit(stdio_run(&e->run));
}

/* ---- the parent: the client ---- */

struct client {
	const struct explain *e;
	FILE *to, *in;
	bool refused, gone;
};

static void
tell_reply(const struct client *c, const char *said, const char *text)
{
	if (c->e->json)
		(void)verb_json_end(json_pack("{ss so}", "said", said, "reply",
		    verb_json_str(str_of(text))));
	else
		(void)printf("  => %s\n", text);
	(void)fflush(stdout);
}

/* What is said comes first, then what the rules say to it (the child), then the reply. */
static void
tell_said(const struct client *c, const char *said)
{
	if (!c->e->json)
		(void)printf("%s\n", said);
	(void)fflush(stdout);
}

/* False: no more of it. */
static bool
heard(struct client *c, const char *said)
{
	static char text[REPLY_LINE];

	do {
		if (!fgets(text, sizeof text, c->in)) {
			c->gone = true;
			return false;
		}
	} while (strlen(text) > 3 && text[3] == '-');
	text[strcspn(text, "\r\n")] = '\0';
	tell_reply(c, said, text);
	c->refused |= text[0] != '2' && text[0] != '3';
	return text[0] == '2' || text[0] == '3';
}

[[gnu::format(printf, 2, 3)]] static bool
say(struct client *c, const char *fmt, ...)
{
	char line[EXPLAIN_WORD + 64];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	tell_said(c, line);
	(void)fprintf(c->to, "%s\r\n", line);
	(void)fflush(c->to);
	return heard(c, line);
}

static void
say_message(struct client *c, FILE *f)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!say(c, "DATA"))
		return;
	while ((n = getline(&line, &cap, f)) > 0) {
		size_t len = (size_t)n;

		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		(void)fprintf(c->to, "%s%.*s\r\n", line[0] == '.' ? "." : "", (int)len, line);
	}
	free(line);
	tell_said(c, "the message");
	(void)fputs(".\r\n", c->to);
	(void)fflush(c->to);
	(void)heard(c, "the message");
}

static void
talk(struct client *c, FILE *message)
{
	const struct explain *e = c->e;
	bool taken = false;

	if (!heard(c, "connects") || !say(c, "EHLO %s", e->helo ? e->helo : "[192.0.2.1]"))
		return;
	if (!e->from || !say(c, "MAIL FROM:<%s>", strcmp(e->from, "<>") == 0 ? "" : e->from))
		return;
	for (size_t i = 0; i < e->nrcpt && !c->gone; i++)
		taken |= say(c, "RCPT TO:<%s>", e->rcpt[i]);
	if (message && taken)
		say_message(c, message);
}

static FILE *
open_message(const struct explain *e)
{
	struct stat st;
	FILE *f = NULL;

	if (e->message && strcmp(e->message, "-") != 0) {
		f = fopen(e->message, "re");
		if (!f)
			perror(e->message);
	} else if (e->message ||
	    (!e->id && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))) {
		f = stdin;
	}
	return f;
}

static int
session(struct explain *e)
{
	FILE *message = open_message(e);
	struct client c = { .e = e };
	int up[2], down[2], status, code;
	pid_t pid;

	if (e->message && !message)
		return EX_NOINPUT;
	code = stdio_prepare(&e->run);
	if (code != EX_OK)
		return code;
	if (pipe2(up, O_CLOEXEC) == -1 || pipe2(down, O_CLOEXEC) == -1)
		return EX_OSERR;
	pid = fork();
	if (pid == 0) {
		tell_said(&c, "connects");
		(void)close(up[1]);
		(void)close(down[0]);
		e->run.in = up[0];
		e->run.out = down[1];
		serve(e);
	}
	(void)close(up[0]);
	(void)close(down[1]);
	c.to = fdopen(up[1], "w");
	c.in = fdopen(down[0], "r");
	if (pid == -1 || !c.to || !c.in)
		return EX_OSERR;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(SESSION_S);
	talk(&c, message);
	(void)fputs("QUIT\r\n", c.to);
	(void)fclose(c.to);
	while (fgetc(c.in) != EOF)
		;
	(void)fclose(c.in);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != EX_OK)
		return WEXITSTATUS(status);
	if (c.gone && !c.refused)
		return EX_SOFTWARE;
	return c.refused ? 1 : EX_OK;
}

static const char **
value_of(struct explain *e, const char *option)
{
	const struct { const char *name; const char **to; } all[] = {
		{ "--ip", &e->run.peer }, { "--listener", &e->run.listener },
		{ "--helo", &e->helo },
		{ "--auth", &e->user }, { "--cert", &e->cert }, { "--from", &e->from },
		{ "--message", &e->message }, { "--log", &e->log }, { "--who", &e->who },
		{ "--config", &e->run.config }, { "--zone", &e->run.zone },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(option, all[i].name) == 0)
			return all[i].to;
	if (strcmp(option, "--rcpt") == 0 && e->nrcpt < EXPLAIN_RCPT_MAX)
		return &e->rcpt[e->nrcpt++];
	return NULL;
}

static bool
no_control(const char *s)
{
	return !s || s[strcspn(s, "\r\n")] == '\0';
}

static bool
parse(struct explain *e, int argc, char **argv)
{
	uint64_t number;

	for (int i = 1; i < argc; i++) {
		const char **to;

		if (strcmp(argv[i], "--tls") == 0)
			e->tls = true;
		else if (strcmp(argv[i], "--json") == 0)
			e->json = true;
		else if (strcmp(argv[i], "--all") == 0)
			e->all = true;
		else if ((to = value_of(e, argv[i])) != NULL && i + 1 < argc)
			*to = argv[++i];
		else if (!e->id && msgid_parse(str_of(argv[i]), &number))
			e->id = argv[i];
		else
			return false;
	}
	for (size_t i = 0; i < e->nrcpt; i++)
		if (!no_control(e->rcpt[i]))
			return false;
	return argc > 1 && no_control(e->helo) && no_control(e->from) && (e->from || !e->nrcpt);
}

int
verb_explain(int argc, char **argv)
{
	struct explain *e = calloc(1, sizeof *e);
	int code = EX_OK;

	if (!e)
		return EX_OSERR;
	e->run.live = true;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
	} else if (!parse(e, argc, argv)) {
		(void)fputs(usage, stderr);
		code = EX_USAGE;
	} else if (e->who) {
		code = explain_who(e);
	} else if (e->id && !explain_recorded(e)) {
		code = EX_NOINPUT;
	} else {
		code = session(e);
	}
	free(e);
	return code;
}

/* SPDX-License-Identifier: ISC */
/*
 * main: the composition root: which verb, which role, which name we were called by.
 *
 * All else is in the modules.  A verb is one line of the table; sendmail, mailq and newaliases are
 * verbs found by argv[0]; "postern: ROLE N" is a process that keeper started.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "main/verb.h"
#include "main/verb_parse.h"

enum { EX_USAGE = 64 };

static const struct verb verbs[] = {
	{ "init", verb_init, "make a new instance: configuration, keys, users" },
	{ "check", verb_check, "find every mistake of a configuration before it matters" },
	{ "config", verb_config, "show what is in force, and where it comes from" },
	{ "user", verb_user, "add, change, remove and list mailbox users" },
	{ "forward", verb_forward, "forwards that users asked for: add, confirm, remove and list" },
	{ "map", verb_map, "ask a table what it says about an address" },
	{ "run", verb_run, "start the server in the foreground" },
	{ "reload", verb_reload, "read the configuration again, without dropping a session" },
	{ "stop", verb_stop, "finish what is begun, then end" },
	{ "status", verb_status, "roles, sessions, queue and space" },
	{ "queue", verb_queue, "look at queued mail and act on it" },
	{ "trace", verb_trace, "the life of one message, from the log" },
	{ "dns", verb_dns, "ask DNS as the server does; where mail for a domain would go" },
	{ "tls", verb_tls, "certificates: names, keys, days left" },
	{ "spool", verb_spool, "check a spool offline" },
	{ "explain", verb_explain, "why a session would end as it would; what a user may do" },
	{ "lab", verb_lab, "attacks against the decision of a configuration" },
	{ "smtpd", verb_smtpd, "one SMTP session on standard input and output" },
	{ "arc", verb_arc, "verify and extend ARC chains" },
	{ "auth", verb_auth, "all checks of who sent a message, at once" },
	{ "dkim", verb_dkim, "verify and sign messages; our keys and their stages" },
	{ "dmarc", verb_dmarc, "what DMARC says of an author's domain" },
	{ "spf", verb_spf, "what SPF says of a client and a sender" },
	{ "srs", verb_srs, "what the sender rewriting scheme makes of an address" },
	{ "sendmail", verb_sendmail, "hand in a message, as sendmail(1) does" },
	{ "mailq", verb_sendmail, "list the queue, as mailq(1) does" },
	{ "newaliases", verb_sendmail, "nothing to do: aliases are read as they are" },
	{ "address", verb_address, "parse an address" },
	{ "header", verb_header, "parse a header field" },
	{ "message", verb_message, "parse a message" },
	{ "mta-sts", verb_mtasts, "parse an MTA-STS record or policy" },
	{ "tls-rpt", verb_tlsrpt, "parse a TLS-RPT record" },
};

static int
usage(FILE *to, int code)
{
	(void)fputs("usage: postern VERB [...]; each has --help\n\n", to);
	for (size_t i = 0; i < COUNT(verbs); i++)
		(void)fprintf(to, "  %-12s %s\n", verbs[i].name, verbs[i].help);
	return code;
}

static const struct verb *
verb_find(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	static const char title[] = "postern: ";
	const char *name = argc > 0 ? argv[0] : "", *slash = strrchr(name, '/');
	const struct verb *v;

	if (strncmp(name, title, sizeof(title) - 1) == 0)
		return role_main(name + sizeof(title) - 1);
	v = verb_find(slash ? slash + 1 : name);
	if (v && strcmp(v->name, "run") != 0)	/* sendmail, mailq, newaliases */
		return v->run(argc, argv);
	if (argc < 2)
		return usage(stderr, EX_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout, 0);
	v = verb_find(argv[1]);
	if (!v) {
		(void)fprintf(stderr, "postern: no such verb: %s\n", argv[1]);
		return usage(stderr, EX_USAGE);
	}
	return v->run(argc - 1, argv + 1);
}

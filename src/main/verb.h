/* SPDX-License-Identifier: ISC */
/*
 * verb: the words of the command line.
 *
 * A verb is one function in a file of main/ (verb_x.c) and one line of the table in main.c.
 * argv[0] is the verb's own name; the answer is the exit code (sysexits where they fit).
 */
#ifndef MAIN_VERB_H
#define MAIN_VERB_H

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;		/* one line */
};

int verb_run(int argc, char **argv);		/* keeper */
int verb_reload(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_queue(int argc, char **argv);
int verb_trace(int argc, char **argv);
int verb_spool(int argc, char **argv);
int verb_tls(int argc, char **argv);
int verb_dns(int argc, char **argv);
int verb_sendmail(int argc, char **argv);	/* also mailq and newaliases, by argv[0] */
int verb_explain(int argc, char **argv);
int verb_lab(int argc, char **argv);
int verb_smtpd(int argc, char **argv);
int verb_srs(int argc, char **argv);
int verb_forward(int argc, char **argv);

int verb_init(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_config(int argc, char **argv);
int verb_user(int argc, char **argv);
int verb_map(int argc, char **argv);

int verb_arc(int argc, char **argv);
int verb_auth(int argc, char **argv);
int verb_dkim(int argc, char **argv);
int verb_dmarc(int argc, char **argv);
int verb_spf(int argc, char **argv);

/* The body of a re-executed process: argv[0] is "postern: ROLE INDEX". */
int role_main(const char *title);

#endif

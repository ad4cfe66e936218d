/* SPDX-License-Identifier: ISC */
/*
 * sendmail_args: see sendmail_args.h.
 */
#include "main/sendmail_args.h"

#include <string.h>

/* A walk over the words; a flag's value is the rest of its word or the next one. */
struct words {
	int argc, at;
	char *const *argv;
};

static const char *
value_of(struct words *w, const char *rest, struct sendmail_args *out)
{
	if (*rest != '\0')
		return rest;
	if (w->at + 1 < w->argc)
		return w->argv[++w->at];
	out->error = "needs a value";
	out->error_at = w->argv[w->at];
	return "";
}

static void
take_mode(const char *rest, const char *word, struct sendmail_args *out)
{
	static const struct { char letter; enum sendmail_mode mode; } modes[] = {
		{ 'm', SM_DELIVER }, { 's', SM_SMTP }, { 'p', SM_QUEUE_LIST }, { 'i', SM_ALIASES },
		{ 'v', SM_VERIFY }, { 'd', SM_DAEMON }, { 'D', SM_DAEMON },
	};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (rest[0] == modes[i].letter) {
			out->mode = modes[i].mode;
			return;
		}
	out->error = "is no mode of this program (-bm -bs -bp -bi -bv)";
	out->error_at = word;
}

/* -oX and -O name=value: the few that matter to a submitter, the rest is forgotten. */
static void
take_option(const char *option, struct sendmail_args *out)
{
	if (option[0] == 'i' || strncmp(option, "IgnoreDots", 10) == 0)
		out->dot_is_text = true;
}

/* What goes into SMTP commands must not be able to end one: web forms find their way to -f. */
static void
check_values(struct sendmail_args *out)
{
	const char *const values[] = { out->from, out->notify, out->ret, out->envid };

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		for (const char *p = values[i]; p != NULL && *p != '\0' && !out->error; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f) {
				out->error = "holds a control character";
				out->error_at = "the value of -f, -r, -N, -R or -V";
			}
}

/* One flag word.  The letters are sendmail's own (op.me, sendmail(8)). */
static void
take_flag(struct words *w, struct sendmail_args *out)
{
	const char *word = w->argv[w->at], *rest = word + 2;

	switch (word[1]) {
	case 'b': take_mode(rest, word, out); break;
	case 'C': out->config = value_of(w, rest, out); break;
	case 'f':
	case 'r': out->from = value_of(w, rest, out); break;
	case 'F': out->full_name = value_of(w, rest, out); break;
	case 'N': out->notify = value_of(w, rest, out); break;
	case 'R': out->ret = value_of(w, rest, out); break;
	case 'V': out->envid = value_of(w, rest, out); break;
	case 'q':
		out->mode = SM_QUEUE_RUN;
		if (rest[0] == 'I' || rest[0] == 'R' || rest[0] == 'S')
			out->queue_filter = rest;
		break;
	case 'o':
	case 'O': take_option(value_of(w, rest, out), out); break;
	case 'i': out->dot_is_text = true; break;
	case 't':
		out->take_recipients = true;
		out->dot_is_text |= rest[0] == 'i';	/* -ti */
		break;
	case 'v': out->verbose = true; break;
	/* body type, debugging, hops, label, protocol, submission, log file: nothing to do here */
	case 'B':
	case 'd':
	case 'h':
	case 'L':
	case 'p':
	case 'X': (void)value_of(w, rest, out); break;
	case 'A':
	case 'e':
	case 'G':
	case 'm':
	case 'n':
	case 's':
	case 'U': break;
	default:
		out->error = "is no flag of this program";
		out->error_at = word;
	}
}

void
sendmail_args_parse(int argc, char *const *argv, const char *name, struct sendmail_args *out)
{
	struct words w = { .argc = argc, .at = 1, .argv = argv };

	*out = (struct sendmail_args){};
	if (strcmp(name, "mailq") == 0)
		out->mode = SM_QUEUE_LIST;
	else if (strcmp(name, "newaliases") == 0)
		out->mode = SM_ALIASES;
	for (; w.at < argc && argv[w.at][0] == '-' && argv[w.at][1] != '\0'; w.at++) {
		if (strcmp(argv[w.at], "--") == 0) {
			w.at++;
			break;
		}
		take_flag(&w, out);
		if (out->error != NULL)
			return;
	}
	check_values(out);
	out->rcpt = argv + w.at;
	out->nrcpt = w.at < argc ? (size_t)(argc - w.at) : 0;
}

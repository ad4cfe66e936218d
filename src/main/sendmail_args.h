/* SPDX-License-Identifier: ISC */
/*
 * sendmail_args: the command line of sendmail(1), as forty years of callers write it.
 *
 * Flags may be joined to their value (-fbob) or not (-f bob); unknown -o and -O options are taken
 * and forgotten, as every replacement of sendmail does; unknown letters are a usage error.
 */
#ifndef MAIN_SENDMAIL_ARGS_H
#define MAIN_SENDMAIL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

enum sendmail_mode {
	SM_DELIVER,		/* -bm, -bd is refused: the service manager runs the server */
	SM_SMTP,		/* -bs */
	SM_QUEUE_LIST,		/* -bp, mailq */
	SM_ALIASES,		/* -bi, newaliases */
	SM_VERIFY,		/* -bv */
	SM_QUEUE_RUN,		/* -q... */
	SM_DAEMON,		/* -bd, -bD */
};

struct sendmail_args {
	enum sendmail_mode mode;
	bool take_recipients;		/* -t */
	bool dot_is_text;		/* -i, -oi: a line with one dot does not end the message */
	bool verbose;
	const char *config;		/* -C, or NULL */
	const char *from;		/* -f, -r; "" and "<>": null; NULL: the caller */
	const char *full_name;		/* -F */
	const char *notify;		/* -N */
	const char *ret;		/* -R */
	const char *envid;		/* -V */
	const char *queue_filter;	/* -qI..., -qR..., -qS..., else NULL */
	char *const *rcpt;		/* what follows the flags */
	size_t nrcpt;
	const char *error;		/* not NULL: usage error, this is wrong */
	const char *error_at;		/* the word it is about */
};

/* name: the last part of argv[0]: sendmail, mailq or newaliases. */
void sendmail_args_parse(int argc, char *const *argv, const char *name, struct sendmail_args *out);

#endif

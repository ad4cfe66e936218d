/* SPDX-License-Identifier: ISC */
/*
 * sendmail_submit: hands a composed message to the server's local socket, or to the drop directory
 * when no server runs.
 *
 * All recipients or none: if one is refused nothing is sent and every refusal is printed.
 */
#ifndef MAIN_SENDMAIL_SUBMIT_H
#define MAIN_SENDMAIL_SUBMIT_H

#include "main/sendmail_compose.h"

struct submit_place {
	const char *socket;		/* of the local listener */
	const char *drop;		/* directory */
};

/* The exit code of sysexits.h; errors are on standard error.  verbose prints the dialogue. */
int sendmail_submit(const struct submit_place *at, const struct composed *c,
    const struct sendmail_args *args);

/* -bs: standard input and output are the session. */
int sendmail_smtp(const struct submit_place *at);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * stdio_run: one SMTP session on two descriptors, with nothing running: for `postern smtpd --stdio`
 * and `postern explain`.
 *
 * The worker is smtpd's own; tables are read once, the spool is a directory of its own.
 */
#ifndef MAIN_STDIO_RUN_H
#define MAIN_STDIO_RUN_H

#include "route/ask.h"
#include "smtpd/smtpd.h"

struct stdio_run {
	const char *config, *peer, *listener, *spool, *zone;	/* NULL: not given */
	bool live;			/* without a zone DNS is asked, else nobody */
	int in, out;
	struct visit visit;		/* what explanations add, before stdio_run */
	/* stdio_prepare's */
	struct config *cfg;
	struct dns_zone *dns;
	struct route route;
	char temporary[64];
	int code;
};

/* Reads configuration and zone.  An exit status; what is wrong was told. */
int stdio_prepare(struct stdio_run *o);
/* The session, to its end; frees what was prepared.  An exit status. */
int stdio_run(struct stdio_run *o);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * explain: the parts of `postern explain`.
 */
#ifndef MAIN_EXPLAIN_H
#define MAIN_EXPLAIN_H

#include "main/stdio_run.h"

enum { EXPLAIN_RCPT_MAX = 64, EXPLAIN_WORD = 1024 };

struct explain {
	struct stdio_run run;
	const char *helo, *from, *user, *cert, *message, *who, *log, *id;
	const char *rcpt[EXPLAIN_RCPT_MAX];
	size_t nrcpt;
	bool tls, json, all;
	/* where a recorded session's words lie */
	char ip[64], listener[64], words[4][EXPLAIN_WORD];
};

/* explain_log.c: fills in the session that took the message e->id.  False: told why. */
bool explain_recorded(struct explain *e);
/* explain_who.c: what that user may write as, and with what right it relays.  Exit status. */
int explain_who(const struct explain *e);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * visit: what happens before the first command and after the last reply.
 *
 * PROXY header, limits, early talkers, greeting; then the farewell, which sees to it that a client
 * that still sends hears our last reply instead of a reset.
 */
#ifndef SMTPD_VISIT_H
#define SMTPD_VISIT_H

#include "smtpd/session.h"

/* What an explanation takes for true without a proof, and who wants to hear of the rules. */
struct visit_assumed {
	struct str user, cert;		/* logged in as; pin of its certificate */
	bool tls;
	const struct policy_trace *trace;
};

/* The commands, after the greeting.  suspends */
void session_run(struct session *s);

/* After the last reply: flush it and, when it was a refusal or the client still talks, discard
 * for a short while what comes.  suspends */
void visit_farewell(struct session *s, const struct reply *last);

/* Count the client (again) under its present address; the verdict of the connect stage. */
struct verdict visit_admit(struct session *s);

/* 220 with the name, RFC 5321 4.2: no product, no version. */
struct reply visit_greeting(struct session *s);

#endif

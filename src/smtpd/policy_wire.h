/* SPDX-License-Identifier: ISC */
/*
 * policy_wire: the texts of Postfix's SMTPD access policy delegation protocol.
 *
 * Pure.  A request is lines of name=value and an empty one; the answer is action=... and an empty
 * line.  No value can hold a line end; no action can grant anything: OK is no objection.
 */
#ifndef SMTPD_POLICY_WIRE_H
#define SMTPD_POLICY_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "mail/reply.h"

enum policy_what {
	POLICY_NOTHING,			/* OK, DUNNO, WARN, INFO */
	POLICY_REFUSE,			/* reply */
	POLICY_HOLD, POLICY_DISCARD,	/* text: why */
	POLICY_PREPEND,			/* name, text: the field */
};

struct policy_answer {
	enum policy_what what;
	struct reply reply;
	struct str name, text;
};

/* name=value; controls in the value become '?'. */
void policy_put(struct buf *b, const char *name, struct str value);
void policy_put_u(struct buf *b, const char *name, uint64_t value);

/* What stands behind "action=".  False: no action that we know. */
bool policy_answer_read(struct str action, struct arena *a, struct policy_answer *out);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * rules: the tables that decide.c walks, one a stage.
 *
 * A rule's function answers whether it speaks; it may set v->why, v->relay and v->grant, and
 * nothing else.  Order in a table is the order of decision.
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include <stddef.h>

#include "policy/decide.h"

struct policy {
	const struct config *cfg;
};

struct rule {
	const char *name;
	enum match (*match)(const struct policy *p, const struct facts *f, struct verdict *v);
	enum act act;
	struct reply reply;
};

struct stage {
	const char *name;
	const struct rule *rule;
	size_t n;
	struct reply otherwise;
};

extern const struct stage stage_connect, stage_helo, stage_mail, stage_rcpt, stage_data, stage_end;

#endif

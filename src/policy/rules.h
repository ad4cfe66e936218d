/* SPDX-License-Identifier: ISC */
/*
 * rules: the tables that decide.c walks, one a stage.
 *
 * A rule's function answers whether it speaks; it may set v->why, v->line, v->relay, v->grant, the
 * words of a dynamic reply and the marks, and nothing else.  Order in a table is the order of
 * decision.  A rule sees the facts, the configuration, and the tables through pure look-ups alone.
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include <stddef.h>

#include "policy/decide.h"
#include "table/access.h"

struct stage;

/* Index of stages_all. */
enum { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_END };

struct policy {
	const struct config *cfg;
	const struct stage *const *stages;	/* stages_all; tests of the proof bring others */
	const struct tables *tables;	/* NULL: none, look-ups find nothing */
	struct access_map access;
};

/* May a rule be observed only?  NAMED: not by `policy observe` as a whole.  FIRM: never, without
 * it nothing is safe. */
enum firm { SOFT, NAMED, FIRM };

struct rule {
	const char *name;
	enum match (*match)(const struct policy *p, const struct facts *f, struct verdict *v);
	enum act act;
	struct reply reply;
	enum firm firm;
};

struct stage {
	const char *name;
	const struct rule *rule;
	size_t n;
	struct reply otherwise;
};

extern const struct stage stage_connect, stage_helo, stage_mail, stage_rcpt, stage_data, stage_end;
/* All of them, NULL-terminated. */
extern const struct stage *const stages_all[];

/* No source grant covers the client, whatever the sender. */
bool rule_stranger(const struct policy *p, const struct facts *f);
/* The host itself, over TCP.  No right to relay comes from it. */
bool rule_ourselves(const struct facts *f);

/* rules_access.c */
enum match rule_access_connect(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_access_from(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_access_to(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_access_unread(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_tls_level(const struct policy *p, const struct facts *f, struct verdict *v);
/* The map says OK (or RELAY) of this sender or client: weaker checks are skipped. */
bool rule_access_ok(const struct policy *p, const struct facts *f);

/* rules_sender.c */
enum match rule_binding(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_authors(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_null_sender(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_narrowed(const struct policy *p, const struct facts *f, struct verdict *v);

#endif

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

/* own.c: the first domain of ours in the chain of d's parents; empty: none. */
struct str own_root(const struct policy *p, struct str d);
/* Would d's signature speak for x, a name of ours? */
bool own_aligned(const struct policy *p, struct str x, struct str d);
/* Has the line's day passed? */
bool exception_over(const struct exception *x, const struct facts *f);
/* Others were declared to send for it. */
bool own_declared(const struct policy *p, const struct facts *f, struct str x);
/* What nobody looked at. */
const struct sender_facts *rule_who(const struct facts *f);
/* The author may pass by a line of the configuration, for these recipients. */
bool rule_allowed(const struct policy *p, const struct facts *f);
/* A declared forwarder brought it; *inbox: and its recipients believe that. */
bool rule_forwarded(const struct policy *p, const struct facts *f, bool *inbox);

/* rules_own.c: see there */
enum match rule_from_grammar(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_from_domains(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_own(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_own_list(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_own_spf(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_own_later(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_claims_own(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_other_class(const struct policy *p, const struct facts *f, struct verdict *v);

/* rules_author.c: see there */
enum match rule_sends_nothing(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_author_gone(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_author_null_mx(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_author_later(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_dmarc_reject(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_dmarc_junk(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_unverified(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_unverified_no(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_must_sign(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_odd(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_name_ours(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_name_vip(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_look_alike(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_mixed_script(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_replayed(const struct policy *p, const struct facts *f, struct verdict *v);

/* rules_sender.c */
enum match rule_binding(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_authors(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_null_sender(const struct policy *p, const struct facts *f, struct verdict *v);
enum match rule_narrowed(const struct policy *p, const struct facts *f, struct verdict *v);

#endif

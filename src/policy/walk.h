/* SPDX-License-Identifier: ISC */
/*
 * walk: every class of requests, once: for the proof and for the comparison of two policies.
 *
 * For each sender the sources collapse to what still matters: the kind of the first grant that
 * fits, whether any covers, and the rest of each field's signature.  Requests that agree in that,
 * in the listener and in the recipient's class cannot be told apart by any rule and are visited
 * once.
 */
#ifndef POLICY_WALK_H
#define POLICY_WALK_H

#include "policy/classes.h"

struct request {
	const struct door *door;
	const struct atom *source[SOURCES];
	const struct atom *sender, *rcpt;
	enum turn sender_turn, rcpt_turn;
};

/* What a server answers in the end. */
struct answered {
	bool accepted;
	const char *stage;		/* that decided */
	struct verdict v;
	struct str observed[3 * OBSERVED_MAX];	/* rules that only told what they would do */
	size_t nobserved;
};

struct walk {
	struct classes *c;
	uint64_t budget;
	/* Asks up to MAIL, without a recipient.  False: no recipient would be heard. */
	bool (*mail)(void *ctx, const struct request *r);
	/* False ends the walk. */
	bool (*leaf)(void *ctx, const struct request *r);
	void *ctx;
	uint64_t leaves, steps;		/* counted */
	bool over;			/* more than the budget */
};

/* False: ended early, or over the budget. */
bool walk_all(struct walk *w);

/* The facts of the request for that policy. */
struct facts request_facts(const struct request *r, size_t policy);
/* Asks the stages one after the other: up to MAIL, RCPT behind it, all of them. */
struct answered request_ask_mail(const struct policy *p, const struct facts *f);
struct answered request_ask_rcpt(const struct policy *p, const struct facts *f,
    const struct answered *mail);
struct answered request_ask(const struct policy *p, const struct facts *f);
/* Entitled by the letter of the configuration. */
bool request_entitled(const struct policy *p, const struct request *r, size_t policy);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * prove: nobody relays and nobody speaks as somebody else, whatever they say; or a counterexample.
 *
 * Walks the very functions that smtpd calls (decide_connect to decide_end) over one representative
 * of every class of requests (classes.h) and checks the theorems.  Complete: rules see a request
 * through their predicates alone, and classes with equal predicates are one.  Sound: every
 * representative is a request that somebody can make.  Too many classes is a refusal too.
 *
 *	P1 no open relay	P2 the sender grants nothing	P3 no made-up address of ours
 *	P4 bound to own addresses	P5 what a listener is for
 *	P6 trusted networks are somebody's
 *	P7 certificates are well-formed	P8 every line has a meaning
 *
 * Pure; what went wrong is text in the proof's own memory.
 */
#ifndef POLICY_PROVE_H
#define POLICY_PROVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/classes.h"

enum theorem {
	PROVE_P1, PROVE_P2, PROVE_P3, PROVE_P4, PROVE_P5, PROVE_P6, PROVE_P7, PROVE_P8,
	PROVE_REQUIRED,			/* a named property */
	PROVE_TOO_COMPLEX,
	PROVE_COUNT,
};

struct finding {
	enum theorem theorem;
	struct str what;		/* one line */
	struct str where;		/* file:line of the line that spoke; empty: none */
	struct str dialogue;		/* lines "C: ..." and "S: ..."; empty: none is needed */
	struct str lines;		/* the lines responsible, one each */
	/* the request itself, for tests and for replay */
	bool has_facts;
	struct facts facts;
};

enum { FINDINGS_MAX = 16 };
#define PROVE_BUDGET UINT64_C(50'000'000)

struct proof {
	/* asked */
	const struct policy *policy;
	const struct ip *own;		/* addresses of this host and of its gateways */
	size_t nown;
	const struct str *require;	/* named properties */
	size_t nrequire;
	const struct more_predicates *more;
	/* NULL, or why nobody should vouch for clients by that file of authorities. */
	const char *(*ca_wrong)(struct str file);
	uint64_t budget;		/* leaves; 0: PROVE_BUDGET */
	/* answered */
	struct finding finding[FINDINGS_MAX];
	size_t n;
	uint64_t classes[FIELD_COUNT], seen[FIELD_COUNT], leaves, steps;
	struct str observed;		/* theorems that hold only when nothing is observed */
	struct arena a;
};

/* True: everything holds.  Free with proof_done in either case. */
bool prove(struct proof *p);
void proof_done(struct proof *p);

/* NULL, or what is wrong with the name of a property. */
const char *prove_property_wrong(struct str name);
/* All of them, for --help. */
extern const char prove_properties[];

const char *prove_name(enum theorem t);		/* "P1" */
const char *prove_says(enum theorem t);		/* "no open relay: ..." */
/* A finding as text: what, dialogue, lines. */
void prove_print(const struct finding *f, struct buf *out);

#endif

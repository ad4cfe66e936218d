/* SPDX-License-Identifier: ISC */
/*
 * prove_parts: what the files of the proof share: the proof under way, and one request asked.
 */
#ifndef POLICY_PROVE_PARTS_H
#define POLICY_PROVE_PARTS_H

#include "conf/config.h"
#include "policy/prove.h"
#include "policy/walk.h"

struct prover {
	struct proof *p;
	struct classes c;
	const struct policy *asked;	/* p->policy without restrictions that compare texts */
	struct policy copy;
	struct config cfg;
	struct answered mail;		/* up to MAIL, of the request under way */
	bool entitled;			/* ... whose source is that */
	bool found[PROVE_COUNT];
	uint64_t required;		/* properties with a counterexample, bits */
};

struct asked {
	const struct request *r;
	struct facts f;
	bool entitled;
	struct answered a;
};

struct asked prove_ask(const struct prover *w, const struct request *r);
bool prove_breaks(const struct prover *w, const struct asked *q, enum theorem t);
bool prove_has(const struct proof *p, enum theorem t);
/* NULL: there are enough. */
struct finding *prove_note(struct proof *p, enum theorem t, struct str what);

/* prove_show.c: makes the request plain and keeps it as the theorem's counterexample. */
void prove_keep(struct prover *w, const struct request *r, enum theorem t);
/* prove_lines.c: P6 to P8. */
void prove_lines(struct prover *w);
/* require.c: does the request break one of the properties asked for? */
bool require_broken(const struct prover *w, const struct asked *q);
/* Which of those that still hold; nrequire: none. */
size_t require_which(const struct prover *w, const struct asked *q);

#endif

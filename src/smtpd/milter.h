/* SPDX-License-Identifier: ISC */
/*
 * milter: the conversation with one mail filter, for one session.
 *
 * 1. Every wait ends by the filter's time-out; one that says it is at work gets ten of them.
 * 2. Whatever is not a proper answer at its place (see milter_wire.h) ends the conversation:
 *    MILTER_FAILED, with `why`.
 * 3. What it may not do, by the options it was granted, is not taken from it.
 * Owns its connection.  Knows nothing of sessions: who calls it gives names, addresses and texts.
 */
#ifndef SMTPD_MILTER_H
#define SMTPD_MILTER_H

#include "conf/filters.h"
#include "rt/conn.h"
#include "smtpd/milter_wire.h"

struct milter {
	const struct filter_conf *conf;
	struct conn *c;			/* NULL: no conversation */
	struct milter_options opt;
	struct buf out, in;
	size_t used;			/* bytes of `in` that were read as frames */
	struct arena mem;		/* of the conversation: names of macros */
	const char *why;		/* of MILTER_FAILED */
	enum io io;			/* ... when the connection failed */
};

enum milter_says {
	MILTER_GO,			/* go on */
	MILTER_DONE,			/* accepted: ask no more */
	MILTER_REFUSE,			/* with a reply */
	MILTER_DISCARD,
	MILTER_SKIP,			/* enough of the body */
	MILTER_FAILED,
};

/* Takes the connection and agrees on options.  False: failed, closed.  suspends */
bool milter_open(struct milter *m, const struct filter_conf *conf, struct conn *c);
/* Says QUIT where that is polite, and closes.  Harmless without a conversation. */
void milter_close(struct milter *m, bool politely);

/* Does it want to hear of that (NO_ bits)? */
bool milter_hears(const struct milter *m, enum milter_step no);
/* One macro into m->out, within a MC_MACRO frame, if the filter wants it at that stage. */
void milter_macro(struct milter *m, enum milter_stage st, const char *name, struct str value);

/* Sends what stands in m->out and reads the answer of one step; nr is the NR_ bit under which none
 * is given.  The reply of MILTER_REFUSE has its text in a.  suspends */
enum milter_says milter_step(struct milter *m, uint32_t nr, struct arena *a, struct reply *r);

/* A change that the filter wants, while it answers the end of the message.  False: it may not be:
 * that is told to it by nobody, and the filter fails. */
struct milter_changes {
	bool (*take)(void *ctx, const struct milter_answer *change);
	void *ctx;
};
/* Sends m->out and takes changes up to the final answer.  suspends */
enum milter_says milter_final(struct milter *m, const struct milter_changes *ch, struct arena *a,
    struct reply *r);
/* The message is given up; nothing is answered.  suspends only when the filter does not read */
void milter_abort(struct milter *m);

#endif

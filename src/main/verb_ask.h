/* SPDX-License-Identifier: ISC */
/*
 * verb_ask: what the diagnosis verbs that ask DNS share: their common options, DNS from a zone file
 * or live, and a coroutine on a loop to ask it in.
 *
 * Options: --zone FILE (no packet is sent), --now EPOCH (else the clock), --config FILE (its dns
 * block; default: the installed one, else the system's resolver).
 */
#ifndef MAIN_VERB_ASK_H
#define MAIN_VERB_ASK_H

#include <jansson.h>

#include "trust/ask.h"

struct config;

struct verb_ask {
	const char *zone, *config;
	int64_t now_s;			/* set by verb_ask_run when no option gave it */
	bool has_now;
	const struct config *cfg;
	struct trust_dns dns;
	struct arena a;
	json_t *answer;			/* what body leaves is printed */
	int status;			/* exit status when there is no answer */
	void *arg;			/* the verb's own */
};

/* Takes argv[*i] (and its value) when it is one of the common options. */
bool verb_ask_option(struct verb_ask *v, int argc, char **argv, int *i);
/* Runs body in a coroutine, prints what it answers; the exit status (78: configuration or zone
 * cannot be read). */
int verb_ask_run(struct verb_ask *v, void (*body)(struct verb_ask *v));

#endif

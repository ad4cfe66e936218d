/* SPDX-License-Identifier: ISC */
/*
 * proof_run: the proof of policy/prove.h over a whole configuration with its tables and this host's
 * addresses, for whoever loads one: `postern check`, keeper, and lookup when a table changes.
 */
#ifndef MAIN_PROOF_RUN_H
#define MAIN_PROOF_RUN_H

#include "base/buf.h"
#include "conf/config.h"

struct tables;

struct proof_run {
	const struct config *cfg;
	const struct tables *tables;	/* NULL: the files are read for it */
	const struct str *require;	/* named properties besides the theorems */
	size_t nrequire;
	/* answered */
	uint64_t leaves, classes;	/* requests asked, classes in all fields */
	int64_t took_us;
	size_t nfinding;
};

/* Before a sandbox closes: addresses of this host and of its gateways. */
void proof_addresses_learn(void);

/* True: everything holds.  text gets the findings, each with its dialogue and lines, or a notice
 * of what holds only while nothing is observed.  Blocks; any thread, one at a time. */
bool proof_run(struct proof_run *r, struct buf *text);

/* The same in a process of its own, so that the caller's loop goes on.  suspends when in_coroutine.
 * False: *why is the caller's to free. */
bool proof_apart(const struct config *cfg, bool in_coroutine, struct str *why);

/* What would be decided differently with `now` than with `was`, one line each.  False: too much to
 * compare. */
bool proof_compare(const struct config *was, const struct config *now, struct buf *text);

/* Why nobody should vouch for clients by that file of authorities; NULL: nothing known.  Constant
 * text.  RFC 5280 says nothing of it: the customers of a public authority are everybody. */
const char *proof_ca_wrong(struct str file);

struct tables;
struct conf_errors;
/* The tables as their files are now; what cannot be read is not in it, and is told to errs unless
 * that is NULL. */
void proof_tables(struct tables *to, const struct config *cfg, struct conf_errors *errs);

#endif

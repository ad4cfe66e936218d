/* SPDX-License-Identifier: ISC */
/*
 * compare: which kinds of requests get another verdict from another configuration.
 *
 * Both policies are walked side by side over the classes that either can tell apart (classes.h), so
 * that no difference is missed; differences of one kind (same rules, same listener) are one line
 * with one example.  Pure.
 */
#ifndef POLICY_COMPARE_H
#define POLICY_COMPARE_H

#include "base/buf.h"
#include "policy/walk.h"

enum { CHANGES_MAX = 200 };

struct change_kind {
	struct str was, now;		/* "relayed (relay-granted)", "550 (...)" */
	struct str listener;
	struct str example;		/* who, from, to */
	uint64_t classes;
	bool opens;			/* refused before, accepted now */
};

struct compare {
	const struct policy *before, *after;
	const struct ip *own;
	size_t nown;
	uint64_t budget;		/* 0: that of the proof */
	/* answered; texts in a */
	struct change_kind change[CHANGES_MAX];
	size_t n;
	uint64_t leaves, differing;
	bool more;			/* kinds beyond CHANGES_MAX */
	struct arena a;
};

/* False: too many classes to compare.  Free with compare_done in either case. */
bool compare_run(struct compare *c);
void compare_done(struct compare *c);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * lab_corpus: the attacks of `postern lab`, and some honest mail that must not suffer from them.
 *
 * In texts OWN stands for one of the server's domains, USER for an address that it takes mail for;
 * attackers live in evil.example, those who are imitated in bank.example and friend.example.
 */
#ifndef MAIN_LAB_CORPUS_H
#define MAIN_LAB_CORPUS_H

#include <stddef.h>

enum expected_fate {
	MUST_REFUSE,			/* not taken */
	NOT_INBOX,			/* refused, or into Junk */
	MUST_INBOX,			/* the control: honest mail */
};

struct attack {
	const char *name, *peer, *helo, *from, *to, *text;
	enum expected_fate expect;
};

extern const struct attack lab_corpus[];
extern const size_t lab_corpus_n;
/* The world's DNS. */
extern const char lab_zone[];

#endif

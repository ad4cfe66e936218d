/* SPDX-License-Identifier: ISC */
/*
 * sender: what is known of who wrote a message, at the end of its content.
 *
 * 1. Gathered once by smtpd from trust/checks.h; the rules see nothing else of it.
 * 2. Zero vouches for nobody: a message that was not looked at is one without proof.
 * 3. Slices belong to the transaction.
 */
#ifndef POLICY_SENDER_H
#define POLICY_SENDER_H

#include "trust/dmarc.h"
#include "trust/from.h"

/* Domain of a signature that passed, or that could not be judged now. */
struct signer {
	struct str domain;
	bool own_key;			/* passed by a key of this server, without DNS */
	bool covers_all;		/* the fields a reader sees; not expired */
	bool unsure;			/* its key could not be asked for */
};

struct sender_facts {
	bool judged;			/* the checks were made */
	int64_t now_s;
	/* the message's own fields */
	unsigned from_faults;		/* enum from_fault */
	size_t fault_at;
	bool begins_wrong;		/* the first line is a continuation of nothing */
	bool twice;			/* two of Date, Sender, Subject or Reply-To */
	bool odd;			/* other fields twice, or in obsolete syntax */
	struct str local, domain;	/* the author; domain as A-label, lower case */
	struct str shown;		/* the domain with U-labels */
	struct str name;		/* display name, or the comment in its place */
	struct str from_text;		/* the whole field, decoded */
	struct str list;		/* domain of List-Id; empty: no list mail */
	bool reply_elsewhere;		/* Reply-To leads to another domain */
	/* who vouches for what */
	const struct signer *signer;
	size_t nsigner;
	enum auth_result spf;		/* of the envelope sender, of HELO for the null sender */
	bool spf_weak;
	struct str spf_domain;		/* that was asked about */
	struct str helo_domain;		/* of a HELO that passed and is not weak */
	enum auth_result dmarc;
	enum dmarc_policy dmarc_policy;
	struct str org_domain;		/* of the author */
	bool verified;			/* somebody entitled vouches for the author */
	bool aligned_signature;		/* ... tried to: a signature whose key exists */
	bool author_gone, author_null_mx;
	bool trouble;			/* nothing passed, and DNS could not say all */
	bool arc_pass;			/* a trusted sealer says that it passed DMARC there */
	uint64_t replays;		/* deliveries of the same signature, beyond the first */
};

#endif

/* SPDX-License-Identifier: ISC */
/*
 * exchange: what the mechanisms see of an exchange; for the files of this folder only.
 *
 * A mechanism is one function that is called with each message of the client and says what comes
 * of it; state counts its steps.  It says SASL_OK only through exchange_admit.
 */
#ifndef SASL_EXCHANGE_H
#define SASL_EXCHANGE_H

#include "sasl/scram.h"

struct gs_session;

struct sasl_exchange {
	struct sasl_house *house;
	struct sasl_store store;
	enum auth_mech mech;
	unsigned state;
	bool over;
	struct arena mem;
	struct str certs;
	struct str nonce;		/* given for vectors */
	struct str claimed;		/* who it says it is */
	struct str authzid;		/* as whom it wants to act; empty: as itself */
	struct str password;
	struct str identity;
	struct scram scram;
	struct verifier v;
	struct gs_session *gs;
	bool doomed;			/* whatever comes, it will be refused */
	enum cred store_said;
};

/* A mechanism's step.  suspends */
#define SASL_STEP(name) \
	enum sasl name(struct sasl_exchange *x, struct str in, struct buf *out)

SASL_STEP(sasl_gs_step);
void sasl_gs_end(struct sasl_exchange *x);
SASL_STEP(sasl_bearer_step);
SASL_STEP(sasl_xoauth2_step);

/* May this user be tried?  False: the answer is SASL_BLOCKED.  suspends */
bool exchange_may_try(struct sasl_exchange *x, struct str user, struct str password);
/* The answer for what a store said; SASL_OK only when the identity is who it wants to act as. */
enum sasl exchange_admit(struct sasl_exchange *x, enum cred said, struct str identity);
/* The user exists here: admits it.  For mechanisms that proved it elsewhere.  suspends */
enum sasl exchange_known(struct sasl_exchange *x, struct str user);

void gs_free(struct gs *g);		/* NULL is nothing */

#endif

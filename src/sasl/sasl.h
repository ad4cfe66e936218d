/* SPDX-License-Identifier: ISC */
/*
 * sasl: one AUTH exchange, server side (RFC 4422), whatever the mechanism.
 *
 * 1. Nothing but SASL_OK is success, and SASL_OK is said in one place (exchange.c), after the
 *    store said CRED_OK or a proof was compared in constant time.
 * 2. Unknown, failed and unavailable are different answers everywhere; zero is "unavailable".
 * 3. An unknown user costs the same work and sees the same messages as a known one.
 * 4. No security layer is ever offered or taken.
 * 5. One identity per exchange: authorising as somebody else is refused (CVE-2023-27582).
 *
 * An exchange belongs to whoever began it, until sasl_end.  It knows no IPC and no SMTP.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/config.h"

enum sasl {
	SASL_LATER,			/* 454: a back end is down */
	SASL_MORE,			/* 334 */
	SASL_OK,			/* 235 */
	SASL_BAD,			/* 535 */
	SASL_MALFORMED,			/* 501 */
	SASL_BLOCKED,			/* 421 */
	SASL_ANSWERS,
};

/* What a store says of a user or a password. */
enum cred {
	CRED_UNAVAILABLE,
	CRED_OK,
	CRED_FAILED,			/* the password is wrong, or the user is switched off */
	CRED_UNKNOWN,
	CRED_IMPOSSIBLE,		/* what is stored cannot serve this mechanism */
	CRED_ANSWERS,
};

/* Has AUTH been seen to refuse what it must refuse? */
enum auth_state { AUTH_UNPROVEN, AUTH_PROVEN, AUTH_BROKEN };

enum { SASL_USER_MAX = 255, SASL_PASSWORD_MAX = 1024, SASL_MESSAGE_MAX = 12288 };

/* What a mechanism needs of a known user; of an unknown one iterations is what others have. */
struct verifier {
	uint32_t iterations;
	struct str salt, stored, server;	/* SCRAM */
	struct str password;			/* plain, for CRAM-MD5 and DIGEST-MD5 */
	struct str identity;			/* "user@domain" */
};

/* All may suspend; ctx is handed through. */
struct sasl_store {
	enum cred (*find)(void *ctx, struct str user, enum auth_mech need, struct arena *a,
	    struct verifier *out);
	enum cred (*check)(void *ctx, struct str user, struct str password, struct arena *a,
	    struct str *identity);
	/* May this user be tried at all?  password is empty where the mechanism hides it. */
	bool (*admit)(void *ctx, struct str user, struct str password);
	enum sasl (*krb)(void *ctx, bool first, struct str in, struct arena *a, struct str *out,
	    struct str *name, struct str *authzid);
	void *ctx;
};

struct gs;
struct oauth;

/* What all exchanges of a process share. */
struct sasl_house {
	const struct config *cfg;
	struct gs *gs;			/* GNU SASL; made at first need */
	const struct oauth *oauth;	/* NULL: none */
	unsigned char decoy[32];	/* secret of what unknown users see */
	int64_t (*wall_s)(void);
};

struct sasl_ask {
	enum auth_mech mech;
	bool plus;			/* the listener offers a -PLUS mechanism */
	struct str exporter, end_point;	/* channel bindings; empty: none */
	struct str certs;		/* addresses of a verified certificate, one a line */
	const char *nonce;		/* server's part, for vectors; NULL: random */
};

struct sasl_exchange;

/* Copies what it needs.  NULL: no memory. */
struct sasl_exchange *sasl_begin(struct sasl_house *h, const struct sasl_ask *ask,
    const struct sasl_store *store);
void sasl_end(struct sasl_exchange *x);
/* One message of the client; in.p NULL: it has sent none yet.  out gets the challenge.  After any
 * answer but SASL_MORE the exchange is over.  suspends */
enum sasl sasl_step(struct sasl_exchange *x, struct str in, struct buf *out);
/* Who it is (after SASL_OK), or claimed to be (may be empty); lives as long as the exchange. */
struct str sasl_identity(const struct sasl_exchange *x);
struct str sasl_claimed(const struct sasl_exchange *x);
/* The password that was tried, for the detector of sprays; empty where it is hidden. */
struct str sasl_tried(const struct sasl_exchange *x);

/* The mechanisms of a listener, inside TLS: what is configured and what the stores can. */
unsigned sasl_offered(const struct config *cfg, const struct listener *l);

/* "User@Domain" in the one spelling of identities; a bare name is of the main domain.  False: no
 * name, or not of a domain of ours. */
bool sasl_name(const struct config *cfg, struct str user, struct arena *a, struct str *local,
    const struct domain **domain);
struct str sasl_identity_of(struct str local, const struct domain *d, struct arena *a);

#endif

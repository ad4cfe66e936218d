/* SPDX-License-Identifier: ISC */
/*
 * auth: how clients may say who they are: mechanisms, and where their passwords are.
 *
 * Three separate things: what is offered, what of it is trusted to grant relay, and whether a
 * listener demands it (listener.auth).  The order of enum auth_mech is the order of EHLO, the
 * strongest first.  Plain structs inside the snapshot (conf/config.h).
 */
#ifndef CONF_AUTH_H
#define CONF_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "conf/parts.h"

enum auth_mech {
	MECH_SCRAM_SHA_256_PLUS, MECH_SCRAM_SHA_256, MECH_SCRAM_SHA_1_PLUS, MECH_SCRAM_SHA_1,
	MECH_EXTERNAL, MECH_GSSAPI, MECH_OAUTHBEARER, MECH_XOAUTH2, MECH_PLAIN, MECH_LOGIN,
	MECH_DIGEST_MD5, MECH_CRAM_MD5,
};

enum { MECH_COUNT = MECH_CRAM_MD5 + 1 };

#define MECH_BIT(m)	(1u << (m))

/* Who may log in with a bearer token: RFC 7628. */
struct oauth_conf {
	struct str issuer, audience;	/* must be in the token */
	struct str keys_file;		/* JWKS; empty: no OAuth */
	struct str claim;		/* which one is the user; "email" */
};

struct auth_conf {
	unsigned offered, trusted;	/* sets of MECH_BIT */
	struct str keytab;		/* of GSSAPI; empty: none */
	struct oauth_conf oauth;
	struct nets parameter_from;	/* peers whose AUTH= is believed */
};

struct str auth_mech_name(enum auth_mech m);
/* Without regard to case; false: no such mechanism. */
bool auth_mech_find(struct str name, enum auth_mech *out);

#endif

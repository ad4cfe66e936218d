/* SPDX-License-Identifier: ISC */
/*
 * oauth: is this bearer token good, and whose is it?
 *
 * A token is a signed JWT (RFC 7519, 7515): RS256 or ES256 by a key of the JWKS file (RFC 7517),
 * our issuer, our audience, not expired and already valid.  Everything else is refused: no "none",
 * no HMAC, no key from the token itself.  Keys are read once; a new file comes with a new
 * generation.
 */
#ifndef SASL_OAUTH_H
#define SASL_OAUTH_H

#include "sasl/sasl.h"

struct oauth;

/* NULL: no usable key in it. */
struct oauth *oauth_new(const struct oauth_conf *conf, struct str jwks);
void oauth_free(struct oauth *o);			/* NULL is nothing */

/* CRED_OK: *user is the claim's value, in a. */
enum cred oauth_judge(const struct oauth *o, struct str token, int64_t now_s, struct arena *a,
    struct str *user);

#endif

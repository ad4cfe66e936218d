/* SPDX-License-Identifier: ISC */
/*
 * token: vault's word that somebody logged in: who, in which session, when.
 *
 * A token is the base64 of version, key number, time, session and an HMAC over these and the
 * identity.  Keys are stored (main/token_keys.c) and overlap: one mints, those before still verify,
 * so that mail queued before a change of keys keeps its right.  A lying smtpd can use a token for
 * its identity only, and only for mail of about that time.
 */
#ifndef SASL_TOKEN_H
#define SASL_TOKEN_H

#include "base/buf.h"
#include "base/str.h"

enum { TOKEN_KEYS_MAX = 4, TOKEN_KEY = 32, TOKEN_TEXT = 72 };

/* How long after the login mail may still be received under it. */
#define TOKEN_LIFE_MS	(24ll * 3600 * 1000)

struct token_key { uint32_t number; unsigned char key[TOKEN_KEY]; };
struct token_keys { struct token_key k[TOKEN_KEYS_MAX]; size_t n; };	/* the first one mints */

/* Lines "number hex", numbers from 1; false: not one good line. */
bool token_keys_parse(struct token_keys *keys, struct str text);
bool token_mint(const struct token_keys *keys, struct str identity, uint64_t session,
    int64_t now_ms, struct buf *out);

/* The secret of what unknown users see: number 0 of the same file, so that it outlives restarts;
 * random without one. */
void token_decoy(struct str text, unsigned char out[32]);

enum token { TOKEN_BAD, TOKEN_GOOD, TOKEN_LATER };	/* LATER: nobody to ask */

/* at_ms: when the mail was received. */
enum token token_judge(const struct token_keys *keys, struct str token, struct str identity,
    int64_t at_ms);

#endif

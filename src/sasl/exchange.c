/* SPDX-License-Identifier: ISC */
/*
 * exchange: begin, step and end; PLAIN (RFC 4616), LOGIN, EXTERNAL (RFC 4422 A), GSSAPI (done by
 * the store's helper), and the frame around SCRAM.  See sasl.h for what always holds.
 */
#include "sasl/exchange.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/secret.h"
#include "base/utf8.h"

enum { MEMORY = 64 << 10, NONCE_BYTES = 18 };

/* ---- what comes of it ---- */

bool
exchange_may_try(struct sasl_exchange *x, struct str user, struct str password)
{
	x->claimed = user;
	x->password = password;
	return x->store.admit == NULL || x->store.admit(x->store.ctx, user, password);
}

/* As itself, or as nobody else. */
static bool
acts_as_itself(struct sasl_exchange *x, struct str identity)
{
	const struct domain *d;
	struct str local;

	return x->authzid.n == 0 || (sasl_name(x->house->cfg, x->authzid, &x->mem, &local, &d) &&
	    str_eq(sasl_identity_of(local, d, &x->mem), identity));
}

enum sasl
exchange_admit(struct sasl_exchange *x, enum cred said, struct str identity)
{
	x->store_said = said;
	switch (said) {
	case CRED_OK:
		if (x->doomed || identity.n == 0 || !acts_as_itself(x, identity))
			return SASL_BAD;
		x->identity = str_dup(&x->mem, identity);
		return x->identity.n > 0 ? SASL_OK : SASL_LATER;
	case CRED_FAILED:
	case CRED_UNKNOWN:
	case CRED_IMPOSSIBLE:
	case CRED_ANSWERS:
		return SASL_BAD;
	case CRED_UNAVAILABLE:
		return SASL_LATER;
	}
	return SASL_LATER;
}

enum sasl
exchange_known(struct sasl_exchange *x, struct str user)
{
	enum cred said;

	if (!exchange_may_try(x, user, (struct str){}))
		return SASL_BLOCKED;
	said = x->store.find(x->store.ctx, user, x->mech, &x->mem, &x->v);
	return exchange_admit(x, said, x->v.identity);
}

static enum sasl
password_check(struct sasl_exchange *x, struct str user, struct str password)
{
	struct str identity = {};
	enum cred said;

	if (user.n == 0 || user.n > SASL_USER_MAX || password.n == 0 ||
	    password.n > SASL_PASSWORD_MAX || !utf8_valid(user))
		return SASL_BAD;		/* no back end ever sees an empty password */
	if (!exchange_may_try(x, user, password))
		return SASL_BLOCKED;
	said = x->store.check(x->store.ctx, user, password, &x->mem, &identity);
	return exchange_admit(x, said, identity);
}

/* ---- PLAIN: [authzid] NUL authcid NUL passwd ---- */

static SASL_STEP(plain_step)
{
	struct str rest = in, user;

	(void)out;
	if (in.p == NULL)
		return SASL_MORE;
	if (str_chr(in, '\0') < 0)
		return SASL_MALFORMED;
	x->authzid = str_split(&rest, '\0');
	if (str_chr(rest, '\0') < 0 || x->authzid.n > SASL_USER_MAX)
		return SASL_MALFORMED;
	user = str_split(&rest, '\0');
	if (str_chr(rest, '\0') >= 0)
		return SASL_MALFORMED;
	return password_check(x, user, rest);
}

/* ---- LOGIN: no RFC; two questions ---- */

static SASL_STEP(login_step)
{
	if (in.p == NULL) {
		(void)buf_puts(out, "Username:");
		return SASL_MORE;
	}
	if (x->state++ == 0) {
		x->claimed = str_dup(&x->mem, in);
		(void)buf_puts(out, "Password:");
		return SASL_MORE;
	}
	if (memchr(x->claimed.p, '\0', x->claimed.n) != NULL || str_chr(in, '\0') >= 0)
		return SASL_BAD;
	return password_check(x, x->claimed, in);
}

/* ---- EXTERNAL: the certificate says who ---- */

static SASL_STEP(external_step)
{
	struct str certs = x->certs;
	enum sasl answer = SASL_BAD;

	(void)out;
	if (in.p == NULL)
		return SASL_MORE;
	if (in.n > SASL_USER_MAX || str_chr(in, '\0') >= 0)
		return SASL_MALFORMED;
	x->authzid = str_dup(&x->mem, in);
	while (certs.n > 0 && answer == SASL_BAD) {
		struct str one = str_split(&certs, '\n'), local;
		const struct domain *d;

		if (str_chr(one, '@') > 0 &&
		    sasl_name(x->house->cfg, one, &x->mem, &local, &d))
			answer = exchange_known(x, one);
	}
	return answer;
}

/* ---- GSSAPI: RFC 4752, in a helper of the store ---- */

static SASL_STEP(gssapi_step)
{
	struct str token = {}, name = {}, authzid = {}, realm;
	enum sasl answer;

	if (in.p == NULL)
		return SASL_MORE;
	if (x->store.krb == NULL)
		return SASL_LATER;
	answer = x->store.krb(x->store.ctx, x->state++ == 0, in, &x->mem, &token, &name, &authzid);
	if (answer == SASL_MORE)
		(void)buf_put(out, token);
	if (answer != SASL_OK)
		return answer;
	/* "alice@REALM": only principals without an instance are users, and the helper takes no
	 * realm but that of its keytab. */
	realm = name;
	name = str_split(&realm, '@');
	x->authzid = authzid;
	if (realm.n > 0 && str_eq(authzid, str_cat(&x->mem, name, STR("@"), realm)))
		x->authzid = (struct str){};		/* its own principal, spelt out */
	if (name.n == 0 || str_chr(name, '/') >= 0)
		return SASL_BAD;
	return exchange_known(x, name);
}

/* ---- SCRAM ---- */

static bool
server_nonce(struct sasl_exchange *x, struct buf *b)
{
	unsigned char raw[NONCE_BYTES];

	if (x->nonce.n > 0)
		return buf_put(b, x->nonce);
	return RAND_bytes(raw, sizeof raw) == 1 && base64_encode(b, str_from(raw, sizeof raw));
}

/* An unknown user, or one whose password is kept in another form, goes through the same motions. */
static enum sasl
scram_begin(struct sasl_exchange *x, struct str in, struct buf *out)
{
	bool sha1 = x->scram.sha1, downgraded, good;
	enum cred said;
	struct buf nonce;

	if (!scram_first(&x->scram, in, &x->mem, &downgraded))
		return downgraded ? SASL_BAD : SASL_MALFORMED;
	x->authzid = x->scram.authzid;
	if (!exchange_may_try(x, x->scram.user, (struct str){}))
		return SASL_BLOCKED;
	said = x->store.find(x->store.ctx, x->claimed, x->mech, &x->mem, &x->v);
	x->store_said = said;
	if (said == CRED_UNAVAILABLE)
		return SASL_LATER;
	x->doomed = said != CRED_OK || x->v.stored.n != scram_hash_size(sha1) ||
	    x->v.server.n != scram_hash_size(sha1) || x->v.salt.n == 0 || x->v.iterations == 0;
	if (x->doomed && !scram_decoy(sha1, x->house->decoy,
	    x->v.identity.n > 0 ? x->v.identity : x->claimed, &x->mem, &x->v))
		return SASL_LATER;
	buf_init(&nonce, 128);
	good = server_nonce(x, &nonce) &&
	    scram_challenge(&x->scram, &x->v, buf_str(&nonce), &x->mem, out);
	buf_done(&nonce);
	return good ? SASL_MORE : SASL_LATER;
}

static SASL_STEP(scram_step)
{
	if (in.p == NULL)
		return SASL_MORE;
	switch (x->state++) {
	case 0:
		return scram_begin(x, in, out);
	case 1:
		switch (scram_final(&x->scram, &x->v, in, &x->mem, out)) {
		case SCRAM_MALFORMED:	return SASL_MALFORMED;
		case SCRAM_WRONG:	return SASL_BAD;
		case SCRAM_RIGHT:	return x->doomed ? SASL_BAD : SASL_MORE;
		}
		return SASL_BAD;
	default:			/* RFC 4954 4: the client has seen ours, and agrees */
		return in.n == 0 ? exchange_admit(x, CRED_OK, x->v.identity) : SASL_MALFORMED;
	}
}

/* ---- the frame ---- */

struct sasl_exchange *
sasl_begin(struct sasl_house *h, const struct sasl_ask *ask, const struct sasl_store *store)
{
	struct sasl_exchange *x = calloc(1, sizeof *x);

	if (x == NULL)
		return NULL;
	*x = (struct sasl_exchange){ .house = h, .store = *store, .mech = ask->mech };
	arena_init(&x->mem, MEMORY);
	x->certs = str_dup(&x->mem, ask->certs);
	x->nonce = str_dup(&x->mem, str_of(ask->nonce));
	x->scram = (struct scram){
		.sha1 = ask->mech == MECH_SCRAM_SHA_1 || ask->mech == MECH_SCRAM_SHA_1_PLUS,
		.plus = ask->mech == MECH_SCRAM_SHA_256_PLUS || ask->mech == MECH_SCRAM_SHA_1_PLUS,
		.plus_offered = ask->plus,
		.binding = {
			str_dup(&x->mem, ask->exporter), str_dup(&x->mem, ask->end_point),
		},
	};
	return x;
}

void
sasl_end(struct sasl_exchange *x)
{
	if (x == NULL)
		return;
	sasl_gs_end(x);
	if (x->password.n > 0)
		secret_wipe((char *)(uintptr_t)x->password.p, x->password.n);
	arena_done(&x->mem);
	free(x);
}

static enum sasl
step(struct sasl_exchange *x, struct str in, struct buf *out)
{
	switch (x->mech) {
	case MECH_SCRAM_SHA_256_PLUS:
	case MECH_SCRAM_SHA_256:
	case MECH_SCRAM_SHA_1_PLUS:
	case MECH_SCRAM_SHA_1:	return scram_step(x, in, out);
	case MECH_EXTERNAL:	return external_step(x, in, out);
	case MECH_GSSAPI:	return gssapi_step(x, in, out);
	case MECH_OAUTHBEARER:	return sasl_bearer_step(x, in, out);
	case MECH_XOAUTH2:	return sasl_xoauth2_step(x, in, out);
	case MECH_PLAIN:	return plain_step(x, in, out);
	case MECH_LOGIN:	return login_step(x, in, out);
	case MECH_DIGEST_MD5:
	case MECH_CRAM_MD5:	return sasl_gs_step(x, in, out);
	}
	return SASL_BAD;
}

enum sasl
sasl_step(struct sasl_exchange *x, struct str in, struct buf *out)
{
	enum sasl answer;
	struct str copy = in;

	if (x->over || in.n > SASL_MESSAGE_MAX)
		return SASL_BAD;
	if (in.p != NULL) {
		copy = str_dup(&x->mem, in.n > 0 ? in : STR(""));
		if (copy.p == NULL)
			return SASL_BAD;
		if (in.n == 0)
			copy = STR("");
	}
	answer = step(x, copy, out);
	x->over = answer != SASL_MORE;
	return answer;
}

struct str
sasl_identity(const struct sasl_exchange *x)
{
	return x->identity;
}

struct str
sasl_claimed(const struct sasl_exchange *x)
{
	return x->claimed;
}

struct str
sasl_tried(const struct sasl_exchange *x)
{
	return x->password;
}

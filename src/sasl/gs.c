/* SPDX-License-Identifier: ISC */
/*
 * gs: DIGEST-MD5 (RFC 2831, historic) and CRAM-MD5 (RFC 2195) by GNU SASL.
 *
 * Both need the password in clear, so they work for {PLAIN} entries only and are off by default.
 * GNU SASL asks for what it needs by a callback, which looks the user up and so may suspend in the
 * middle of its step.  The only quality of protection offered is "auth": no layer.
 */
#include "sasl/exchange.h"

#include <gsasl.h>
#include <stdlib.h>

struct gs { Gsasl *ctx; };
struct gs_session { Gsasl_session *s; };

static void
found(struct sasl_exchange *x, Gsasl_session *s)
{
	const char *user = gsasl_property_fast(s, GSASL_AUTHID);
	struct str name = user != NULL ? str_dup(&x->mem, str_of(user)) : (struct str){};
	static const char decoy[] = "7Qm2vN4xKpR8sT1wY5zB9cD3fG6hJ0kL";
	char *password;

	x->store_said = CRED_UNKNOWN;
	x->doomed = true;
	if (name.n == 0 || name.n > SASL_USER_MAX)
		return;
	if (!exchange_may_try(x, name, (struct str){})) {
		x->state = 1;
		return;
	}
	x->store_said = x->store.find(x->store.ctx, name, x->mech, &x->mem, &x->v);
	x->doomed = x->store_said != CRED_OK || x->v.password.n == 0;
	password = x->doomed ? NULL : str_z(&x->mem, x->v.password);
	(void)gsasl_property_set(s, GSASL_PASSWORD, password != NULL ? password : decoy);
}

static int
callback(Gsasl *ctx, Gsasl_session *s, Gsasl_property prop)
{
	struct sasl_exchange *x = gsasl_session_hook_get(s);
	char *host = str_z(&x->mem, x->house->cfg->hostname);

	(void)ctx;
	if (host == NULL)
		return GSASL_MALLOC_ERROR;
	if (prop == GSASL_PASSWORD) {
		found(x, s);
		return gsasl_property_fast(s, GSASL_PASSWORD) != NULL ? GSASL_OK :
		    GSASL_AUTHENTICATION_ERROR;
	}
	if (prop == GSASL_QOPS)
		(void)gsasl_property_set(s, prop, "qop-auth");
	else if (prop == GSASL_REALM || prop == GSASL_HOSTNAME)
		(void)gsasl_property_set(s, prop, host);
	else if (prop == GSASL_SERVICE)
		(void)gsasl_property_set(s, prop, "smtp");
	else
		return GSASL_NO_CALLBACK;
	return GSASL_OK;
}

static bool
begin(struct sasl_exchange *x)
{
	struct sasl_house *h = x->house;
	char *name = str_z(&x->mem, auth_mech_name(x->mech));

	if (h->gs == NULL) {
		h->gs = calloc(1, sizeof *h->gs);
		if (h->gs == NULL || gsasl_init(&h->gs->ctx) != GSASL_OK) {
			free(h->gs);
			h->gs = NULL;
			return false;
		}
		gsasl_callback_set(h->gs->ctx, callback);
	}
	x->gs = calloc(1, sizeof *x->gs);
	if (x->gs == NULL || name == NULL ||
	    gsasl_server_start(h->gs->ctx, name, &x->gs->s) != GSASL_OK)
		return false;
	gsasl_session_hook_set(x->gs->s, x);
	return true;
}

/* DIGEST-MD5: "auth-int" and "auth-conf" would be layers; GNU SASL refuses what was not offered,
 * and the user is only then taken. */
static enum sasl
finish(struct sasl_exchange *x)
{
	const char *authzid = gsasl_property_fast(x->gs->s, GSASL_AUTHZID);

	x->authzid = authzid != NULL ? str_dup(&x->mem, str_of(authzid)) : (struct str){};
	return exchange_admit(x, x->store_said, x->v.identity);
}

static enum sasl
verdict(struct sasl_exchange *x, int rc)
{
	if (x->state == 1)
		return SASL_BLOCKED;
	if (x->store_said == CRED_UNAVAILABLE && x->claimed.n > 0)
		return SASL_LATER;
	if (rc == GSASL_OK)
		return finish(x);
	return rc == GSASL_MECHANISM_PARSE_ERROR ? SASL_MALFORMED : SASL_BAD;
}

/* Both mechanisms are spoken by the server first, and neither takes an initial response. */
SASL_STEP(sasl_gs_step)
{
	char *answer = NULL;
	size_t n = 0;
	int rc;

	if (x->gs == NULL) {
		if (in.p != NULL)
			return SASL_MALFORMED;
		if (!begin(x))
			return SASL_LATER;
	} else if (in.p == NULL || memchr(in.p, '\0', in.n) != NULL) {
		return SASL_MALFORMED;
	}
	rc = gsasl_step(x->gs->s, in.p, in.n, &answer, &n);
	if (answer != NULL && n > 0 && !x->doomed)
		(void)buf_put(out, str_from(answer, n));
	gsasl_free(answer);
	if (rc == GSASL_NEEDS_MORE && x->state != 1)
		return x->doomed ? SASL_BAD : SASL_MORE;
	return verdict(x, rc);
}

void
sasl_gs_end(struct sasl_exchange *x)
{
	if (x->gs == NULL)
		return;
	if (x->gs->s != NULL)
		gsasl_finish(x->gs->s);
	free(x->gs);
	x->gs = NULL;
}

void
gs_free(struct gs *g)
{
	if (g == NULL)
		return;
	gsasl_done(g->ctx);
	free(g);
}

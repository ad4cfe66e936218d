/* SPDX-License-Identifier: ISC */
/*
 * backend_krb: the server of GSSAPI (RFC 4752) by GNU SASL and MIT Kerberos.
 *
 * Only "no security layer" is offered.  A child holds few exchanges at a time; the oldest is
 * dropped for a new one.
 */
#include "sasl/nurse.h"

#include <gsasl.h>
#include <stdlib.h>

enum { EXCHANGES = 64 };

static struct krb {
	uint64_t exchange, used;
	Gsasl_session *s;
	char name[512], authzid[512];
} table[EXCHANGES];

static Gsasl *context;
static const struct config *conf;

static void
keep(char to[512], const char *from)
{
	size_t n = from != NULL ? strlen(from) : 0;

	memset(to, 0, 512);
	if (n < 512 && n > 0)
		memcpy(to, from, n);
}

static int
callback(Gsasl *ctx, Gsasl_session *s, Gsasl_property prop)
{
	struct krb *k = gsasl_session_hook_get(s);
	char host[300] = {};

	(void)ctx;
	switch ((int)prop) {
	case GSASL_SERVICE:
		(void)gsasl_property_set(s, prop, "smtp");
		return GSASL_OK;
	case GSASL_HOSTNAME:
		if (conf->hostname.n >= sizeof host)
			return GSASL_NO_HOSTNAME;
		memcpy(host, conf->hostname.p, conf->hostname.n);
		(void)gsasl_property_set(s, prop, host);
		return GSASL_OK;
	case GSASL_VALIDATE_GSSAPI:
		keep(k->name, gsasl_property_fast(s, GSASL_GSSAPI_DISPLAY_NAME));
		keep(k->authzid, gsasl_property_fast(s, GSASL_AUTHZID));
		return k->name[0] != '\0' ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static bool
open_context(const struct config *cfg)
{
	char tab[1100] = "FILE:";

	if (context != NULL)
		return true;
	conf = cfg;
	if (cfg->auth.keytab.n == 0 || cfg->auth.keytab.n + 6 > sizeof tab)
		return false;
	memcpy(tab + 5, cfg->auth.keytab.p, cfg->auth.keytab.n);
	/* The channel is TLS, so a replayed ticket cannot be had; and we write no file. */
	if (setenv("KRB5_KTNAME", tab, 1) != 0 || setenv("KRB5RCACHENAME", "none:", 1) != 0 ||
	    gsasl_init(&context) != GSASL_OK)
		return false;
	gsasl_callback_set(context, callback);
	return true;
}

static void
drop(struct krb *k)
{
	if (k->s != NULL)
		gsasl_finish(k->s);
	*k = (struct krb){};
}

static struct krb *
find(uint64_t exchange, bool first)
{
	static uint64_t clock;
	struct krb *oldest = &table[0];

	for (size_t i = 0; i < EXCHANGES; i++) {
		if (table[i].s != NULL && table[i].exchange == exchange && !first) {
			table[i].used = ++clock;
			return &table[i];
		}
		if (table[i].used < oldest->used)
			oldest = &table[i];
	}
	if (!first)
		return NULL;
	drop(oldest);
	if (gsasl_server_start(context, "GSSAPI", &oldest->s) != GSASL_OK) {
		oldest->s = NULL;
		return NULL;
	}
	oldest->exchange = exchange;
	oldest->used = ++clock;
	gsasl_session_hook_set(oldest->s, oldest);
	return oldest;
}

static enum sasl
meaning(int rc)
{
	switch (rc) {
	case GSASL_OK:
		return SASL_OK;
	case GSASL_NEEDS_MORE:
		return SASL_MORE;
	case GSASL_GSSAPI_ACQUIRE_CRED_ERROR:		/* our own key */
	case GSASL_MALLOC_ERROR:
		return SASL_LATER;
	default:
		return SASL_BAD;
	}
}

enum sasl
backend_krb(const struct config *cfg, uint64_t exchange, bool first, struct str in,
    struct buf *reply, struct buf *name, struct buf *authzid)
{
	struct krb *k = open_context(cfg) ? find(exchange, first) : NULL;
	enum sasl answer;
	char *out = NULL;
	size_t n = 0;

	if (k == NULL)
		return SASL_LATER;
	answer = meaning(gsasl_step(k->s, in.p, in.n, &out, &n));
	if (out != NULL && n > 0)
		(void)buf_put(reply, str_from(out, n));
	gsasl_free(out);
	if (answer == SASL_OK) {
		(void)buf_put(name, str_of(k->name));
		(void)buf_put(authzid, str_of(k->authzid));
	}
	if (answer != SASL_MORE)
		drop(k);
	return answer;
}

void
backend_krb_end(uint64_t exchange)
{
	for (size_t i = 0; i < EXCHANGES; i++)
		if (table[i].s != NULL && table[i].exchange == exchange)
			drop(&table[i]);
}

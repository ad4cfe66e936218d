/* SPDX-License-Identifier: ISC */
/*
 * names: spelling of users, and which mechanisms a listener has.  Pure.  See sasl.h.
 */
#include "sasl/sasl.h"
#include "base/utf8.h"

/* What a store that only answers "is it that password" can serve. */
enum {
	WITH_PASSWORD = MECH_BIT(MECH_PLAIN) | MECH_BIT(MECH_LOGIN),
	WITHOUT_STORE = MECH_BIT(MECH_EXTERNAL) | MECH_BIT(MECH_GSSAPI) |
	    MECH_BIT(MECH_OAUTHBEARER) | MECH_BIT(MECH_XOAUTH2),
};

static unsigned
possible(const struct config *cfg)
{
	unsigned can = WITHOUT_STORE;

	for (size_t i = 0; i < cfg->ndomain; i++)
		switch (cfg->domain[i].passwords) {
		case PW_DEFAULT:
		case PW_NONE:
			break;
		case PW_FILE:
		case PW_SQLITE:
		case PW_POSTGRESQL:
			can = ~0u;
			break;
		case PW_DOVECOT:
		case PW_PAM:
		case PW_LDAP:
			can |= WITH_PASSWORD;
			break;
		}
	if (cfg->auth.keytab.n == 0)
		can &= ~MECH_BIT(MECH_GSSAPI);
	return can;
}

unsigned
sasl_offered(const struct config *cfg, const struct listener *l)
{
	if (l->auth == LAUTH_OFF)
		return 0;
	if (l->kind == L_MX)			/* the test profile's, nowhere else */
		return cfg->test.on && cfg->test.auth_on_mx ? WITH_PASSWORD : 0;
	return cfg->auth.offered & possible(cfg);
}

bool
sasl_name(const struct config *cfg, struct str user, struct arena *a, struct str *local,
    const struct domain **domain)
{
	ssize_t at = str_rchr(user, '@');
	struct str name = at < 0 ? user : str_sub(user, 0, (size_t)at);

	if (user.n > SASL_USER_MAX || name.n == 0 || !utf8_valid(user))
		return false;
	for (size_t i = 0; i < user.n; i++)
		if ((unsigned char)user.p[i] <= ' ' || user.p[i] == 0x7f)
			return false;
	*domain = at >= 0 ? config_domain(cfg, str_skip(user, (size_t)at + 1)) :
	    cfg->ndomain > 0 ? &cfg->domain[0] : NULL;
	*local = str_lower(a, name);
	return *domain != NULL && local->p != NULL;
}

struct str
sasl_identity_of(struct str local, const struct domain *d, struct arena *a)
{
	return str_cat(a, local, STR("@"), d->name);
}

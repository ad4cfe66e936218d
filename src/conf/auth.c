/* SPDX-License-Identifier: ISC */
/*
 * auth: names of mechanisms, and the statements `auth` and `passwords`.
 *
 * See conf/auth.h.  Mistakes are reported, reading goes on.
 */
#include "conf/auth.h"

#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

static const struct str names[MECH_COUNT] = {
	[MECH_SCRAM_SHA_256_PLUS] = STR_INIT("SCRAM-SHA-256-PLUS"),
	[MECH_SCRAM_SHA_256] = STR_INIT("SCRAM-SHA-256"),
	[MECH_SCRAM_SHA_1_PLUS] = STR_INIT("SCRAM-SHA-1-PLUS"),
	[MECH_SCRAM_SHA_1] = STR_INIT("SCRAM-SHA-1"),
	[MECH_EXTERNAL] = STR_INIT("EXTERNAL"),
	[MECH_GSSAPI] = STR_INIT("GSSAPI"),
	[MECH_OAUTHBEARER] = STR_INIT("OAUTHBEARER"),
	[MECH_XOAUTH2] = STR_INIT("XOAUTH2"),
	[MECH_PLAIN] = STR_INIT("PLAIN"),
	[MECH_LOGIN] = STR_INIT("LOGIN"),
	[MECH_DIGEST_MD5] = STR_INIT("DIGEST-MD5"),
	[MECH_CRAM_MD5] = STR_INIT("CRAM-MD5"),
};

struct str
auth_mech_name(enum auth_mech m)
{
	return names[m];
}

bool
auth_mech_find(struct str name, enum auth_mech *out)
{
	for (unsigned i = 0; i < MECH_COUNT; i++)
		if (str_ieq(names[i], name)) {
			*out = (enum auth_mech)i;
			return true;
		}
	return false;
}

static void
take_mechanisms(struct reader *r, const struct node *n, unsigned *set)
{
	*set = 0;
	for (size_t i = 2; i < n->nword; i++) {
		struct suggestion s = { .word = n->word[i].s };
		enum auth_mech m;
		char text[128];

		if (auth_mech_find(s.word, &m)) {
			*set |= MECH_BIT(m);
			continue;
		}
		for (unsigned k = 0; k < MECH_COUNT; k++)
			suggest_try(&s, names[k]);
		if (str_istarts(s.word, STR("KERBEROS")))
			read_error(r, &n->word[i], "KERBEROS_V4 is dead: use GSSAPI");
		else
			read_error(r, &n->word[i], "'" STR_F "' is no mechanism we have%s",
			    (int)MIN(s.word.n, (size_t)40), s.word.p, suggest_text(&s, text));
	}
	if (n->nword < 3)
		read_error(r, &n->word[0], "write: auth " STR_F " MECHANISM ...",
		    STR_A(n->word[1].s));
	read_origin(r, set, n->word[0].line);
}

static void
take_oauth(struct reader *r, const struct node *n, struct oauth_conf *o)
{
	*o = (struct oauth_conf){ .claim = STR("email") };
	for (size_t i = 2; i + 1 < n->nword; i += 2) {
		struct str word = n->word[i].s, value = n->word[i + 1].s;

		if (str_eq(word, STR("issuer")))
			o->issuer = value;
		else if (str_eq(word, STR("audience")))
			o->audience = value;
		else if (str_eq(word, STR("claim")))
			o->claim = value;
		else if (str_eq(word, STR("keys")))
			(void)read_ok(r, &n->word[i + 1], value_path(value, r->dir, r->a,
			    &o->keys_file));
		else
			(void)read_ok(r, &n->word[i], "is none of issuer, audience, keys, claim");
	}
	if (n->nword % 2 != 0 || o->issuer.n == 0 || o->audience.n == 0 || o->keys_file.n == 0)
		read_error(r, &n->word[0],
		    "write: auth oauth issuer URL audience NAME keys FILE [claim NAME]");
	read_origin(r, o, n->word[0].line);
}

static void
take_parameter(struct reader *r, const struct node *n, struct nets *out)
{
	if (n->nword < 4 || !str_eq(n->word[2].s, STR("from")))
		read_error(r, &n->word[0], "write: auth parameter from NETWORK ...");
	for (size_t i = 3; i < n->nword; i++) {
		struct net net, *to;

		if (!read_ok(r, &n->word[i], value_net(n->word[i].s, &net)))
			continue;
		to = read_push(r, (void **)&out->net, &out->n, sizeof net);
		if (to != NULL)
			*to = net;
	}
	read_origin(r, out, n->word[0].line);
}

void
take_auth(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct str what = n->nword > 1 ? n->word[1].s : STR("");

	if (str_eq(what, STR("mechanisms"))) {
		take_mechanisms(r, n, &cfg->auth.offered);
	} else if (str_eq(what, STR("trusted"))) {
		take_mechanisms(r, n, &cfg->auth.trusted);
	} else if (str_eq(what, STR("oauth"))) {
		take_oauth(r, n, &cfg->auth.oauth);
	} else if (str_eq(what, STR("parameter"))) {
		take_parameter(r, n, &cfg->auth.parameter_from);
	} else if (str_eq(what, STR("keytab")) && n->nword == 3) {
		(void)read_ok(r, &n->word[2],
		    value_path(n->word[2].s, r->dir, r->a, &cfg->auth.keytab));
		read_origin(r, &cfg->auth.keytab, n->word[0].line);
	} else {
		read_error(r, &n->word[0], "write: auth mechanisms, auth trusted, auth keytab, "
		    "auth oauth, or auth parameter");
	}
}

void
take_passwords(struct reader *r, const struct node *n, void *base)
{
	static const struct { const char *word; enum passwords_kind kind; } kinds[] = {
		{ "file", PW_FILE }, { "dovecot", PW_DOVECOT }, { "pam", PW_PAM },
		{ "sqlite", PW_SQLITE }, { "postgresql", PW_POSTGRESQL }, { "ldap", PW_LDAP },
	};
	struct domain *d = base;

	read_origin(r, &d->passwords, n->word[0].line);
	if (n->nword == 2 && str_eq(n->word[1].s, STR("none"))) {
		d->passwords = PW_NONE;
		return;
	}
	for (size_t i = 0; i < COUNT(kinds) && n->nword == 3; i++) {
		if (!str_eq(n->word[1].s, str_of(kinds[i].word)))
			continue;
		d->passwords = kinds[i].kind;
		if (d->passwords == PW_PAM)
			d->passwords_at = n->word[2].s;
		else
			(void)read_ok(r, &n->word[2],
			    value_path(n->word[2].s, r->dir, r->a, &d->passwords_at));
		return;
	}
	read_error(r, &n->word[0], "write: passwords file FILE, dovecot SOCKET, pam SERVICE, "
	    "sqlite FILE, postgresql FILE, ldap FILE, or none");
}

/* What follows from several statements. */
void
check_auth(struct reader *r)
{
	struct config *cfg = r->cfg;
	struct auth_conf *a = &cfg->auth;

	if (a->offered == 0)
		a->offered = MECH_BIT(MECH_SCRAM_SHA_256_PLUS) | MECH_BIT(MECH_SCRAM_SHA_256) |
		    MECH_BIT(MECH_PLAIN);
	if (a->trusted == 0)
		a->trusted = a->offered;
	if (a->offered & MECH_BIT(MECH_GSSAPI) && a->keytab.n == 0)
		conf_error_add(r->errs, 0, 0, "GSSAPI needs a key: auth keytab FILE");
	if (a->offered & (MECH_BIT(MECH_OAUTHBEARER) | MECH_BIT(MECH_XOAUTH2)) &&
	    a->oauth.keys_file.n == 0)
		conf_error_add(r->errs, 0, 0, "OAuth needs keys: auth oauth issuer URL ...");
	for (size_t i = 0; i < cfg->nlistener; i++) {
		struct listener *l = &cfg->listener[i];

		if (l->auth == LAUTH_DEFAULT)
			l->auth = l->kind == L_SUBMISSION ? LAUTH_REQUIRED : LAUTH_OFF;
		if (l->kind == L_MX && cfg->test.on && cfg->test.auth_on_mx)
			l->auth = LAUTH_OFFERED;
		else if (l->auth != LAUTH_OFF && l->kind != L_SUBMISSION)
			conf_error_add(r->errs, l->line, 1,
			    "AUTH is for submission listeners: listen submission " STR_F ":587",
			    STR_A(ip_format(l->ip, (char[IP_TEXT_MAX]){})));
	}
	for (size_t i = 0; i < cfg->ndomain; i++) {
		struct domain *d = &cfg->domain[i];

		if (d->passwords == PW_DEFAULT) {
			d->passwords = d->users == USERS_FILE ? PW_FILE : PW_NONE;
			d->passwords_at = d->users_file;
		}
	}
}

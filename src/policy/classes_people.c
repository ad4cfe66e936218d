/* SPDX-License-Identifier: ISC */
/*
 * classes_people: logins, POP logins, users of this host, certificates.
 *
 * Everybody whom a configuration names, and one of each kind whom none does.
 */
#include "policy/classes.h"

#include "base/num.h"
#include "conf/config.h"

#define FRESH_USER "proof-user"
enum { FRESH_UID = 54'321 };

/* Atoms are large: one at a time on the stack. */
static __attribute__((noinline)) void
add_login(struct classes *c, enum field field, struct str name, bool trusted)
{
	classes_add(c, field, (struct atom){ .name = name, .trusted = trusted });
}

static __attribute__((noinline)) void
add_uid(struct classes *c, uint32_t uid, struct str name)
{
	classes_add(c, FIELD_UID, (struct atom){ .local = true, .uid = uid, .name = name });
}

/* Without a line for them POP logins are never facts. */
static bool
pop_counts(const struct classes *c)
{
	for (size_t i = 0; i < c->npolicy; i++)
		for (size_t k = 0; k < c->policy[i]->cfg->ngrant; k++)
			if (c->policy[i]->cfg->grant[k].kind == GRANT_POP)
				return true;
	return false;
}

static void
add_uids(struct classes *c, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].kind == GRANT_LOCAL_UID && !cfg->grant[i].uid_any)
			add_uid(c, cfg->grant[i].uid, (struct str){});
}

static void
add_named(struct classes *c, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->nmay_send; i++) {
		struct str who = cfg->may_send[i].who;
		uint32_t uid;

		if (str_istarts(who, STR("members:")))
			continue;
		if (!str_istarts(who, STR("uid:"))) {
			add_login(c, FIELD_AUTH, who, true);
			if (pop_counts(c))
				add_login(c, FIELD_POP, who, false);
			continue;
		}
		who = str_skip(who, 4);
		if (num_parse_u32(who, &uid))
			add_uid(c, uid, (struct str){});
		else
			add_uid(c, FRESH_UID, who);
	}
}

/* ---- certificates ---- */

static struct tls_peer *
peer_new(struct classes *c, struct str issuer, struct str subject)
{
	struct tls_peer *p = arena_zalloc(&c->a, sizeof *p);

	if (!p) {
		c->failed = true;
		return NULL;
	}
	p->issuer_text = issuer;
	p->subject_text = subject;
	(void)dn_parse(issuer, &c->a, &p->issuer);
	(void)dn_parse(subject, &c->a, &p->subject);
	return p;
}

static void
add_cert(struct classes *c, struct str pin, enum tls_verify verify, const struct tls_peer *peer,
    bool entitles)
{
	struct atom a = { .name = pin, .verify = verify, .peer = peer };

	for (size_t i = 0; i < c->npolicy; i++)
		a.of[i].entitles = entitles;
	classes_add(c, FIELD_CERT, a);
}

static void
add_grant_cert(struct classes *c, const struct grant *g)
{
	struct tls_peer *p = peer_new(c, STR("/CN=ca.invalid"), STR("/CN=client.invalid"));

	if (!p || g->kind != GRANT_CERTIFICATE)
		return;
	if (g->pin.n > 0) {
		add_cert(c, g->pin, TV_FAIL, p, true);
		return;
	}
	p->dns = arena_zalloc(&c->a, sizeof *p->dns);
	if (!p->dns)
		return;
	p->dns[0] = g->san;
	p->ndns = 1;
	add_cert(c, STR("00"), TV_OK, p, true);
	add_cert(c, (struct str){}, TV_FAIL, p, false);
}

/* Issuers of the access map; the first that leaves it to the subject, with each subject: what a
 * subject's line says does not depend on which issuer asked for it. */
static void
add_map_certs(struct classes *c, const struct access_map *m)
{
	struct access_entry issuer, subject;
	uint64_t at = 0;
	bool paired = false;

	while (access_next(m, &at, &issuer)) {
		uint64_t other = 0;

		if (issuer.tag != ACC_CERT_ISSUER || issuer.form != 's')
			continue;
		add_cert(c, STR("00"), TV_OK, peer_new(c, issuer.name, STR("/CN=proof-fresh")),
		    issuer.hit.act == ACC_RELAY);
		add_cert(c, (struct str){}, TV_FAIL,
		    peer_new(c, issuer.name, STR("/CN=proof-fresh")), false);
		if (issuer.hit.act != ACC_SUBJECT || paired)
			continue;
		paired = true;
		while (access_next(m, &other, &subject)) {
			if (subject.tag == ACC_CERT_SUBJECT && subject.form == 's')
				add_cert(c, STR("00"), TV_OK, peer_new(c, issuer.name,
				    subject.name), subject.hit.act == ACC_RELAY);
		}
	}
}

static void
add_certs(struct classes *c)
{
	struct tls_peer *stranger = peer_new(c, STR("/CN=proof-issuer"), STR("/CN=proof-fresh"));

	add_cert(c, (struct str){}, TV_NOT, NULL, false);
	add_cert(c, (struct str){}, TV_FAIL, stranger, false);
	add_cert(c, STR("00"), TV_OK, stranger, false);
	for (size_t i = 0; i < c->npolicy; i++) {
		const struct config *cfg = c->policy[i]->cfg;

		for (size_t k = 0; k < cfg->ngrant; k++)
			add_grant_cert(c, &cfg->grant[k]);
		add_map_certs(c, &c->policy[i]->access);
	}
}

void
classes_people(struct classes *c)
{
	add_login(c, FIELD_AUTH, (struct str){}, false);
	add_login(c, FIELD_AUTH, STR(FRESH_USER), true);
	add_login(c, FIELD_AUTH, STR(FRESH_USER), false);
	add_login(c, FIELD_POP, (struct str){}, false);
	if (pop_counts(c))
		add_login(c, FIELD_POP, STR(FRESH_USER), false);
	add_uid(c, FRESH_UID, (struct str){});
	add_uid(c, 0, (struct str){});
	for (size_t i = 0; i < c->npolicy; i++) {
		add_uids(c, c->policy[i]->cfg);
		add_named(c, c->policy[i]->cfg);
	}
	add_certs(c);
}

/* SPDX-License-Identifier: ISC */
/*
 * grants: does one of the seven cover this client?  See grants.h.
 *
 * A local socket covers its peer without a line in the file: the listener itself is the grant,
 * and its file permissions say who.  `relay from local-uid` lines narrow it to those uids.
 */
#include "policy/grants.h"

#include "base/num.h"
#include "policy/binding.h"
#include "policy/rules.h"

/* The null sender of somebody bound is decided by the message itself; where a line names senders it
 * is none of them. */
static bool
sender_fits(const struct policy *p, const struct grant_hit *g, const struct path *sender)
{
	const struct grant *line = g->line_of;

	if (!sender)
		return false;
	if (sender->null)
		return !line || line->nsending_as == 0 || line->kind == GRANT_AUTHENTICATED ||
		    line->kind == GRANT_POP || line->kind == GRANT_LOCAL_UID;
	return binding_narrow(p, g, sender->local, sender->domain);
}

static bool
host_fits(struct str want, struct str host)
{
	if (host.n == 0 || want.n == 0)
		return false;
	if (want.p[0] == '.')
		return domain_under(host, str_sub(want, 1, want.n - 1)) &&
		       !domain_eq(host, str_sub(want, 1, want.n - 1));
	return domain_eq(want, host);
}

/* A private CA vouches for exactly that name. */
static bool
san_fits(const struct grant *g, const struct facts *f)
{
	if (g->san.n == 0 || f->verify != TV_OK || !f->peer || !str_eq(f->client_ca, g->ca_file))
		return false;
	for (size_t i = 0; i < f->peer->ndns; i++)
		if (domain_eq(f->peer->dns[i], g->san))
			return true;
	return false;
}

bool
grant_covers(const struct grant *g, const struct facts *f)
{
	const struct identity *id = &f->id;

	switch (g->kind) {
	case GRANT_AUTHENTICATED:
		return id->user.n > 0 && id->trusted;
	case GRANT_LOCAL_UID:
		return id->local && (g->uid_any || id->uid == g->uid);
	case GRANT_HOSTNAME:
		return host_fits(g->domain, id->host);
	case GRANT_NETWORK:
		return f->have_ip && !f->suspended && net_has(g->net, f->ip) &&
		    (g->test || !rule_ourselves(f));
	case GRANT_CERTIFICATE:
		return g->pin.n > 0 ? str_eq(id->cert, g->pin) : san_fits(g, f);
	case GRANT_POP:
		return id->pop_user.n > 0;
	case GRANT_DESTINATION:
		return false;
	}
	return false;
}

static bool
has_local_lines(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].kind == GRANT_LOCAL_UID)
			return true;
	return false;
}

/* RELAY lines: by address, by a name verified both ways, by a verified certificate. */
static struct grant_hit
access_source(const struct policy *p, const struct facts *f)
{
	struct access_hit hit = {};
	bool by_name = false;

	if (f->listener != L_MX || p->access.file.n == 0)
		return (struct grant_hit){};
	if (f->have_ip && !f->suspended && !rule_ourselves(f))
		hit = access_relay_client(&p->access, f->ip, f->id.host, &by_name);
	if (hit.act == ACC_RELAY)
		return (struct grant_hit){ true, by_name ? GRANT_HOSTNAME : GRANT_NETWORK,
		    p->access.file, hit.line, NULL };
	if (f->verify == TV_OK && f->peer)
		hit = access_cert(&p->access, f->peer->issuer_text, f->peer->subject_text);
	if (hit.act == ACC_RELAY)
		return (struct grant_hit){ true, GRANT_CERTIFICATE, p->access.file, hit.line,
		    NULL };
	return (struct grant_hit){};
}

struct grant_hit
grants_source(const struct policy *p, const struct facts *f, bool narrow)
{
	const struct config *cfg = p->cfg;

	/* The LMTP listener takes final deliveries only, from anybody. */
	if (f->listener == L_LMTP)
		return (struct grant_hit){};
	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];
		struct grant_hit hit = { true, g->kind, g->name, 0, g };

		/* A login is for submission; mx is for other servers. */
		if (g->kind == GRANT_AUTHENTICATED && f->listener == L_MX &&
		    !cfg->test.auth_on_mx)
			continue;
		if (grant_covers(g, f) && (!narrow || sender_fits(p, &hit, f->sender)))
			return hit;
	}
	if (f->id.local && f->listener == L_LOCAL && !has_local_lines(cfg))
		return (struct grant_hit){ true, GRANT_LOCAL_UID, STR("local socket"), 0, NULL };
	return access_source(p, f);
}

struct grant_hit
grants_destination(const struct policy *p, const struct path *rcpt)
{
	const struct config *cfg = p->cfg;
	struct access_hit hit;

	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];

		if (g->kind == GRANT_DESTINATION && host_fits(g->domain, rcpt->domain))
			return (struct grant_hit){ true, g->kind, g->name, 0, g };
	}
	hit = access_relay_to(&p->access, rcpt);
	if (hit.act == ACC_RELAY)
		return (struct grant_hit){ true, GRANT_DESTINATION, p->access.file, hit.line,
		    NULL };
	return (struct grant_hit){};
}

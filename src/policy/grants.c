/* SPDX-License-Identifier: ISC */
/*
 * grants: does one of the seven cover this client?  See grants.h.
 *
 * A local socket covers its peer without a line in the file: the listener itself is the grant,
 * and its file permissions say who.  `relay from local-uid` lines narrow it to those uids.
 */
#include "policy/grants.h"

#include "base/num.h"

static bool
sender_fits(const struct grant *g, const struct path *sender)
{
	if (g->nsending_as == 0)
		return true;
	if (!sender || sender->null)
		return false;
	for (size_t i = 0; i < g->nsending_as; i++) {
		struct str want = g->sending_as[i], local, domain;

		if (addr_split(want, &local, &domain)) {
			if (str_ieq(local, sender->local) && domain_eq(domain, sender->domain))
				return true;
		} else if (domain_eq(want, sender->domain)) {
			return true;
		}
	}
	return false;
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

static bool
covers(const struct grant *g, const struct facts *f)
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
		return f->have_ip && net_has(g->net, f->ip);
	case GRANT_CERTIFICATE:
		return id->cert.n > 0 && str_eq(id->cert, g->pin);
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

struct grant_hit
grants_source(const struct config *cfg, const struct facts *f, bool narrow)
{
	/* The LMTP listener takes final deliveries only, from anybody. */
	if (f->listener == L_LMTP)
		return (struct grant_hit){};
	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];

		if (covers(g, f) && (!narrow || sender_fits(g, f->sender)))
			return (struct grant_hit){ true, g->kind, g->name };
	}
	if (f->id.local && f->listener == L_LOCAL && !has_local_lines(cfg))
		return (struct grant_hit){ true, GRANT_LOCAL_UID, STR("local socket") };
	return (struct grant_hit){};
}

struct grant_hit
grants_destination(const struct config *cfg, struct str domain)
{
	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];

		if (g->kind == GRANT_DESTINATION && host_fits(g->domain, domain))
			return (struct grant_hit){ true, g->kind, g->name };
	}
	return (struct grant_hit){};
}

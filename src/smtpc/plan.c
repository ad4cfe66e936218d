/* SPDX-License-Identifier: ISC */
/*
 * plan: see plan.h.  First the list of hosts (MX records, the domain itself, or what the table
 * says), then all their addresses as one request, then the checks against ourselves, then the
 * order.
 */
#include "smtpc/plan.h"

#include "base/ascii.h"
#include "base/num.h"
#include "mail/path.h"

enum { SMTP_PORT = 25 };

struct host {
	struct str name;
	uint16_t pref;
	bool secure;
	uint64_t shuffle;
};

struct making {
	const struct plan_ask *ask;
	struct arena *a;
	struct plan *p;
	struct host host[PLAN_HOSTS_MAX];
	size_t nhost;
	uint16_t port;
	uint32_t self_pref;		/* hosts from here on are we, or behind us */
	bool temp;			/* some answer is missing */
};

static bool
fail(struct plan *p, struct trouble t)
{
	p->trouble = t;
	p->n = 0;
	return false;
}

static bool
fail_dns(struct making *m, struct str name)
{
	struct trouble t = TROUBLE_TEMP(CLASS_DNS, "4.4.3", "");

	t.text = str_cat(m->a, STR("DNS did not answer for "), name);
	return fail(m->p, t);
}

/* Addresses that belong to no other host: nothing is ever sent there by DNS's word. */
static bool
ip_is_nobody(struct ip ip)
{
	if (ip_is_any(ip))
		return true;
	if (ip.v6)
		return ip.b[0] == 0xff || (ip.b[0] == 0xfe && (ip.b[1] & 0xc0) == 0x80);
	return ip.b[0] == 0 || ip.b[0] >= 224;		/* "this net", multicast, reserved */
}

static bool
is_self(const struct self *self, struct ip ip)
{
	if (ip_is_loopback(ip))
		return true;
	for (size_t i = 0; i < self->nip; i++)
		if (ip_eq(self->ip[i], ip))
			return true;
	return false;
}

/* AAAA ::ffff:192.0.2.1 is the IPv4 host: as such it must meet the checks. */
static struct ip
ip_plain(struct ip ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip v4 = {};

	if (!ip.v6 || memcmp(ip.b, mapped, sizeof mapped) != 0)
		return ip;
	memcpy(v4.b, ip.b + 12, 4);
	return v4;
}

static struct target *
target_add(struct making *m, const struct host *h, struct ip ip)
{
	if (m->p->n == PLAN_TARGETS_MAX)
		return NULL;
	struct target *t = &m->p->target[m->p->n++];
	*t = (struct target){ .host = h->name, .ip = ip, .port = m->port, .pref = h->pref };
	return t;
}

/* One host's addresses, the families in turn, so that a dead family costs every other try only. */
static void
targets_of(struct making *m, const struct host *h, const struct dns_answer *v6,
    const struct dns_answer *v4)
{
	const struct dns_answer *from[2] = { v6, v4 };
	size_t at[2] = { 0, 0 };
	unsigned turn = m->ask->self->v6 ? 0 : 1;
	size_t off[2];

	for (unsigned i = 0; i < 2; i++)
		off[i] = from[i]->nrr > 1 ? m->ask->random(m->ask->ctx, from[i]->nrr) : 0;
	for (size_t n = 0; n < PLAN_PER_HOST_MAX; n++, turn ^= 1) {
		if (at[turn] == from[turn]->nrr)
			turn ^= 1;
		if (at[turn] == from[turn]->nrr)
			return;
		const struct dns_answer *ans = from[turn];
		struct ip ip = ip_plain(ans->rr[(at[turn]++ + off[turn]) % ans->nrr].ip);

		if (!m->p->routed && is_self(m->ask->self, ip)) {
			m->self_pref = MIN(m->self_pref, (uint32_t)h->pref);
			continue;
		}
		if (ip_is_nobody(ip))
			continue;
		struct target *t = target_add(m, h, ip);
		if (!t)
			return;
		t->secure = h->secure && ans->secure;
	}
}

/* RFC 5321 5.1: of the list, what is not better than ourselves is of no use to us. */
static void
drop_self_and_worse(struct making *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->p->n; i++)
		if (m->p->target[i].pref < m->self_pref)
			m->p->target[n++] = m->p->target[i];
	m->p->n = n;
}

static bool
addresses(struct making *m)
{
	struct dns_question *q = arena_zalloc(m->a, 2 * m->nhost * sizeof *q + 1);

	m->p->target = arena_alloc(m->a, PLAN_TARGETS_MAX * sizeof *m->p->target);
	if (!q || !m->p->target)
		return fail(m->p, TROUBLE_TEMP(CLASS_OWN, "4.3.0", "out of memory"));
	for (size_t i = 0; i < m->nhost; i++) {
		q[2 * i] = (struct dns_question){ .name = m->host[i].name, .type = DNS_AAAA };
		q[2 * i + 1] = (struct dns_question){ .name = m->host[i].name, .type = DNS_A };
	}
	dns_ask_many(m->ask->dns, q, 2 * m->nhost, m->ask->deadline, m->a);
	for (size_t i = 0; i < m->nhost; i++) {
		const struct dns_answer *v6 = &q[2 * i].answer, *v4 = &q[2 * i + 1].answer;

		m->temp = m->temp || v6->res >= DNS_TEMP || v4->res >= DNS_TEMP;
		targets_of(m, &m->host[i], v6, v4);
	}
	if (!m->p->routed)
		drop_self_and_worse(m);
	if (m->p->n)
		return true;
	if (m->self_pref <= UINT16_MAX)
		return fail(m->p, TROUBLE_PERM(CLASS_POLICY, "5.4.6",
		    "mail for it loops back to us"));
	if (m->temp)
		return fail_dns(m, m->host[0].name);
	return fail(m->p, TROUBLE_PERM(CLASS_DNS, "5.4.4", "none of its servers has an address"));
}

static void
hosts_sort(struct making *m)
{
	for (size_t i = 1; i < m->nhost; i++) {			/* few, and often in order */
		struct host h = m->host[i];
		size_t k = i;

		for (; k > 0 && (m->host[k - 1].pref > h.pref || (m->host[k - 1].pref == h.pref &&
		    m->host[k - 1].shuffle > h.shuffle)); k--)
			m->host[k] = m->host[k - 1];
		m->host[k] = h;
	}
}

/* One more exchanger; past the cap it must be better than the worst there is. */
static void
host_add(struct making *m, struct host h)
{
	struct host *worst = NULL;

	for (size_t i = 0; i < m->nhost; i++) {
		if (str_ieq(m->host[i].name, h.name)) {
			if (h.pref < m->host[i].pref)
				m->host[i].pref = h.pref;
			return;
		}
		if (!worst || m->host[i].pref > worst->pref)
			worst = &m->host[i];
	}
	h.shuffle = m->ask->random(m->ask->ctx, UINT32_MAX);
	if (m->nhost < PLAN_HOSTS_MAX)
		m->host[m->nhost++] = h;
	else if (h.pref < worst->pref)
		*worst = h;
}

static bool
of_mx(struct making *m, const struct dns_answer *mx)
{
	bool literal = false;

	/* RFC 7505 3: one record, the root.  Among others it means nothing and is passed over. */
	if (mx->nrr == 1 && mx->rr[0].mx.host.n == 0)
		return fail(m->p, TROUBLE_PERM(CLASS_DNS, "5.1.10",
		    "556 5.1.10 its null MX says that the domain takes no mail"));
	for (size_t i = 0; i < mx->nrr; i++) {
		const struct dns_mx *r = &mx->rr[i].mx;
		struct ip ip;

		if (ip_parse(r->host, &ip) || !dns_is_hostname(r->host)) {
			literal = true;		/* RFC 1035 3.3.9: a name; an address is none */
			continue;
		}
		if (str_ieq(r->host, m->ask->self->hostname)) {
			m->self_pref = MIN(m->self_pref, (uint32_t)r->pref);
			continue;
		}
		host_add(m, (struct host){ .name = r->host, .pref = r->pref,
		    .secure = mx->secure });
	}
	hosts_sort(m);
	while (m->nhost && m->host[m->nhost - 1].pref >= m->self_pref)
		m->nhost--;			/* no need to ask for those */
	if (m->nhost)
		return addresses(m);
	if (m->self_pref <= UINT16_MAX)
		return fail(m->p, TROUBLE_PERM(CLASS_POLICY, "5.4.6",
		    "mail for it loops back to us"));
	return fail(m->p, literal ?
	    TROUBLE_PERM(CLASS_DNS, "5.4.4", "its MX records name no host") :
	    TROUBLE_PERM(CLASS_DNS, "5.4.4", "its MX records are of no use"));
}

static bool
of_domain(struct making *m, struct str domain)
{
	struct dns_answer mx;
	enum dns res;

	for (size_t i = 0; i < domain.n; i++)
		if ((unsigned char)domain.p[i] > 0x7f) {	/* RFC 6531 3.2: A-labels for DNS */
			if (!domain_to_ascii(domain, m->a, &domain))
				domain = (struct str){};
			break;
		}
	if (!dns_is_hostname(domain))
		return fail(m->p, TROUBLE_PERM(CLASS_DNS, "5.1.2", "no domain name"));
	res = dns_ask(m->ask->dns, domain, DNS_MX, m->ask->deadline, m->a, &mx);
	switch (res) {
	case DNS_OK:
		return of_mx(m, &mx);
	case DNS_NODATA:			/* RFC 5321 5.1: the implicit MX, at preference 0 */
		m->host[0] = (struct host){ .secure = mx.secure,
		    .name = mx.cname_final.n ? mx.cname_final : domain };
		if (str_ieq(m->host[0].name, m->ask->self->hostname))
			return fail(m->p, TROUBLE_PERM(CLASS_POLICY, "5.4.6",
			    "mail for it loops back to us"));
		m->nhost = 1;
		if (addresses(m))
			return true;
		if (m->p->trouble.class == CLASS_DNS && m->p->trouble.kind == OUT_PERM)
			m->p->trouble = TROUBLE_PERM(CLASS_DNS, "5.1.2",
			    "the domain has no mail server and no address");
		return false;
	case DNS_NXDOMAIN:
		return fail(m->p, TROUBLE_PERM(CLASS_DNS, "5.1.2", "the domain does not exist"));
	case DNS_TEMP:
	case DNS_BOGUS:
		break;
	}
	return fail_dns(m, domain);
}

static bool
of_address(struct making *m, struct ip ip, struct str host)
{
	ip = ip_plain(ip);
	if (!m->p->routed && is_self(m->ask->self, ip))
		return fail(m->p, TROUBLE_PERM(CLASS_POLICY, "5.4.6", "that address is our own"));
	if (ip_is_nobody(ip))
		return fail(m->p, TROUBLE_PERM(CLASS_POLICY, "5.1.2",
		    "that address is of no host"));
	m->p->target = arena_alloc(m->a, sizeof *m->p->target);
	if (!m->p->target)
		return fail(m->p, TROUBLE_TEMP(CLASS_OWN, "4.3.0", "out of memory"));
	return target_add(m, &(struct host){ .name = host }, ip) != NULL;
}

static bool
of_host(struct making *m, struct str host)
{
	struct ip ip;

	if (ip_parse(host, &ip))
		return of_address(m, ip, host);
	if (str_ieq(host, STR("localhost"))) {		/* RFC 6761 6.3: no question */
		(void)ip_parse(STR("127.0.0.1"), &ip);
		return of_address(m, ip, host);
	}
	if (!dns_is_hostname(host))
		return fail(m->p, TROUBLE_PERM(CLASS_DNS, "5.4.4", "no host name"));
	m->host[0] = (struct host){ .name = host };
	m->nhost = 1;
	return addresses(m);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", "[name]", each with or without ":port"; "host:port";
 * "name". */
static bool
split(struct making *m, struct str *host, bool *bracket)
{
	struct str hop = m->ask->nexthop, port = {};
	ssize_t at;
	uint32_t v;

	*bracket = hop.n && hop.p[0] == '[';
	if (*bracket) {
		at = str_chr(hop, ']');
		if (at < 0)
			return false;
		*host = str_sub(hop, 1, (size_t)at - 1);
		if (str_istarts(*host, STR("IPv6:")))
			*host = str_skip(*host, 5);
		hop = str_skip(hop, (size_t)at + 1);
		if (hop.n == 0)
			return true;
		if (hop.p[0] != ':')
			return false;
		port = str_skip(hop, 1);
	} else if ((at = str_rchr(hop, ':')) >= 0) {
		*host = str_sub(hop, 0, (size_t)at);
		port = str_skip(hop, (size_t)at + 1);
	} else {
		*host = hop;
		return true;
	}
	if (!num_parse_u32(port, &v) || v == 0 || v > UINT16_MAX)
		return false;
	m->port = (uint16_t)v;
	m->p->routed = true;
	return true;
}

static bool
of_path(struct making *m, struct str path)
{
	m->p->routed = true;
	m->p->target = arena_zalloc(m->a, sizeof *m->p->target);
	if (!m->p->target)
		return fail(m->p, TROUBLE_TEMP(CLASS_OWN, "4.3.0", "out of memory"));
	m->p->target[0] = (struct target){ .host = path, .path = path };
	m->p->n = 1;
	return true;
}

bool
plan_make(const struct plan_ask *ask, struct arena *a, struct plan *p)
{
	struct making *m = arena_zalloc(a, sizeof *m);
	struct str host;
	struct ip ip;
	bool bracket;

	*p = (struct plan){};
	if (!m)
		return fail(p, TROUBLE_TEMP(CLASS_OWN, "4.3.0", "out of memory"));
	m->ask = ask;
	m->a = a;
	m->p = p;
	m->port = SMTP_PORT;
	m->self_pref = UINT32_MAX;
	if (str_starts(ask->nexthop, STR("/")))
		return of_path(m, ask->nexthop);
	if (!split(m, &host, &bracket))
		return fail(p, TROUBLE_PERM(CLASS_DNS, "5.1.2", "the next hop is malformed"));
	if (bracket && ip_parse(host, &ip))
		return of_address(m, ip, ask->nexthop);
	if (bracket || p->routed || ask->lmtp)
		return of_host(m, host);
	return of_domain(m, host);
}

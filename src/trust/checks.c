/* SPDX-License-Identifier: ISC */
/*
 * checks: see checks.h.
 */
#include "trust/checks.h"

#include "base/num.h"
#include "mail/path.h"

enum { FIELDS_MAX = 1000, IDENTIFIERS_MAX = DKIM_SIGNATURES_MAX };

/* ---- the From field ---- */

static unsigned
faults_of(const struct addr_list *l)
{
	static const struct { unsigned fact; enum from_fault fault; } map[] = {
		{ ADDR_GROUP, FROM_GROUP }, { ADDR_ROUTE, FROM_ROUTE }, { ADDR_BAD, FROM_BAD },
		{ ADDR_CONTROL, FROM_CONTROL }, { ADDR_ENCODED, FROM_ENCODED },
		{ ADDR_INVALID_UTF8, FROM_BAD }, { ADDR_NO_DOMAIN, FROM_NO_DOMAIN },
		{ ADDR_LITERAL, FROM_NO_DOMAIN }, { ADDR_CUT, FROM_MANY },
	};
	unsigned faults = 0;

	for (size_t i = 0; i < COUNT(map); i++)
		if (l->facts & map[i].fact)
			faults |= map[i].fault;
	return faults;
}

/* A comment or white space within the address itself: two readers may see two addresses. */
static bool
split_address(const struct addr_list *l)
{
	return l->facts & (ADDR_COMMENT | ADDR_SPACE);
}

static bool
author_domain(struct checks *c, struct arena *a)
{
	struct str d = c->author.domain, out;

	if (d.n == 0 || d.p[d.n - 1] == '.' || str_chr(d, '.') < 0 ||
	    !domain_to_ascii(d, a, &out) || !dns_is_hostname(out))
		return false;
	c->author.domain = out;
	return true;
}

static bool
read_from(struct checks *c, struct arena *a)
{
	const struct field *f = header_find(&c->header, STR("From"), 0);
	size_t n = header_count(&c->header, STR("From"));

	if (n == 0 || !f) {
		c->from_faults = FROM_MISSING;
		return true;
	}
	c->from_fault_at = (size_t)(f->raw.p - c->header.field[0].raw.p);
	if (n > 1) {
		f = header_find(&c->header, STR("From"), 1);
		c->from_faults |= FROM_TWICE;
		c->from_fault_at = (size_t)(f->raw.p - c->header.field[0].raw.p);
		f = header_find(&c->header, STR("From"), 0);
	}
	if (!addr_list_parse(f->value, a, &c->from))
		return false;
	c->from_faults |= faults_of(&c->from);
	if (split_address(&c->from) || f->spaced)
		c->from_faults |= FROM_BAD;
	if (c->from.n == 0) {
		c->from_faults |= FROM_BAD;
		return true;
	}
	c->author = c->from.addr[0];
	for (size_t i = 1; i < c->from.n; i++)
		c->from_faults |= str_ieq(c->from.addr[i].domain, c->author.domain) ? FROM_MANY :
		    FROM_MANY | FROM_DOMAINS;
	if (!(c->from_faults & FROM_NO_DOMAIN) && !author_domain(c, a))
		c->from_faults |= FROM_BAD;
	return true;
}

/* Legal, old, and suspect: obsolete syntax, white space before colons, two of what stands once. */
static void
read_oddities(struct checks *c)
{
	static const struct str once[] = {
		STR_INIT("Date"), STR_INIT("Sender"), STR_INIT("Reply-To"), STR_INIT("To"),
		STR_INIT("Cc"), STR_INIT("Bcc"), STR_INIT("Message-ID"), STR_INIT("Subject"),
		STR_INIT("MIME-Version"), STR_INIT("Content-Type"),
	};

	for (size_t i = 0; i < COUNT(once); i++)
		c->duplicates |= header_count(&c->header, once[i]) > 1;
	for (size_t i = 0; i < c->header.n; i++)
		c->obsolete |= c->header.field[i].spaced;
	for (size_t i = 0; i < c->from.n; i++)
		c->obsolete |= c->from.addr[i].obsolete;
}

bool
checks_begin(struct checks *c, const struct checks_query *q, struct str text)
{
	*c = (struct checks){ .dmarc.why = "" };
	if (!header_parse(text, q->a, FIELDS_MAX, &c->header) || !read_from(c, q->a))
		return false;
	read_oddities(c);
	return dkim_begin(&c->dkim, &c->header, &c->body, q->a) &&
	    arc_begin(&c->arc, &c->header, &c->body, q->a);
}

void
checks_body(struct checks *c, struct str bytes)
{
	body_hash_feed(&c->body, bytes);
}

void
checks_done(struct checks *c)
{
	body_hashes_done(&c->body);
}

/* ---- who vouches ---- */

static void
check_spf(struct checks *c, const struct checks_query *q)
{
	struct spf_query s = {
		.ip = q->ip, .helo = q->helo, .local = q->mail_local, .domain = q->mail_domain,
		.receiver = q->authserv_id, .now_s = q->now_s, .dns = q->dns, .a = q->a,
	};

	if (q->spf)
		c->spf = *q->spf;
	else if (q->has_ip)
		spf_check(&s, &c->spf);
	c->spf_helo = c->spf.helo ? c->spf : (struct spf_result){ .helo = true };
}

static bool
within(struct str name, struct str domain)
{
	return str_ieq(name, domain) || (name.n > domain.n && str_iends(name, domain) &&
	    name.p[name.n - domain.n - 1] == '.');
}

/* Is there a signature in the author's name whose key exists, whether it verifies or not? */
static bool
signed_by_author(const struct checks *c, const struct checks_query *q)
{
	for (size_t i = 0; i < c->dkim.n; i++) {
		const struct dkim_sig *s = &c->dkim.sig[i];

		if (!s->key_found)
			continue;
		if (str_ieq(s->domain, c->author.domain))
			return true;
		if (within(s->domain, c->dmarc.org_domain) && str_ieq(dmarc_org_domain(q->dns,
		    q->psl, s->domain, q->a), c->dmarc.org_domain))
			return true;
	}
	return false;
}

static void
check_dmarc(struct checks *c, const struct checks_query *q)
{
	struct dmarc_auth spf = { c->spf.domain, c->spf.result }, dkim[IDENTIFIERS_MAX];
	struct dmarc_query d = {
		.author = c->author.domain, .spf = &spf, .nspf = spf.domain.n > 0, .dkim = dkim,
		.dns = q->dns, .psl = q->psl, .a = q->a,
	};

	for (size_t i = 0; i < c->dkim.n; i++)
		if (c->dkim.sig[i].domain.n > 0)
			dkim[d.ndkim++] = (struct dmarc_auth){ c->dkim.sig[i].domain,
				c->dkim.sig[i].result };
	dmarc_check(&d, &c->dmarc);
	c->author_verified = c->dmarc.dkim_aligned || (c->dmarc.spf_aligned && !c->spf.weak);
	c->aligned_signature = signed_by_author(c, q);
}

static void
check_mx(struct checks *c, const struct checks_query *q)
{
	struct dns_answer ans;

	if (trust_ask(q->dns, c->author.domain, DNS_MX, q->a, &ans) == DNS_OK)
		c->author_null_mx = ans.nrr == 1 && ans.rr[0].mx.host.n == 0;
}

void
checks_end(struct checks *c, const struct checks_query *q)
{
	struct dkim_rules now = { .now_s = q->now_s };

	body_hash_end(&c->body);
	if (q->has_ip)
		iprev_check(q->ip, q->dns, q->a, &c->iprev);
	check_spf(c, q);
	dkim_end(&c->dkim, &c->body, q->dkim_rules ? q->dkim_rules : &now, q->dns, q->a);
	arc_end(&c->arc, &c->body, q->now_s, q->dns, q->a);
	/* Without one author there is nothing that could be in his name. */
	if (c->from_faults != 0)
		return;
	check_dmarc(c, q);
	if (!c->author_verified && !c->dmarc.author_nxdomain)
		check_mx(c, q);
}

/* ---- Authentication-Results ---- */

static bool
write_spf(struct authres *r, const struct checks *c, const struct checks_query *q)
{
	const struct spf_result *s = &c->spf;
	bool weak = s->result == AUTH_PASS && s->weak;
	struct str sender = s->helo ? q->helo : q->mail_domain;

	if (!s->helo && q->mail_local.n > 0)
		sender = str_cat(q->a, q->mail_local, STR("@"), q->mail_domain);
	return authres_method(r, "spf", weak ? "policy" : auth_result_name(s->result)) &&
	    (!weak || authres_reason(r, str_of(s->weak_why))) &&
	    authres_property(r, s->helo ? "smtp.helo" : "smtp.mailfrom", sender);
}

static bool
write_dkim(struct authres *r, const struct checks *c)
{
	for (size_t i = 0; i < c->dkim.n; i++) {
		const struct dkim_sig *s = &c->dkim.sig[i];

		if (!authres_method(r, "dkim", auth_result_name(s->result)) ||
		    (s->result != AUTH_PASS && !authres_reason(r, str_of(s->why))))
			return false;
		if (s->domain.n > 0 && (!authres_property(r, "header.d", s->domain) ||
		    !authres_property(r, "header.s", s->selector)))
			return false;
		if (s->algorithm.n > 0 && !authres_property(r, "header.a", s->algorithm))
			return false;
		if (s->b.n > 0 && !authres_property(r, "header.b", str_sub(s->b, 0, 8)))
			return false;
	}
	return c->dkim.n > 0 || authres_method(r, "dkim", "none");
}

static bool
write_dmarc(struct authres *r, const struct checks *c)
{
	static const char *const policies[] = {
		[DMARC_P_NONE] = "none", [DMARC_P_QUARANTINE] = "quarantine",
		[DMARC_P_REJECT] = "reject",
	};

	if (c->from_faults != 0)
		return authres_method(r, "dmarc", "permerror") &&
		    authres_reason(r, STR("no single author"));
	return authres_method(r, "dmarc", auth_result_name(c->dmarc.result)) &&
	    authres_property(r, "header.from", c->author.domain) &&
	    (!c->dmarc.has_record ||
	    authres_property(r, "policy.dmarc", str_of(policies[c->dmarc.policy])));
}

bool
checks_authres(const struct checks *c, const struct checks_query *q, struct buf *out)
{
	char ip[IP_TEXT_MAX];
	struct authres r;

	if (!authres_begin(&r, out, q->authserv_id))
		return false;
	if (q->has_ip && (!authres_method(&r, "iprev", auth_result_name(c->iprev.result)) ||
	    !authres_property(&r, "policy.iprev", ip_format(q->ip, ip)) ||
	    !write_spf(&r, c, q)))
		return false;
	if (!write_dkim(&r, c) || !write_dmarc(&r, c))
		return false;
	if (c->arc.result != AUTH_NONE &&
	    !authres_method(&r, "arc", auth_result_name(c->arc.result)))
		return false;
	return authres_end(&r);
}

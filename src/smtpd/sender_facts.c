/* SPDX-License-Identifier: ISC */
/*
 * sender_facts: see sender_facts.h.
 */
#include "smtpd/sender_facts.h"

#include "base/num.h"
#include "base/utf8.h"
#include "mail/path.h"
#include "policy/found.h"
#include "smtpd/replay.h"
#include "spool/record.h"

enum { LIST_MEMORY = 8 << 20 };

/* One organisation's names: the author's organisational domain is above both. */
static bool
aligned(const struct checks *c, struct str d)
{
	struct str org = c->dmarc.org_domain.n > 0 ? c->dmarc.org_domain : c->author.domain;

	return org.n > 0 && d.n > 0 && (domain_under(d, org) || domain_under(c->author.domain, d));
}

static void
read_signers(const struct checks *c, const struct checks_query *q, struct sender_facts *out)
{
	const struct dkim_rules *r = q->dkim_rules;
	struct signer *list = arena_alloc(q->a, (c->dkim.n + 1) * sizeof *list);

	for (size_t i = 0; list && i < c->dkim.n; i++) {
		const struct dkim_sig *sig = &c->dkim.sig[i];

		if (sig->result != AUTH_PASS && sig->result != AUTH_TEMPERROR)
			continue;
		list[out->nsigner++] = (struct signer){
			.domain = sig->domain, .covers_all = sig->covers_all,
			.unsure = sig->result == AUTH_TEMPERROR,
			.own_key = sig->result == AUTH_PASS && r && r->own_key &&
			    r->own_key(r->ctx, sig->domain, sig->selector).n > 0,
		};
	}
	out->signer = list;
}

/* The domain between the brackets of List-Id (RFC 2919). */
static struct str
list_domain(const struct checks *c, struct arena *a)
{
	const struct field *f = header_find(&c->header, STR("List-Id"), 0);
	struct str v;
	ssize_t at, end;

	if (!f)
		return (struct str){};
	v = field_unfold(f, a);
	if (!v.p)
		return (struct str){};
	at = str_rchr(v, '<');
	end = str_rchr(v, '>');
	if (at < 0 || end < at)
		return (struct str){};
	v = str_trim(str_sub(v, (size_t)at + 1, (size_t)(end - at) - 1));
	return domain_valid(v, false) ? v : (struct str){};
}

static bool
reply_elsewhere(const struct checks *c)
{
	const struct field *f = header_find(&c->header, STR("Reply-To"), 0);
	struct addr_list to = {};
	struct arena a;
	bool yes = false;

	if (!f)
		return false;
	arena_init(&a, LIST_MEMORY);
	if (!addr_list_parse(f->value, &a, &to))
		to.n = 0;
	for (size_t i = 0; i < to.n; i++)
		yes |= !aligned(c, to.addr[i].domain);
	arena_done(&a);
	return yes;
}

/* What makes a reader see another text than stands there. */
static bool
hides(struct str text)
{
	uint32_t c;

	while (utf8_next(&text, &c))
		if ((c < ' ' && c != '\t') || c == 0x7f || (c >= 0x202a && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069))
			return true;
	return false;
}

static void
read_header(const struct checks *c, const struct checks_query *q, struct sender_facts *out)
{
	static const struct str once[] = {
		STR_INIT("Date"), STR_INIT("Sender"), STR_INIT("Subject"), STR_INIT("Reply-To"),
	};
	const struct field *from = header_find(&c->header, STR("From"), 0);

	out->from_faults = c->from_faults;
	out->fault_at = c->from_fault_at;
	for (size_t i = 0; i < COUNT(once); i++) {
		const struct field *second = header_find(&c->header, once[i], 1);

		if (second && !out->twice) {
			out->twice = true;
			if (out->from_faults == 0)
				out->fault_at = (size_t)(second->raw.p - c->header.field[0].raw.p);
		}
	}
	out->odd = c->duplicates || c->obsolete || c->header.junk;
	out->local = c->author.local;
	out->domain = c->author.domain;
	if (!domain_to_utf8(out->domain, q->a, &out->shown))
		out->shown = out->domain;
	out->name = c->author.name;
	if (from)
		out->from_text = text_decode(from->value, q->a);
	if (hides(out->from_text)) {
		out->from_faults |= FROM_CONTROL;
		out->fault_at = (size_t)(from->raw.p - c->header.field[0].raw.p);
	}
	out->list = list_domain(c, q->a);
	out->reply_elsewhere = reply_elsewhere(c);
}

static void
read_spf(const struct checks *c, const struct checks_query *q, struct sender_facts *out)
{
	bool null = q->mail_domain.n == 0;
	const struct spf_result *spf = null ? &c->spf_helo : &c->spf;

	out->spf = spf->result;
	out->spf_weak = spf->weak;
	out->spf_domain = null ? q->helo : q->mail_domain;
	if (c->spf_helo.result == AUTH_PASS && !c->spf_helo.weak)
		out->helo_domain = q->helo;
}

/* Somebody's word that could have helped, were DNS there. */
static bool
trouble(const struct checks *c, const struct sender_facts *out)
{
	if (c->author_verified || c->dmarc.result == AUTH_PASS || out->domain.n == 0)
		return false;
	if (c->dmarc.result == AUTH_TEMPERROR ||
	    (out->spf == AUTH_TEMPERROR && aligned(c, out->spf_domain)))
		return true;
	for (size_t i = 0; i < out->nsigner; i++)
		if (out->signer[i].unsure && aligned(c, out->signer[i].domain))
			return true;
	return false;
}

/* What a sealer wrote about DMARC, in its own results (RFC 8617 4.1.1). */
static bool
says_pass(struct str aar)
{
	for (ssize_t at; (at = str_find(aar, STR("dmarc="))) >= 0; ) {
		bool first = at == 0 || strchr("; \t\n", aar.p[at - 1]) != NULL;

		aar = str_skip(aar, (size_t)at + 6);
		if (first)
			return str_istarts(aar, STR("pass")) &&
			    (aar.n == 4 || strchr("; (\t\r\n", aar.p[4]) != NULL);
	}
	return false;
}

static bool
arc_vouches(const struct config *cfg, const struct arc *arc)
{
	const struct arc_set *last;

	if (arc->result != AUTH_PASS || arc->n == 0)
		return false;
	last = &arc->set[arc->n - 1];
	for (size_t i = 0; i < cfg->senders.narc_trust; i++)
		if (domain_eq(cfg->senders.arc_trust[i], last->seal_domain))
			return last->ams_covers_from && says_pass(last->aar);
	return false;
}

void
sender_facts(const struct config *cfg, const struct checks *c, const struct checks_query *q,
    struct sender_facts *out)
{
	*out = (struct sender_facts){
		.judged = true, .now_s = q->now_s, .dmarc = c->dmarc.result,
		.dmarc_policy = c->dmarc.policy, .org_domain = c->dmarc.org_domain,
		.verified = c->author_verified, .aligned_signature = c->aligned_signature,
		.author_gone = c->dmarc.author_nxdomain, .author_null_mx = c->author_null_mx,
		.arc_pass = arc_vouches(cfg, &c->arc),
	};
	read_signers(c, q, out);
	read_header(c, q, out);
	read_spf(c, q, out);
	out->trouble = trouble(c, out);
}

uint32_t
sender_found(const struct checks *c, const struct checks_query *q)
{
	const struct spf_result *spf = q->mail_domain.n > 0 ? &c->spf : &c->spf_helo;
	uint32_t found = 0;

	if (spf->result == AUTH_PASS && !spf->weak)
		found |= FOUND_SENDER_SPF;
	if (c->dmarc.result == AUTH_PASS || c->dmarc.result == AUTH_FAIL)
		found |= c->dmarc.policy != DMARC_P_NONE ? FOUND_AUTHOR_STRICT : 0;
	for (size_t i = 0; i < c->dkim.n; i++) {
		const struct dkim_sig *sig = &c->dkim.sig[i];

		if (sig->result != AUTH_PASS)
			continue;
		if (q->mail_domain.n > 0 && domain_under(q->mail_domain, sig->domain))
			found |= FOUND_SENDER_DKIM;
		if (aligned(c, sig->domain))
			found |= FOUND_AUTHOR_DKIM;
	}
	return found;
}

/* Is one of the recipients in To or Cc? */
static bool
named_in(const struct field *f, struct arena *a, const struct spool_rcpt *rcpt, size_t nrcpt)
{
	struct addr_list to;

	if (!f || !addr_list_parse(f->value, a, &to))
		return false;
	for (size_t k = 0; k < to.n; k++)
		for (size_t r = 0; r < nrcpt; r++)
			if (str_ieq(to.addr[k].address, rcpt[r].addr))
				return true;
	return false;
}

/* Lists can be long: they have a memory of their own. */
static bool
named(const struct checks *c, const struct spool_rcpt *rcpt, size_t nrcpt)
{
	struct arena a;
	bool yes;

	arena_init(&a, LIST_MEMORY);
	yes = named_in(header_find(&c->header, STR("To"), 0), &a, rcpt, nrcpt) ||
	    named_in(header_find(&c->header, STR("Cc"), 0), &a, rcpt, nrcpt);
	arena_done(&a);
	return yes;
}

uint64_t
sender_replayed(const struct checks *c,
    const struct spool_rcpt *rcpt, size_t nrcpt)
{
	if (c->dmarc.spf_aligned || named(c, rcpt, nrcpt))
		return 0;
	for (size_t i = 0; i < c->dkim.n; i++)
		if (c->dkim.sig[i].result == AUTH_PASS && aligned(c, c->dkim.sig[i].domain))
			return replay_key(c->dkim.sig[i].domain, c->dkim.sig[i].b);
	return 0;
}

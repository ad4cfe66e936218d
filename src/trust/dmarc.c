/* SPDX-License-Identifier: ISC */
/*
 * dmarc: see dmarc.h.  The tree walk is RFC 9989 4.10, in its steps.
 */
#include "trust/dmarc.h"

#include "base/num.h"

enum { WALK_MAX = 8, LABELS_WHOLE = 7 };	/* at most eight questions */

enum fetched { FETCH_NONE, FETCH_ONE, FETCH_MANY, FETCH_UNUSABLE, FETCH_TEMP };

struct step {
	struct str name;
	enum fetched got;
	struct dmarc_record rec;
	const char *why;
};

struct walk {
	struct step step[WALK_MAX];
	unsigned n;
	bool temp;
};

static size_t
labels(struct str name)
{
	size_t n = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

static struct str
parent(struct str name)
{
	ssize_t dot = str_chr(name, '.');

	return dot < 0 ? (struct str){} : str_skip(name, (size_t)dot + 1);
}

/* The one record of a name; what is none is discarded before they are counted. */
static enum fetched
fetch(struct trust_dns *dns, struct arena *a, struct step *s)
{
	struct str name = str_cat(a, STR("_dmarc."), s->name), text = {};
	struct dns_answer ans;

	s->why = "";
	if (name.n == 0)
		return FETCH_TEMP;
	switch (trust_ask(dns, name, DNS_TXT, a, &ans)) {
	case DNS_OK:
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return FETCH_NONE;
	case DNS_TEMP:
	case DNS_BOGUS:
		return FETCH_TEMP;
	}
	for (size_t i = 0; i < ans.nrr; i++) {
		if (!dmarc_record_is(ans.rr[i].txt))
			continue;
		if (text.p) {
			s->why = "more than one record";
			return FETCH_MANY;
		}
		text = ans.rr[i].txt;
	}
	if (!text.p)
		return FETCH_NONE;
	return dmarc_record_parse(text, &s->rec, &s->why) ? FETCH_ONE : FETCH_UNUSABLE;
}

/* suspends */
static void
walk(struct trust_dns *dns, struct arena *a, struct str domain, struct walk *w)
{
	struct str name = domain;

	*w = (struct walk){};
	while (name.n > 0 && w->n < WALK_MAX) {
		struct step *s = &w->step[w->n++];

		s->name = name;
		s->got = fetch(dns, a, s);
		if (s->got == FETCH_TEMP) {
			w->temp = true;
			return;
		}
		if (s->got == FETCH_ONE && s->rec.psd != DMARC_PSD_U)
			return;
		name = parent(name);
		while (labels(name) > LABELS_WHOLE)
			name = parent(name);
	}
}

/* 4.10.2: psd=n is the organisational domain; below psd=y it is one label longer; else the shortest
 * name that has a record, or the name itself. */
static struct str
org_of(const struct walk *w, struct str domain)
{
	struct str org = domain, under = domain;

	for (unsigned i = 0; i < w->n; i++) {
		const struct step *s = &w->step[i];

		if (s->got != FETCH_ONE)
			continue;
		if (s->rec.psd == DMARC_PSD_N)
			return s->name;
		if (s->rec.psd == DMARC_PSD_Y && i > 0) {
			while (labels(under) > labels(s->name) + 1)
				under = parent(under);
			return under;
		}
		org = s->name;
	}
	return org;
}

struct str
dmarc_org_domain(struct trust_dns *dns, const struct dmarc_psl *psl, struct str domain,
    struct arena *a)
{
	struct walk *w;

	if (psl) {
		struct str org = dmarc_psl_domain(psl, domain, a);

		return org.n > 0 ? org : domain;
	}
	w = arena_alloc(a, sizeof *w);
	if (!w)
		return (struct str){};
	walk(dns, a, domain, w);
	return w->temp ? (struct str){} : org_of(w, domain);
}

/* ---- which record applies ---- */

static const struct step *
step_at(const struct walk *w, struct str name)
{
	for (unsigned i = 0; i < w->n; i++)
		if (str_ieq(w->step[i].name, name) && w->step[i].got == FETCH_ONE)
			return &w->step[i];
	return NULL;
}

/* The author's own, else that of the organisational domain, else that of the suffix (4.10.1). */
static const struct step *
applies(const struct walk *w, const struct dmarc_result *out)
{
	const struct step *s = w->n > 0 && w->step[0].got == FETCH_ONE ? &w->step[0] : NULL;

	if (!s)
		s = step_at(w, out->org_domain);
	for (unsigned i = w->n; !s && i > 0; i--)
		if (w->step[i - 1].got == FETCH_ONE && w->step[i - 1].rec.psd == DMARC_PSD_Y)
			s = &w->step[i - 1];
	return s;
}

/* Discovery by the list: the author's name and its organisational domain. */
static void
walk_psl(const struct dmarc_query *q, struct walk *w, struct str org)
{
	*w = (struct walk){ .n = 1 };
	w->step[0].name = q->author;
	w->step[0].got = fetch(q->dns, q->a, &w->step[0]);
	w->temp = w->step[0].got == FETCH_TEMP;
	if (w->temp || w->step[0].got == FETCH_ONE || str_ieq(org, q->author))
		return;
	w->step[1].name = org;
	w->step[1].got = fetch(q->dns, q->a, &w->step[1]);
	w->temp = w->step[1].got == FETCH_TEMP;
	w->n = 2;
}

/* True: the name is not there at all (RFC 8020). */
static bool
absent(const struct dmarc_query *q, bool *temp)
{
	struct dns_answer ans;

	switch (trust_ask(q->dns, q->author, DNS_A, q->a, &ans)) {
	case DNS_NXDOMAIN:
		return true;
	case DNS_TEMP:
	case DNS_BOGUS:
		*temp = true;
		return false;
	case DNS_OK:
	case DNS_NODATA:
		return false;
	}
	return false;
}

static void
choose_policy(struct dmarc_result *out, bool own)
{
	const struct dmarc_record *r = &out->record;

	out->policy = r->p;
	out->policy_tag = "p";
	if (!own && out->author_nxdomain && r->has_np) {
		out->policy = r->np;
		out->policy_tag = "np";
	} else if (!own && r->has_sp) {
		out->policy = r->sp;
		out->policy_tag = "sp";
	}
	if (r->testing && out->policy != DMARC_P_NONE)		/* t=y: one level down */
		out->policy = (enum dmarc_policy)(out->policy - 1);
}

/* ---- alignment ---- */

static bool
within(struct str name, struct str domain)
{
	return str_ieq(name, domain) || (name.n > domain.n && str_iends(name, domain) &&
	    name.p[name.n - domain.n - 1] == '.');
}

/* suspends where the organisational domain of the other name must be found */
static bool
aligned(const struct dmarc_query *q, const struct dmarc_result *out, struct str domain,
    bool strict)
{
	if (str_ieq(domain, q->author))
		return true;
	if (strict || !within(domain, out->org_domain))
		return false;
	return str_ieq(dmarc_org_domain(q->dns, q->psl, domain, q->a), out->org_domain);
}

/* Does one of them pass and align?  *temp: one that aligns could not be told. */
static bool
any_aligned(const struct dmarc_query *q, const struct dmarc_result *out,
    const struct dmarc_auth *auth, size_t n, bool strict, bool *temp)
{
	for (size_t i = 0; i < n; i++)
		if (auth[i].result == AUTH_PASS && aligned(q, out, auth[i].domain, strict))
			return true;
	for (size_t i = 0; i < n; i++)
		*temp |= auth[i].result == AUTH_TEMPERROR &&
		    aligned(q, out, auth[i].domain, strict);
	return false;
}

static void
align(const struct dmarc_query *q, struct dmarc_result *out, bool *temp)
{
	out->spf_aligned = any_aligned(q, out, q->spf, q->nspf, out->record.strict_spf, temp);
	out->dkim_aligned = any_aligned(q, out, q->dkim, q->ndkim, out->record.strict_dkim, temp);
}

/* ---- the whole ---- */

/* False: *out says why there is nothing to apply. */
static bool
discover(const struct dmarc_query *q, struct walk *w, struct dmarc_result *out)
{
	const struct step *s;
	bool temp = false;

	out->org_domain = q->author;
	if (q->psl) {
		out->org_domain = dmarc_org_domain(q->dns, q->psl, q->author, q->a);
		walk_psl(q, w, out->org_domain);
	} else {
		walk(q->dns, q->a, q->author, w);
		out->org_domain = org_of(w, q->author);
	}
	if (w->temp) {
		out->result = AUTH_TEMPERROR;
		out->why = "the policy could not be looked up";
		return false;
	}
	s = applies(w, out);
	out->author_nxdomain = (w->n == 0 || w->step[0].got == FETCH_NONE) && absent(q, &temp);
	/* Several records at the author's own name: no policy, and none is inherited (4.10). */
	if (w->step[0].got == FETCH_MANY || w->step[0].got == FETCH_UNUSABLE)
		s = NULL;
	if (!s) {
		out->why = w->step[0].why;
		return false;
	}
	out->has_record = true;
	out->record = s->rec;
	out->record_domain = s->name;
	if (temp && s->rec.has_np && s != &w->step[0]) {
		out->result = AUTH_TEMPERROR;
		out->why = "whether the author's domain exists could not be looked up";
	}
	choose_policy(out, s == &w->step[0]);
	return true;
}

void
dmarc_check(const struct dmarc_query *q, struct dmarc_result *out)
{
	struct walk *w = arena_alloc(q->a, sizeof *w);
	bool temp = false;

	*out = (struct dmarc_result){ .why = "", .policy_tag = "p", .org_domain = q->author };
	if (!w) {
		out->result = AUTH_TEMPERROR;
		return;
	}
	if (!discover(q, w, out)) {
		/* The author may be verified without a policy too. */
		if (out->result == AUTH_NONE)
			align(q, out, &temp);
		return;
	}
	align(q, out, &temp);
	if (out->spf_aligned || out->dkim_aligned)
		out->result = AUTH_PASS;
	else if (out->result != AUTH_TEMPERROR)
		out->result = temp ? AUTH_TEMPERROR : AUTH_FAIL;
}

/* SPDX-License-Identifier: ISC */
/*
 * dmarc_record: the text of a DMARC policy record, RFC 9989 4.7 and 4.8.
 *
 * "v=DMARC1" must be first and in these letters; what is unknown or malformed behind it is passed
 * over, except what decides: p, sp and np.
 */
#include "base/num.h"
#include "trust/dmarc.h"

enum { URIS_MAX = 64 };

static struct str
trim(struct str s)
{
	while (s.n > 0 && ascii_isspace(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && ascii_isspace(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
policy_of(struct str value, enum dmarc_policy *out)
{
	static const struct str words[] = {
		[DMARC_P_NONE] = STR_INIT("none"), [DMARC_P_QUARANTINE] = STR_INIT("quarantine"),
		[DMARC_P_REJECT] = STR_INIT("reject"),
	};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (str_ieq(value, words[i])) {
			*out = (enum dmarc_policy)i;
			return true;
		}
	}
	return false;
}

/* mailto:local@domain, perhaps with "!10m": RFC 9990 asks no more of us. */
static bool
uri_usable(struct str uri)
{
	ssize_t bang = str_rchr(uri, '!'), at;
	uint64_t limit;

	if (bang >= 0) {
		struct str size = str_skip(uri, (size_t)bang + 1);

		if (size.n > 0 && strchr("kmgtKMGT", size.p[size.n - 1]))
			size.n--;
		if (!num_parse_u64(size, &limit))
			return false;
		uri = str_sub(uri, 0, (size_t)bang);
	}
	if (!str_istarts(uri, STR("mailto:")))
		return false;
	uri = str_skip(uri, 7);
	at = str_rchr(uri, '@');
	for (size_t i = 0; i < uri.n; i++)
		if (!ascii_isgraph(uri.p[i]))
			return false;
	return at > 0 && (size_t)at + 1 < uri.n && dns_is_hostname(str_skip(uri, (size_t)at + 1));
}

static bool
uris_usable(struct str list)
{
	for (unsigned i = 0; list.n > 0 && i < URIS_MAX; i++)
		if (uri_usable(trim(str_split(&list, ','))))
			return true;
	return false;
}

/* What was said wrongly of p, sp and np. */
struct doubts { bool p, sp, np; };

static void
take(struct str name, struct str value, struct dmarc_record *out, struct doubts *wrong)
{
	char first = value.n == 1 ? ascii_lower(value.p[0]) : '\0';

	if (str_ieq(name, STR("p")))
		wrong->p = !(out->has_p = policy_of(value, &out->p));
	else if (str_ieq(name, STR("sp")))
		wrong->sp = !(out->has_sp = policy_of(value, &out->sp));
	else if (str_ieq(name, STR("np")))
		wrong->np = !(out->has_np = policy_of(value, &out->np));
	else if (str_ieq(name, STR("psd")))
		out->psd = first == 'y' ? DMARC_PSD_Y : first == 'n' ? DMARC_PSD_N : DMARC_PSD_U;
	else if (str_ieq(name, STR("adkim")))
		out->strict_dkim = first == 's';
	else if (str_ieq(name, STR("aspf")))
		out->strict_spf = first == 's';
	else if (str_ieq(name, STR("t")))
		out->testing = first == 'y';
	else if (str_ieq(name, STR("rua")))
		out->rua = value;
	else if (str_ieq(name, STR("ruf")))
		out->ruf = value;
	else if (str_ieq(name, STR("fo")))
		out->fo = value;
}

bool
dmarc_record_is(struct str text)
{
	struct str rest = text, first = trim(str_split(&rest, ';')), name = str_split(&first, '=');

	return str_ieq(trim(name), STR("v")) && str_eq(trim(first), STR("DMARC1"));
}

/* 4.7: without a policy that can be read, a record still asks for reports, or is none. */
static bool
settle(struct dmarc_record *out, const struct doubts *wrong, const char **why)
{
	if (out->has_p && !wrong->sp && !wrong->np)
		return true;
	*why = wrong->sp || wrong->np ? "sp= or np= is no policy" :
	    wrong->p ? "p= is no policy" : "there is no p=";
	if (!out->rua_usable)
		return false;
	out->has_p = true;
	out->has_sp = out->has_np = false;
	out->p = DMARC_P_NONE;
	return true;
}

bool
dmarc_record_parse(struct str text, struct dmarc_record *out, const char **why)
{
	struct str rest = text, seen[32];
	struct doubts wrong = {};
	size_t nseen = 0;

	*out = (struct dmarc_record){};
	*why = "not a DMARC1 record";
	if (!dmarc_record_is(text))
		return false;
	(void)str_split(&rest, ';');
	while (rest.n > 0) {
		struct str value = trim(str_split(&rest, ';')), name;

		if (str_chr(value, '=') < 0)
			continue;
		name = trim(str_split(&value, '='));
		value = trim(value);
		for (size_t i = 0; i < nseen; i++) {
			*why = "a tag stands twice";
			if (str_ieq(seen[i], name))
				return false;
		}
		if (nseen < COUNT(seen))
			seen[nseen++] = name;
		take(name, value, out, &wrong);
	}
	out->rua_usable = uris_usable(out->rua);
	*why = "";
	return settle(out, &wrong, why);
}

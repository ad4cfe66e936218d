/* SPDX-License-Identifier: ISC */
/*
 * mtasts: RFC 8461 3.1 (record) and 3.2 (policy), see mtasts.h.
 */
#include "trust/mtasts.h"

#include "base/ascii.h"
#include "base/cur.h"
#include "base/num.h"
#include "mail/path.h"

static bool
is_name_char(char ch)
{
	return ascii_isalnum(ch) || ch == '_' || ch == '-' || ch == '.';
}

/* sts-ext-name: a letter or digit, then up to 31 more of those and "_-." */
static bool
name_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_name_char(s.p[i]))
			return false;
	return s.n > 0 && s.n <= 32 && ascii_isalnum(s.p[0]);
}

/* sts-ext-value: visible ASCII without "=" and ";" */
static bool
value_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isgraph(s.p[i]) || s.p[i] == '=' || s.p[i] == ';')
			return false;
	return s.n > 0;
}

static bool
id_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isalnum(s.p[i]))
			return false;
	return s.n >= 1 && s.n <= 32;
}

bool
mtasts_record_parse(struct str text, struct mtasts_record *out)
{
	struct str rest = str_trim(text);

	*out = (struct mtasts_record){};
	if (!str_eq(str_trim(str_split(&rest, ';')), STR("v=STSv1")) || text.p[0] == ' ')
		return false;
	while (rest.n > 0) {
		struct str field = str_trim(str_split(&rest, ';'));
		struct str name;

		if (field.n == 0 && str_trim(rest).n == 0)
			break;				/* one ';' may end the record */
		name = str_split(&field, '=');
		if (!name_valid(name) || !value_valid(field))
			return false;
		if (str_eq(name, STR("id"))) {
			if (out->id.n > 0 || !id_valid(field))
				return false;
			out->id = field;
		}
	}
	return out->id.n > 0;
}

static bool
put_mode(struct mtasts_policy *out, struct str v)
{
	static const struct {
		struct str word;
		enum mtasts_mode mode;
	} modes[] = {
		{ STR_INIT("none"), MTASTS_NONE }, { STR_INIT("testing"), MTASTS_TESTING },
		{ STR_INIT("enforce"), MTASTS_ENFORCE },
	};

	for (size_t i = 0; i < COUNT(modes); i++)
		if (str_eq(v, modes[i].word)) {
			out->mode = modes[i].mode;
			return true;
		}
	return false;
}

static bool
put_mx(struct mtasts_policy *out, struct str v)
{
	struct str name = str_starts(v, STR("*.")) ? str_skip(v, 2) : v;

	if (!domain_valid(name, false) || out->nmx == MTASTS_MX_MAX)
		return false;
	out->mx[out->nmx++] = v;
	return true;
}

enum { SEEN_VERSION = 1, SEEN_MODE = 2, SEEN_AGE = 4 };

/* One "key: value" line; unknown keys are passed over, of known ones the first counts. */
static bool
put_line(struct mtasts_policy *out, struct str line, unsigned *seen)
{
	struct str name = str_split(&line, ':');
	struct str value = str_trim(line);

	if (line.p == name.p + name.n || !name_valid(name))
		return false;				/* no colon */
	if (str_eq(name, STR("version"))) {
		if (*seen & SEEN_VERSION)
			return true;
		*seen |= SEEN_VERSION;
		return str_eq(value, STR("STSv1"));
	}
	if (str_eq(name, STR("mx")))
		return put_mx(out, value);
	if (str_eq(name, STR("mode"))) {
		if (*seen & SEEN_MODE)
			return true;
		*seen |= SEEN_MODE;
		return put_mode(out, value);
	}
	if (!str_eq(name, STR("max_age")))
		return value.n > 0;
	if (*seen & SEEN_AGE)
		return true;
	*seen |= SEEN_AGE;
	if (value.n > 10 || !num_parse_u64(value, &out->max_age_s))
		return false;
	out->max_age_s = MIN(out->max_age_s, (uint64_t)MTASTS_AGE_MAX);
	return true;
}

bool
mtasts_policy_parse(struct str text, struct mtasts_policy *out)
{
	unsigned seen = 0;

	*out = (struct mtasts_policy){};
	if (text.n > MTASTS_POLICY_MAX)
		return false;
	while (text.n > 0) {
		struct str line = str_split(&text, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (str_trim(line).n == 0) {
			if (str_trim(text).n == 0)
				break;
			return false;
		}
		if (!put_line(out, line, &seen))
			return false;
	}
	return seen == (SEEN_VERSION | SEEN_MODE | SEEN_AGE) &&
	       (out->nmx > 0 || out->mode == MTASTS_NONE);
}

bool
mtasts_mx_match(struct str pattern, struct str host)
{
	ssize_t dot;

	if (!str_starts(pattern, STR("*.")))
		return domain_eq(pattern, host);
	dot = str_chr(host, '.');		/* the asterisk stands for one whole label */
	return dot > 0 && domain_eq(str_skip(pattern, 2), str_skip(host, (size_t)dot + 1));
}

/* SPDX-License-Identifier: ISC */
/*
 * date: RFC 5322 3.3 and 4.3, see date.h.
 */
#include "mail/date.h"

#include "base/ascii.h"
#include "base/num.h"

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* CFWS, comments nested to any depth; false when a comment does not close. */
static bool
skip_cfws(struct cur *c, bool *seen)
{
	unsigned depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '(') {
			depth++;
			*seen = true;
		} else if (depth > 0) {
			if (*c->p == ')')
				depth--;
			else if (*c->p == '\\' && c->p + 1 < c->end)
				c->p++;
		} else if (!ascii_isspace(*c->p)) {
			break;
		}
	}
	return depth == 0;
}

/* Three letters of a list; returns the place in it, or -1. */
static int
take_name(struct cur *c, const char *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (take_lit(c, (struct str){ list + 3 * i, 3 }))
			return (int)i;
	return -1;
}

static bool
take_number(struct cur *c, unsigned min_digits, unsigned max_digits, int *out)
{
	const char *from = c->p;
	uint32_t v;

	if (!take_u32(c, max_digits, &v))
		return false;
	*out = (int)v;
	if (cur_since(c, from).n >= min_digits)
		return true;
	c->p = from;
	return false;
}

static int
month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* obs-zone: UT GMT EST EDT ... and single letters, which say nothing (RFC 5322 4.3). */
static bool
take_named_zone(struct cur *c, struct date *out)
{
	static const struct {
		struct str name;
		int hours;
	} zones[] = {
		{ STR_INIT("UTC"), 0 }, { STR_INIT("UT"), 0 }, { STR_INIT("GMT"), 0 },
		{ STR_INIT("EST"), -5 }, { STR_INIT("EDT"), -4 }, { STR_INIT("CST"), -6 },
		{ STR_INIT("CDT"), -5 }, { STR_INIT("MST"), -7 }, { STR_INIT("MDT"), -6 },
		{ STR_INIT("PST"), -8 }, { STR_INIT("PDT"), -7 },
	};
	struct str word;

	if (!take_while(c, ascii_isalpha, &word))
		return false;
	out->obsolete = true;
	out->zone_unknown = true;
	for (size_t i = 0; i < COUNT(zones); i++)
		if (str_ieq(word, zones[i].name)) {
			out->zone = zones[i].hours * 60;
			out->zone_unknown = false;
		}
	return true;
}

static bool
take_zone(struct cur *c, struct date *out)
{
	bool minus = cur_peek(c) == '-';
	int v;

	if (!minus && cur_peek(c) != '+')
		return take_named_zone(c, out);
	c->p++;
	if (!take_number(c, 4, 4, &v) || v % 100 > 59)
		return false;
	out->zone = v / 100 * 60 + v % 100;
	out->zone_unknown = minus && v == 0;		/* 3.3: "-0000" */
	if (minus)
		out->zone = -out->zone;
	return true;
}

static bool
take_date(struct cur *c, struct date *out)
{
	const char *from;
	size_t digits;

	(void)skip_cfws(c, &out->obsolete);
	if (take_name(c, day_names, 7) >= 0) {
		(void)skip_cfws(c, &out->obsolete);
		if (!take_ch(c, ','))
			return false;
	}
	(void)skip_cfws(c, &out->obsolete);
	if (!take_number(c, 1, 2, &out->day))
		return false;
	(void)skip_cfws(c, &out->obsolete);
	out->month = take_name(c, month_names, 12) + 1;
	(void)skip_cfws(c, &out->obsolete);
	from = c->p;
	if (out->month == 0 || !take_number(c, 2, 5, &out->year))
		return false;
	digits = cur_since(c, from).n;
	if (digits < 4) {				/* 4.3 */
		out->obsolete = true;
		out->year += digits == 2 && out->year < 50 ? 2000 : 1900;
	}
	return out->day >= 1 && out->day <= month_days(out->year, out->month) && out->year >= 1900;
}

static bool
take_time(struct cur *c, struct date *out)
{
	bool cfws = false;

	(void)skip_cfws(c, &out->obsolete);
	if (!take_number(c, 2, 2, &out->hour) || !skip_cfws(c, &cfws) || !take_ch(c, ':') ||
	    !skip_cfws(c, &cfws) || !take_number(c, 2, 2, &out->minute) || !skip_cfws(c, &cfws))
		return false;
	if (take_ch(c, ':') && (!skip_cfws(c, &cfws) || !take_number(c, 2, 2, &out->second)))
		return false;
	out->obsolete |= cfws;
	return out->hour < 24 && out->minute < 60 && out->second <= 60;
}

bool
date_parse(struct str text, struct date *out, struct perr *err)
{
	struct cur c = cur_of(text);
	bool comment = false;

	*out = (struct date){};
	if (!take_date(&c, out))
		return perr_set(err, &c, "bad date");
	if (!take_time(&c, out))
		return perr_set(err, &c, "bad time");
	(void)skip_cfws(&c, &comment);
	if (!take_zone(&c, out))
		return perr_set(err, &c, "bad zone");
	if (!skip_cfws(&c, &comment) || c.p != c.end)
		return perr_set(err, &c, "text after the date");
	return true;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar; years counted from March. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400, m = month > 2 ? month - 3 : month + 9;
	int64_t doy = (153 * m + 2) / 5 + day - 1;

	return era * 146'097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719'468;
}

int64_t
date_unix(const struct date *d)
{
	return days_of(d->year, d->month, d->day) * 86'400 + d->hour * 3600 + d->minute * 60 +
	       d->second - (int64_t)d->zone * 60;
}

void
date_of_unix(int64_t unix_s, int zone_min, struct date *out)
{
	int64_t local = unix_s + (int64_t)zone_min * 60;
	int64_t days = (local >= 0 ? local : local - 86'399) / 86'400, s = local - days * 86'400;
	int64_t z = days + 719'468, era = (z >= 0 ? z : z - 146'096) / 146'097;
	int64_t doe = z - era * 146'097;
	int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), m = (5 * doy + 2) / 153;

	*out = (struct date){
		.year = (int)(yoe + era * 400 + (m >= 10)),
		.month = (int)(m < 10 ? m + 3 : m - 9),
		.day = (int)(doy - (153 * m + 2) / 5 + 1),
		.hour = (int)(s / 3600), .minute = (int)(s / 60 % 60), .second = (int)(s % 60),
		.zone = zone_min,
	};
}

static char *
put_two(char *p, int v)
{
	*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *
put_word(char *p, const char *word, size_t n)
{
	memcpy(p, word, n);
	return p + n;
}

bool
date_format(struct buf *b, int64_t unix_s, int zone_min)
{
	char text[40], *p = text;
	struct date d;
	int64_t wday;
	int zone = zone_min < 0 ? -zone_min : zone_min;

	date_of_unix(unix_s, zone_min, &d);
	wday = (days_of(d.year, d.month, d.day) % 7 + 11) % 7;	/* 1970-01-01 was a Thursday */
	p = put_word(p, day_names + 3 * wday, 3);
	p = put_word(p, ", ", 2);
	if (d.day >= 10)
		*p++ = (char)('0' + d.day / 10);
	*p++ = (char)('0' + d.day % 10);
	*p++ = ' ';
	p = put_word(p, month_names + 3 * (d.month - 1), 3);
	*p++ = ' ';
	p = put_two(put_two(p, d.year / 100), d.year % 100);
	*p++ = ' ';
	p = put_two(p, d.hour);
	*p++ = ':';
	p = put_two(p, d.minute);
	*p++ = ':';
	p = put_two(p, d.second);
	*p++ = ' ';
	*p++ = zone_min < 0 ? '-' : '+';
	p = put_two(put_two(p, zone / 60), zone % 60);
	return buf_put(b, str_from(text, (size_t)(p - text)));
}

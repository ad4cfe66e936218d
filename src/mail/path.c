/* SPDX-License-Identifier: ISC */
/*
 * path: envelope addresses, see path.h.  A function for each rule of RFC 5321 4.1.2; none consumes
 * anything when it says no.  Octets over 127 pass the small rules only where UTF-8 is allowed, and
 * the whole address is checked for validity and for invisible characters once, at the end.
 */
#include "mail/path.h"

#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"

static bool
is_atext(unsigned char ch, bool utf8)
{
	if (ascii_isalnum((char)ch))
		return true;
	if (ch >= 0x80)
		return utf8;
	return ch != 0 && strchr("!#$%&'*+-/=?^_`{|}~", ch) != NULL;
}

static bool
is_label(unsigned char ch, bool utf8)
{
	return ascii_isalnum((char)ch) || ch == '-' || (ch >= 0x80 && utf8);
}

/* Dot-string = Atom *("."  Atom) */
static bool
take_dot_string(struct cur *c, bool utf8, struct str *out)
{
	const char *p = c->p, *atom = p;

	for (;; p++) {
		while (p < c->end && is_atext((unsigned char)*p, utf8))
			p++;
		if (p == atom)
			return false;
		if (p == c->end || *p != '.')
			break;
		atom = p + 1;
	}
	*out = (struct str){ c->p, (size_t)(p - c->p) };
	c->p = p;
	return true;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE; out has the quotes. */
static bool
take_quoted(struct cur *c, bool utf8, struct str *out)
{
	const char *p = c->p;

	if (p == c->end || *p++ != '"')
		return false;
	for (; p < c->end && *p != '"'; p++) {
		unsigned char ch = (unsigned char)*p;

		if (ch == '\\') {			/* quoted-pairSMTP: never UTF-8 */
			if (++p == c->end || *p < ' ' || *p == 0x7f || (unsigned char)*p >= 0x80)
				return false;
		} else if (ch < ' ' || ch == 0x7f || (ch >= 0x80 && !utf8)) {
			return false;
		}
	}
	if (p == c->end)
		return false;
	*out = (struct str){ c->p, (size_t)(p + 1 - c->p) };
	c->p = p + 1;
	return true;
}

/* The text of a quoted-string without quotes and backslashes; dst holds at least q.n octets. */
static size_t
unquote(struct str q, char *dst)
{
	size_t n = 0;

	for (size_t i = 1; i + 1 < q.n; i++) {
		if (q.p[i] == '\\')
			i++;
		dst[n++] = q.p[i];
	}
	return n;
}

static bool
is_dot_string(struct str s, bool utf8)
{
	struct cur c = cur_of(s);
	struct str all;

	return take_dot_string(&c, utf8, &all) && all.n == s.n;
}

/* The canonical spelling of a quoted local part: bare where it can be, else the fewest escapes. */
static bool
respell(struct str q, const struct path_rules *rules, struct str *out)
{
	char plain[PATH_MAX_LEN + 1];
	char *dst = arena_alloc(rules->arena, 2 * q.n + 2);
	size_t n = unquote(q, plain), k = 0;

	if (dst == NULL)
		return false;
	if (is_dot_string((struct str){ plain, n }, rules->utf8)) {
		memcpy(dst, plain, n);
		*out = (struct str){ dst, n };
		return true;
	}
	dst[k++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (plain[i] == '"' || plain[i] == '\\')
			dst[k++] = '\\';
		dst[k++] = plain[i];
	}
	dst[k++] = '"';
	*out = (struct str){ dst, k };
	return true;
}

bool
take_domain(struct cur *c, bool utf8, struct str *out, struct perr *err)
{
	const char *p = c->p, *label = p;

	for (;; p++) {
		while (p < c->end && is_label((unsigned char)*p, utf8))
			p++;
		if (p == label || *label == '-' || p[-1] == '-')
			return perr_set(err, c, "bad domain");
		if (p - label > 63)
			return perr_set(err, c, "label of the domain is too long");
		if (p == c->end || *p != '.')
			break;
		label = p + 1;
	}
	if (p - c->p > PATH_DOMAIN_MAX)
		return perr_set(err, c, "domain is too long");
	*out = (struct str){ c->p, (size_t)(p - c->p) };
	c->p = p;
	return true;
}

bool
domain_valid(struct str d, bool utf8)
{
	struct cur c = cur_of(d);
	struct perr err = {};
	struct str all;

	return take_domain(&c, utf8, &all, &err) && all.n == d.n && utf8_address_safe(d);
}

/* IPv6-addr of RFC 5321 4.1.3: beside a "::" there are at most six groups, an IPv4 tail is two. */
static bool
literal_v6(struct str s, struct ip *ip)
{
	size_t groups = 0;
	bool in_group = false, shortened = false, v4 = false;

	for (size_t i = 0; i < s.n; i++) {
		shortened |= i > 0 && s.p[i] == ':' && s.p[i - 1] == ':';
		v4 |= s.p[i] == '.';
		groups += s.p[i] != ':' && !in_group;
		in_group = s.p[i] != ':';
	}
	if (shortened && groups + v4 > 6)
		return false;
	return str_chr(s, ':') >= 0 && ip_parse(s, ip);
}

/* IPv4-address-literal = Snum 3("." Snum), Snum of one to three digits without regard to zeros. */
static bool
literal_v4(struct str s, struct ip *ip)
{
	unsigned octet = 0, digits = 0, k = 0;

	*ip = (struct ip){};
	for (size_t i = 0; i <= s.n; i++) {
		if (i == s.n || s.p[i] == '.') {
			if (digits == 0 || k > 3)
				return false;
			ip->b[k++] = (uint8_t)octet;
			octet = digits = 0;
		} else {
			if (!ascii_isdigit(s.p[i]) || ++digits > 3)
				return false;
			octet = octet * 10 + (unsigned)(s.p[i] - '0');
			if (octet > 255)
				return false;
		}
	}
	return k == 4;
}

bool
take_literal(struct cur *c, struct str *out, struct ip *ip)
{
	const char *close;
	struct str in;

	if (c->p == c->end || *c->p != '[')
		return false;
	close = memchr(c->p, ']', (size_t)(c->end - c->p));
	if (close == NULL)
		return false;
	in = (struct str){ c->p + 1, (size_t)(close - c->p - 1) };
	/* General-address-literal needs a registered tag, and only IPv6 has ever been. */
	if (str_istarts(in, STR("IPv6:")) ? !literal_v6(str_sub(in, 5, in.n - 5), ip)
					  : !literal_v4(in, ip))
		return false;
	*out = (struct str){ c->p, in.n + 2 };
	c->p = close + 1;
	return true;
}

/* A-d-l ":", RFC 5321 4.1.2; true also when there is none. */
static bool
take_route(struct cur *c, struct path *out, struct perr *err)
{
	struct str hop;

	if (c->p == c->end || *c->p != '@')
		return true;
	do {
		if (!take_ch(c, '@'))
			return perr_set(err, c, "bad source route");
		if (!take_domain(c, false, &hop, err))
			return false;
	} while (take_ch(c, ','));
	if (!take_ch(c, ':'))
		return perr_set(err, c, "bad source route");
	out->routed = true;
	return true;
}

/* RFC 5321 4.5.3.1.1 says 64; a rewritten sender (SRS) carries a whole address in its local part,
 * and others make them as we do. */
static bool
rewritten(struct str raw)
{
	if (raw.n > 0 && raw.p[0] == '"')
		raw = str_skip(raw, 1);
	return raw.n > 5 && (str_istarts(raw, STR("SRS0")) || str_istarts(raw, STR("SRS1"))) &&
	    (raw.p[4] == '=' || raw.p[4] == '-' || raw.p[4] == '+');
}

static bool
take_local(struct cur *c, const struct path_rules *rules, struct path *out, struct perr *err)
{
	struct str raw;

	if (take_dot_string(c, rules->utf8, &raw)) {
		out->local = raw;
	} else if (!take_quoted(c, rules->utf8, &raw)) {
		return perr_set(err, c, "bad local part");
	}
	if (raw.n > PATH_LOCAL_MAX && !(rewritten(raw) && raw.n <= PATH_MAX_LEN))
		return perr_set(err, c, "local part is too long");
	if (raw.p[0] == '"' && !respell(raw, rules, &out->local))
		return perr_set(err, c, "out of memory");
	return true;
}

/* Mailbox = Local-part "@" ( Domain / address-literal ) */
static bool
take_mailbox(struct cur *c, const struct path_rules *rules, struct path *out, struct perr *err)
{
	const char *start = c->p;

	if (!take_local(c, rules, out, err))
		return false;
	if (c->p == c->end || *c->p != '@') {
		/* RFC 5321 4.1.1.3: RCPT TO:<Postmaster> */
		if (rules->postmaster && str_ieq(out->local, STR("postmaster")))
			return true;
		return perr_set(err, c, "missing '@' and domain");
	}
	c->p++;
	if (c->p < c->end && *c->p == '[') {
		if (!take_literal(c, &out->domain, &out->ip))
			return perr_set(err, c, "bad address literal");
		out->literal = true;
	} else if (!take_domain(c, rules->utf8, &out->domain, err)) {
		return false;
	}
	if (c->p - start > PATH_MAX_LEN)
		return perr_set(err, c, "address is too long");
	out->utf8 = !utf8_is_ascii(out->local) || !utf8_is_ascii(out->domain);
	if (out->utf8 && !(utf8_address_safe(out->local) && utf8_address_safe(out->domain)))
		return perr_set(err, c, "address with invalid or invisible characters");
	return true;
}

/* Says it better when the address would have been right with SMTPUTF8: RFC 6531 3.7.4.1 */
static void
blame(struct cur *c, const struct path_rules *rules, struct perr *err)
{
	if (err->code != 0)
		return;
	err->code = PERR_ADDRESS;
	if (!rules->utf8 && !utf8_is_ascii(str_from(c->start, (size_t)(c->end - c->start)))) {
		err->what = "address is not ASCII and SMTPUTF8 was not asked for";
		err->code = PERR_NEEDS_UTF8;
	}
}

bool
take_path(struct cur *c, const struct path_rules *rules, struct path *out, struct perr *err)
{
	const char *start = c->p;
	bool bracket = take_ch(c, '<');
	bool ok = true;

	*out = (struct path){};
	*err = (struct perr){};
	if (!bracket && !rules->bare) {
		ok = perr_set(err, c, "missing '<'");
	} else if (bracket && take_ch(c, '>')) {
		out->null = true;
		if (!rules->null)
			ok = perr_set(err, c, "empty address");
	} else {
		ok = take_route(c, out, err) && take_mailbox(c, rules, out, err);
		if (ok && bracket && !take_ch(c, '>'))
			ok = perr_set(err, c, "missing '>'");
	}
	if (!ok) {
		blame(c, rules, err);
		c->p = start;
	}
	return ok;
}

bool
path_parse(struct str text, const struct path_rules *rules, struct path *out, struct perr *err)
{
	struct cur c = cur_of(text);

	*out = (struct path){};
	*err = (struct perr){};
	if (take_mailbox(&c, rules, out, err)) {
		if (c.p == c.end)
			return true;
		(void)perr_set(err, &c, "text after the address");
	}
	blame(&c, rules, err);
	return false;
}

bool
path_format(struct buf *b, const struct path *p)
{
	if (p->null || p->domain.n == 0)
		return buf_put(b, p->local);
	return buf_put(b, p->local) && buf_putc(b, '@') && buf_put(b, p->domain);
}

struct str
path_text(const struct path *p, struct arena *a)
{
	if (p->null || p->domain.n == 0)
		return p->local;
	return str_cat(a, p->local, STR("@"), p->domain);
}

struct str
path_local_plain(const struct path *p, struct arena *a)
{
	char *dst;

	if (p->local.n == 0 || p->local.p[0] != '"')
		return p->local;
	dst = arena_alloc(a, p->local.n);
	if (dst == NULL)
		return (struct str){};
	return (struct str){ dst, unquote(p->local, dst) };
}

bool
path_eq(const struct path *a, const struct path *b)
{
	if (a->null || b->null)
		return a->null == b->null;
	if (a->literal != b->literal || !str_eq(a->local, b->local))
		return false;
	return a->literal ? ip_eq(a->ip, b->ip) : domain_eq(a->domain, b->domain);
}

bool
addr_split(struct str text, struct str *local, struct str *domain)
{
	ssize_t at = str_rchr(text, '@');

	if (at < 0)
		return false;
	*local = str_sub(text, 0, (size_t)at);
	*domain = str_skip(text, (size_t)at + 1);
	return true;
}

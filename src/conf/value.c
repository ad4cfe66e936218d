/* SPDX-License-Identifier: ISC */
/*
 * value: words to values and back.
 *
 * Every number is checked for overflow; nothing is rounded or cut silently.  Memory: lower-cased
 * names and joined paths live in the caller's arena, everything else is by value.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "conf/value.h"

static size_t
digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && ascii_isdigit(s.p[n]))
		n++;
	return n;
}

const char *
value_count(struct str s, uint64_t *out)
{
	return num_parse_u64(s, out) ? NULL : "is not a number";
}

static int64_t
unit_ms(struct str unit)
{
	static const struct { const char *word; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60'000 }, { "min", 60'000 },
		{ "h", 3'600'000 }, { "d", 86'400'000 }, { "w", 604'800'000 },
	};

	for (size_t i = 0; i < COUNT(units); i++)
		if (str_ieq(unit, str_of(units[i].word)))
			return units[i].ms;
	return 0;
}

const char *
value_ms(struct str s, int64_t *out)
{
	int64_t sum = 0;

	if (str_eq(s, STR("0"))) {
		*out = 0;
		return NULL;
	}
	if (s.n == 0)
		return "is not a duration";
	while (s.n > 0) {
		uint64_t n;
		size_t nd = digits(s), nu = nd;
		int64_t part;

		if (nd == 0 || !num_parse_u64(str_sub(s, 0, nd), &n))
			return "is not a duration (30s, 5m, 4h, 5d)";
		while (nu < s.n && ascii_isalpha(s.p[nu]))
			nu++;
		if (nu == nd)
			return "needs a unit: ms, s, m, h, d or w";
		int64_t unit = unit_ms(str_sub(s, nd, nu - nd));

		if (unit == 0)
			return "has an unknown unit (ms, s, m, h, d, w)";
		if (n > INT64_MAX || __builtin_mul_overflow((int64_t)n, unit, &part) ||
		    __builtin_add_overflow(sum, part, &sum))
			return "is too long";
		s = str_sub(s, nu, s.n - nu);
	}
	*out = sum;
	return NULL;
}

const char *
value_bytes(struct str s, uint64_t *out)
{
	size_t nd = digits(s);
	struct str unit = str_sub(s, nd, s.n - nd);
	unsigned shift;
	uint64_t n;

	if (nd == 0)
		return "is not a size (512, 32K, 50M, 1G)";
	if (!num_parse_u64(str_sub(s, 0, nd), &n))
		return "is too big";
	if (unit.n == 0 || str_ieq(unit, STR("B")))
		shift = 0;
	else if (str_ieq(unit, STR("K")) || str_ieq(unit, STR("KiB")))
		shift = 10;
	else if (str_ieq(unit, STR("M")) || str_ieq(unit, STR("MiB")))
		shift = 20;
	else if (str_ieq(unit, STR("G")) || str_ieq(unit, STR("GiB")))
		shift = 30;
	else
		return "has an unknown unit (K, M, G)";
	if (n > UINT64_MAX >> shift)
		return "is too big";
	*out = n << shift;
	return NULL;
}

const char *
value_bool(struct str s, bool *out)
{
	if (str_ieq(s, STR("yes")) || str_ieq(s, STR("on")) || str_ieq(s, STR("true")))
		*out = true;
	else if (str_ieq(s, STR("no")) || str_ieq(s, STR("off")) || str_ieq(s, STR("false")))
		*out = false;
	else
		return "is neither yes nor no";
	return NULL;
}

static bool
label_ok(struct str label)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];

		if (!ascii_isalnum(c) && c != '-' && c != '_' && (unsigned char)c < 0x80)
			return false;
	}
	return true;
}

const char *
value_domain(struct str s, struct arena *a, struct str *out)
{
	if (s.n > 0 && s.p[s.n - 1] == '.')
		return "ends with a dot";
	if (s.n == 0 || s.n > 253)
		return "is not a domain name";
	if (memchr(s.p, '@', s.n) != NULL)
		return "is an address, not a domain name";
	for (struct str rest = s; ; ) {
		ssize_t dot = str_chr(rest, '.');

		if (!label_ok(dot < 0 ? rest : str_sub(rest, 0, (size_t)dot)))
			return "is not a domain name";
		if (dot < 0)
			break;
		rest = str_sub(rest, (size_t)dot + 1, rest.n - (size_t)dot - 1);
	}
	*out = str_lower(a, s);
	return out->n == s.n ? NULL : "does not fit into memory";
}

static const char *
take_port(struct str s, uint16_t *port)
{
	uint64_t n;

	if (!num_parse_u64(s, &n) || n == 0 || n > 65535)
		return "has no port from 1 to 65535";
	*port = (uint16_t)n;
	return NULL;
}

const char *
value_ip_port(struct str s, struct ip *ip, uint16_t *port)
{
	struct str host = s, rest = {};
	ssize_t at;

	if (s.n > 0 && s.p[0] == '[') {
		if ((at = str_chr(s, ']')) < 0)
			return "lacks ']'";
		host = str_sub(s, 1, (size_t)at - 1);
		rest = str_sub(s, (size_t)at + 1, s.n - (size_t)at - 1);
	} else if ((at = str_chr(s, ':')) >= 0) {
		host = str_sub(s, 0, (size_t)at);
		rest = str_sub(s, (size_t)at, s.n - (size_t)at);
		if (str_chr(str_sub(rest, 1, rest.n - 1), ':') >= 0)
			return "is ambiguous: write [IPv6]:port";
	}
	if (rest.n < 2 || rest.p[0] != ':')
		return "lacks a port (address:port)";
	if (str_eq(host, STR("*")))
		host = STR("0.0.0.0");
	if (!ip_parse(host, ip))
		return "is not an IP address with a port";
	return take_port(str_sub(rest, 1, rest.n - 1), port);
}

const char *
value_net(struct str s, struct net *out)
{
	if (str_chr(s, '@') >= 0)
		return "is an address: a sender can never be a grant (sending-as narrows one)";
	if (net_parse(s, out))
		return NULL;

	ssize_t slash = str_chr(s, '/');
	uint32_t bits;
	struct ip ip;

	if (slash > 0 && ip_parse(str_sub(s, 0, (size_t)slash), &ip) &&
	    num_parse_u32(str_skip(s, (size_t)slash + 1), &bits) && bits <= (ip.v6 ? 128 : 32))
		return "has bits set beyond its length";
	return "is not a network (192.0.2.0/24, 2001:db8::/32)";
}

const char *
value_path(struct str s, struct str dir, struct arena *a, struct str *out)
{
	if (s.n == 0)
		return "is empty";
	if (memchr(s.p, 0, s.n) != NULL)
		return "holds a NUL";
	if (s.p[0] == '/' || dir.n == 0) {
		*out = s;
		return NULL;
	}
	if (str_starts(s, STR("./")))
		s = str_sub(s, 2, s.n - 2);

	char *p = arena_alloc(a, dir.n + 1 + s.n);

	if (p == NULL)
		return "does not fit into memory";
	memcpy(p, dir.p, dir.n);
	p[dir.n] = '/';
	memcpy(p + dir.n + 1, s.p, s.n);
	*out = (struct str){ p, dir.n + 1 + s.n };
	return NULL;
}

/* host, [host], each with :port; the brackets say "its addresses, not its MX" */
static const char *
hop_host(struct str s, struct arena *a, struct hop *out)
{
	struct str rest = {}, host = s;
	struct ip ip;
	ssize_t at;

	if (ip_parse(s, &ip)) {			/* a bare IPv6 address has colons and no port */
		out->kind = HOP_HOST;
		out->host = s;
		return NULL;
	}
	if (s.n > 0 && s.p[0] == '[') {
		if ((at = str_chr(s, ']')) < 0)
			return "lacks ']'";
		host = str_sub(s, 1, (size_t)at - 1);
		rest = str_sub(s, (size_t)at + 1, s.n - (size_t)at - 1);
		if (out->kind == HOP_MX)
			out->kind = HOP_HOST;
	} else if ((at = str_chr(s, ':')) >= 0) {
		host = str_sub(s, 0, (size_t)at);
		rest = str_sub(s, (size_t)at, s.n - (size_t)at);
	}
	if (rest.n > 0) {
		const char *bad = rest.p[0] != ':' ? "has something behind ']'" :
		    take_port(str_sub(rest, 1, rest.n - 1), &out->port);

		if (bad != NULL)
			return bad;
	}
	if (str_istarts(host, STR("IPv6:")))
		host = str_sub(host, 5, host.n - 5);
	if (ip_parse(host, &ip)) {
		if (out->kind == HOP_MX)
			out->kind = HOP_HOST;
		out->host = host;
		return NULL;
	}
	return value_domain(host, a, &out->host);
}

/* "error:5.7.0:550 no" is sendmail's; the reply is "550 5.7.0 no" */
static const char *
hop_error(struct str s, struct arena *a, struct hop *out)
{
	struct str code = STR("550"), status = STR("5.1.2"), text = s;
	ssize_t at = str_chr(s, ':');

	out->kind = HOP_ERROR;
	if (at > 0 && digits(s) == 1) {
		status = str_sub(s, 0, (size_t)at);
		text = str_sub(s, (size_t)at + 1, s.n - (size_t)at - 1);
	} else if (at > 0) {			/* a word of sendmail's: nouser, nohost, tempfail */
		if (str_ieq(str_sub(s, 0, (size_t)at), STR("tempfail")))
			code = STR("450"), status = STR("4.0.0");
		text = str_sub(s, (size_t)at + 1, s.n - (size_t)at - 1);
	}
	text = str_trim(text);
	if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
		text = str_sub(text, 1, text.n - 2);
	if (digits(text) == 3 && (text.p[0] == '4' || text.p[0] == '5')) {
		code = str_sub(text, 0, 3);
		text = str_trim(str_sub(text, 3, text.n - 3));
	}
	struct buf b;

	buf_init(&b, 1024);
	buf_put(&b, code);
	buf_putc(&b, ' ');
	buf_put(&b, status);
	buf_putc(&b, ' ');
	buf_put(&b, text);
	out->text = str_dup(a, buf_str(&b));
	buf_done(&b);
	return NULL;
}

const char *
value_hop(struct str s, struct arena *a, struct hop *out)
{
	*out = (struct hop){ .kind = HOP_MX, .port = 25, .word = s };
	if (str_ieq(s, STR("discard")) || str_ieq(s, STR("discard:"))) {
		out->kind = HOP_DISCARD;
		return NULL;
	}
	if (str_istarts(s, STR("error:")))
		return hop_error(str_skip(s, 6), a, out);
	if (str_istarts(s, STR("lmtp:"))) {
		out->kind = HOP_LMTP;
		out->port = 24;
		s = str_skip(s, 5);
		if (str_istarts(s, STR("unix:")))
			s = str_skip(s, 5);
		if (s.n > 0 && s.p[0] == '/') {
			out->host = s;
			out->port = 0;
			return NULL;
		}
	} else if (str_istarts(s, STR("smtp:")) || str_istarts(s, STR("smtp8:"))) {
		s = str_skip(s, (size_t)str_chr(s, ':') + 1);
	} else if (str_istarts(s, STR("esmtp:")) || str_istarts(s, STR("relay:"))) {
		s = str_skip(s, 6);
	}
	return s.n == 0 ? "names no host" : hop_host(s, a, out);
}

void
format_ms(struct buf *b, int64_t ms)
{
	static const struct { int64_t ms; const char *word; } units[] = {
		{ 86'400'000, "d" }, { 3'600'000, "h" }, { 60'000, "m" }, { 1000, "s" },
		{ 1, "ms" },
	};

	if (ms == 0)
		buf_putc(b, '0');
	for (size_t i = 0; i < COUNT(units) && ms > 0; i++)
		if (ms >= units[i].ms && (ms % units[i].ms == 0 || i > 0)) {
			buf_putu(b, (uint64_t)(ms / units[i].ms));
			buf_put(b, str_of(units[i].word));
			ms %= units[i].ms;
		}
}

void
format_bytes(struct buf *b, uint64_t n)
{
	static const char unit[] = "\0KMG";
	unsigned i = 0;

	while (i < 3 && n > 0 && n % 1024 == 0) {
		n /= 1024;
		i++;
	}
	buf_putu(b, n);
	if (i > 0)
		buf_putc(b, unit[i]);
}

void
format_net(struct buf *b, const struct net *net)
{
	char text[IP_TEXT_MAX];

	buf_put(b, ip_format(net->ip, text));
	buf_putc(b, '/');
	buf_putu(b, net->bits);
}

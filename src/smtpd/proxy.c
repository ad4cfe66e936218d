/* SPDX-License-Identifier: ISC */
/*
 * proxy: both forms of the header.  See proxy.h.
 */
#include "smtpd/proxy.h"

#include <string.h>

#include "base/cur.h"
#include "base/num.h"

/* 2.2: twelve octets that no line of any protocol begins with */
static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum { V1_MAX = 107, V2_HEAD = 16 };

static bool
take_word(struct str *rest, struct str *word)
{
	*word = str_split(rest, ' ');
	return word->n > 0;
}

static bool
port_parse(struct str s, uint16_t *out)
{
	uint32_t v;

	if (s.n > 5 || (s.n > 1 && s.p[0] == '0') || !num_parse_u32(s, &v) || v > 65535)
		return false;
	*out = (uint16_t)v;
	return true;
}

/* "PROXY TCP4 src dst sport dport" without its CRLF */
static bool
v1_line(struct str line, struct proxy_header *out)
{
	struct str word, family, src, dst, sport;

	(void)take_word(&line, &word);
	if (!str_eq(word, STR("PROXY")) || !take_word(&line, &family))
		return false;
	if (str_eq(family, STR("UNKNOWN"))) {
		out->local = true;
		return true;
	}
	if (!str_eq(family, STR("TCP4")) && !str_eq(family, STR("TCP6")))
		return false;
	if (!take_word(&line, &src) || !take_word(&line, &dst) || !take_word(&line, &sport))
		return false;
	if (!ip_parse(src, &out->src) || !ip_parse(dst, &out->dst))
		return false;
	if (family.p[3] == '4' && (out->src.v6 || out->dst.v6))
		return false;
	return port_parse(sport, &out->src_port) && port_parse(line, &out->dst_port);
}

static enum proxy
v1_parse(struct str bytes, struct proxy_header *out, size_t *used)
{
	struct str look = str_sub(bytes, 0, V1_MAX);
	ssize_t nl = str_chr(look, '\n');

	if (nl < 0)
		return bytes.n >= V1_MAX ? PROXY_BAD : PROXY_MORE;
	if (nl < 1 || look.p[nl - 1] != '\r' || !v1_line(str_sub(look, 0, (size_t)nl - 1), out))
		return PROXY_BAD;
	*used = (size_t)nl + 1;
	return PROXY_OK;
}

static void
ip_from(struct ip *ip, const char *p, bool v6)
{
	struct sockaddr_storage ss;

	if (v6) {
		struct ip whole = { .v6 = true };

		memcpy(whole.b, p, 16);
		(void)ip_to_sockaddr(whole, 0, &ss);
		(void)ip_from_sockaddr(&ss, ip, NULL);	/* folds ::ffff:a.b.c.d */
	} else {
		*ip = (struct ip){};
		memcpy(ip->b, p, 4);
	}
}

static enum proxy
v2_parse(struct str b, struct proxy_header *out, size_t *used)
{
	unsigned command, family;
	size_t len;

	if (b.n < V2_HEAD)
		return PROXY_MORE;
	command = (unsigned char)b.p[12];
	family = (unsigned char)b.p[13];
	len = get_be16(b.p + 14);
	if (command >> 4 != 2 || (command & 15) > 1 || len > PROXY_MAX - V2_HEAD)
		return PROXY_BAD;
	if (b.n < V2_HEAD + len)
		return PROXY_MORE;
	*used = V2_HEAD + len;
	b = str_sub(b, V2_HEAD, len);
	if ((command & 15) == 0 || family == 0x00) {
		out->local = true;
		return PROXY_OK;
	}
	if (family == 0x11 && len >= 12) {
		ip_from(&out->src, b.p, false), ip_from(&out->dst, b.p + 4, false);
		out->src_port = get_be16(b.p + 8), out->dst_port = get_be16(b.p + 10);
		return PROXY_OK;
	}
	if (family == 0x21 && len >= 36) {
		ip_from(&out->src, b.p, true), ip_from(&out->dst, b.p + 16, true);
		out->src_port = get_be16(b.p + 32), out->dst_port = get_be16(b.p + 34);
		return PROXY_OK;
	}
	return PROXY_BAD;
}

enum proxy
proxy_parse(struct str bytes, struct proxy_header *out, size_t *used)
{
	size_t n = MIN(bytes.n, sizeof(signature));

	*out = (struct proxy_header){};
	*used = 0;
	if (bytes.n == 0)
		return PROXY_MORE;
	if (memcmp(bytes.p, signature, n) == 0)
		return n < sizeof(signature) ? PROXY_MORE : v2_parse(bytes, out, used);
	n = MIN(bytes.n, (size_t)6);
	if (memcmp(bytes.p, "PROXY ", n) != 0)
		return PROXY_BAD;
	return v1_parse(bytes, out, used);
}

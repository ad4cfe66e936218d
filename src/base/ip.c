/* SPDX-License-Identifier: ISC */
/*
 * ip: parsing through inet_pton, which takes exactly the forms of RFC 4291 2.2; formatting through
 * inet_ntop.
 *
 * No memory, no resolver.
 */
#include "base/ip.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped_head[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void
fold(struct ip *ip)
{
	if (!ip->v6 || memcmp(ip->b, mapped_head, sizeof mapped_head) != 0)
		return;
	memmove(ip->b, ip->b + 12, 4);
	memset(ip->b + 4, 0, 12);
	ip->v6 = false;
}

bool
ip_parse(struct str s, struct ip *out)
{
	char z[IP_TEXT_MAX];
	struct ip ip = {};

	if (s.n == 0 || s.n >= sizeof z || memchr(s.p, '\0', s.n))
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	ip.v6 = memchr(s.p, ':', s.n) != NULL;
	if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, z, ip.b) != 1)
		return false;
	fold(&ip);
	*out = ip;
	return true;
}

struct str
ip_format(struct ip ip, char text[IP_TEXT_MAX])
{
	if (!ip.v6) {
		size_t n = 0;

		for (size_t i = 0; i < 4; i++) {
			n += num_format_u64(ip.b[i], text + n);
			text[n++] = '.';
		}
		text[--n] = '\0';
		return (struct str){ text, n };
	}
	if (!inet_ntop(AF_INET6, ip.b, text, IP_TEXT_MAX))
		text[0] = '\0';
	return str_of(text);
}

bool
ip_eq(struct ip a, struct ip b)
{
	return a.v6 == b.v6 && memcmp(a.b, b.b, sizeof a.b) == 0;
}

static bool
in(struct ip ip, const char *net)
{
	struct net n;

	return net_parse(str_of(net), &n) && net_has(n, ip);
}

bool
ip_is_loopback(struct ip ip)
{
	return ip.v6 ? in(ip, "::1") : ip.b[0] == 127;
}

bool
ip_is_any(struct ip ip)
{
	static const uint8_t zero[16];

	return memcmp(ip.b, zero, sizeof zero) == 0;
}

bool
ip_is_private(struct ip ip)
{
	static const char *const nets[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
		"100.64.0.0/10", "fc00::/7", "fe80::/10",
	};

	for (size_t i = 0; i < COUNT(nets); i++)
		if (in(ip, nets[i]))
			return true;
	return false;
}

struct net
net_of(struct ip ip, unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		ip.b[i / 8] &= (uint8_t)~(0x80 >> (i % 8));
	return (struct net){ .ip = ip, .bits = bits };
}

bool
net_parse(struct str s, struct net *out)
{
	struct str addr = s, bits = {};
	ssize_t slash = str_chr(s, '/');
	struct net net;
	uint32_t n;

	if (slash >= 0) {
		addr = str_sub(s, 0, (size_t)slash);
		bits = str_skip(s, (size_t)slash + 1);
	}
	if (!ip_parse(addr, &net.ip))
		return false;
	n = net.ip.v6 ? 128 : 32;
	if (slash >= 0 && (bits.n > 3 || !num_parse_u32(bits, &n)))
		return false;
	/* A v4-mapped network was written with the bits of v6. */
	if (slash >= 0 && !net.ip.v6 && str_chr(addr, ':') >= 0)
		n = n < 96 ? 1000 : n - 96;
	if (n > (net.ip.v6 ? 128U : 32U))
		return false;
	net.bits = n;
	if (!ip_eq(net_of(net.ip, n).ip, net.ip))
		return false;
	*out = net;
	return true;
}

bool
net_has(struct net net, struct ip ip)
{
	unsigned whole = net.bits / 8, rest = net.bits % 8;

	if (net.ip.v6 != ip.v6 || memcmp(net.ip.b, ip.b, whole) != 0)
		return false;
	return rest == 0 || (net.ip.b[whole] ^ ip.b[whole]) >> (8 - rest) == 0;
}

bool
ip_from_sockaddr(const struct sockaddr_storage *ss, struct ip *out, uint16_t *port)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	*out = (struct ip){};
	if (ss->ss_family == AF_INET) {
		memcpy(&in4, ss, sizeof in4);
		memcpy(out->b, &in4.sin_addr, 4);
		if (port)
			*port = ntohs(in4.sin_port);
		return true;
	}
	if (ss->ss_family != AF_INET6)
		return false;
	memcpy(&in6, ss, sizeof in6);
	memcpy(out->b, &in6.sin6_addr, 16);
	out->v6 = true;
	fold(out);
	if (port)
		*port = ntohs(in6.sin6_port);
	return true;
}

socklen_t
ip_to_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	*out = (struct sockaddr_storage){};
	if (!ip.v6) {
		memcpy(&in4.sin_addr, ip.b, 4);
		memcpy(out, &in4, sizeof in4);
		return sizeof in4;
	}
	memcpy(&in6.sin6_addr, ip.b, 16);
	memcpy(out, &in6, sizeof in6);
	return sizeof in6;
}

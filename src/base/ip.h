/* SPDX-License-Identifier: ISC */
/*
 * ip: addresses and networks of both families, by value.
 *
 * 1. A v4 address lies in b[0..3], the rest zero; a v4-mapped v6 address (::ffff:a.b.c.d) is folded
 *    to v4 wherever one is made here, so that equal hosts compare equal.
 * 2. A net's host bits are zero.
 * Texts: RFC 4291 2.2 in, RFC 5952 out; no zone ids.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

struct ip {
	uint8_t b[16];
	bool v6;
};

struct net {
	struct ip ip;
	unsigned bits;
};

enum { IP_TEXT_MAX = 46 };

[[nodiscard]] bool ip_parse(struct str s, struct ip *out);
/* Into text (IP_TEXT_MAX bytes, also NUL-terminated there). */
struct str ip_format(struct ip ip, char text[IP_TEXT_MAX]);

bool ip_eq(struct ip a, struct ip b);
bool ip_is_loopback(struct ip ip);
bool ip_is_any(struct ip ip);
/* RFC 1918, RFC 4193, link-local of both families, RFC 6598. */
bool ip_is_private(struct ip ip);

/* "a.b.c.d/24", "2001:db8::/32", or an address alone (all bits).  Host bits must be zero. */
[[nodiscard]] bool net_parse(struct str s, struct net *out);
bool net_has(struct net net, struct ip ip);
/* The network of ip with that many bits (the rest zeroed). */
struct net net_of(struct ip ip, unsigned bits);

/* False for another family than INET and INET6.  port may be NULL. */
bool ip_from_sockaddr(const struct sockaddr_storage *ss, struct ip *out, uint16_t *port);
socklen_t ip_to_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *out);

#endif

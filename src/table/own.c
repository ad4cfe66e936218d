/* SPDX-License-Identifier: ISC */
/*
 * own: see own.h.  The list is this process's, filled once.
 */
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "table/key.h"
#include "table/own.h"

enum { OWN_MAX = 256, OWN_MARK = 'o' };

static struct ip own[OWN_MAX];
static size_t nown;
static bool learnt;

void
own_addresses_learn(void)
{
	struct ifaddrs *list, *i;

	if (learnt || getifaddrs(&list) != 0)
		return;
	learnt = true;
	for (i = list; i != NULL && nown < OWN_MAX; i = i->ifa_next) {
		struct sockaddr_storage ss = {};
		struct ip ip;

		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET &&
		    i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&ss, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		if (ip_from_sockaddr(&ss, &ip, NULL) && !ip_is_loopback(ip) && !ip_is_any(ip))
			own[nown++] = ip;
	}
	freeifaddrs(list);
}

static void
own_key(struct key *k, struct ip ip)
{
	k->p[0] = OWN_MARK;
	k->p[1] = ip.v6 ? '6' : '4';
	memcpy(k->p + 2, ip.b, ip.v6 ? 16 : 4);
	k->n = ip.v6 ? 18 : 6;
}

void
own_addresses_build(struct image_builder *b)
{
	for (size_t i = 0; i < nown; i++) {
		struct key k;

		own_key(&k, own[i]);
		(void)image_add(b, key_str(&k), STR(""));
	}
}

bool
tables_own_address(const struct tables *t, struct ip ip)
{
	struct str value;
	struct key k;

	own_key(&k, ip);
	return image_get(&t->img, key_str(&k), &value);
}

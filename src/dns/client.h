/* SPDX-License-Identifier: ISC */
/*
 * client: DNS for every role but the resolver: questions over IPC, answers cached until their ttl.
 *
 * 1. A question ends at its deadline whatever the resolver does; a resolver that was restarted gets
 *    the questions still open again.  Without a resolver the answer is DNS_TEMP at the deadline.
 * 2. The cache is bounded in entries and bytes; failures are never cached.
 *
 * One client a process, made by the role body; owns its channel.
 */
#ifndef DNS_CLIENT_H
#define DNS_CLIENT_H

#include "dns/dns.h"

struct dns_client;

struct dns_client *dns_client_new(void);		/* NULL: no memory */
void dns_client_free(struct dns_client *c);		/* nobody may be waiting */

/* A channel to the resolver: from on_peer of a role that has ROLE_RESOLVER as peer.  Takes fd. */
void dns_client_attach(struct dns_client *c, int fd, const char *peer_name);

/* Lives as long as c.  ask and ask_many suspend. */
const struct dns_ops *dns_client_ops(struct dns_client *c);

struct dns_client_stats {
	uint64_t asked, hits, timeouts;
	size_t entries, bytes, pending;
};
struct dns_client_stats dns_client_stats(const struct dns_client *c);

#endif

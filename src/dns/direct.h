/* SPDX-License-Identifier: ISC */
/*
 * direct: DNS in this very process, without roles: for verbs of the command line and tests.
 *
 * Every question goes to libunbound; nothing is cached but by it.  Needs the real loop.
 */
#ifndef DNS_DIRECT_H
#define DNS_DIRECT_H

#include "conf/config.h"
#include "dns/dns.h"

struct dns_direct;

/* On the loop's stack.  NULL: *why. */
struct dns_direct *dns_direct_new(const struct dns_conf *conf, const char **why);
/* ask suspends */
const struct dns_ops *dns_direct_ops(struct dns_direct *d);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * names: what DNS says of a client and of a sender's domain, as facts.
 *
 * All suspend and end by their deadline; without DNS (ops NULL) the answer is "not asked".
 */
#ifndef SMTPD_NAMES_H
#define SMTPD_NAMES_H

#include "dns/dns.h"
#include "policy/facts.h"

enum { CLIENT_NAME_MAX = 255 };

/* The client's name, verified both ways: PTR, and an address record that leads back.  Into room
 * (CLIENT_NAME_MAX octets); empty: it has none.  *later: could not be asked.  suspends */
struct str client_name(const struct dns_ops *dns, struct ip ip, struct arena *a, char *room,
    bool *later);
/* Does mail for that domain lead anywhere?  RFC 5321 5.1, RFC 7505.  suspends */
enum dns_fact sender_domain(const struct dns_ops *dns, struct str domain, struct arena *a);

#endif

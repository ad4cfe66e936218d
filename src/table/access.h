/* SPDX-License-Identifier: ISC */
/*
 * access: sendmail's access map: what the administrator says about hosts, networks, addresses.
 *
 *	Connect:192.0.2   RELAY        From:bulk.example  ERROR:5.7.1:550 no      To:old@  REJECT
 *
 * 1. Keys: host or domain (with all below it), octets or CIDR, IPv6:, user@domain, user@, [IP],
 *    certificate names; with a tag or without one.  Letters compare without regard to case.
 * 2. Orders are sendmail's: the longest match wins; at equal length the tag comes before the plain
 *    key; SKIP ends a search as if nothing had been there.
 * 3. RELAY is one of postern's grants (network, verified host name, destination, certificate) and
 *    From: RELAY is refused when the file is read: a sender can never be a grant.
 *
 * Look-ups are pure, on the image; texts point into it.  Built by table_build (TABLE_ACCESS).
 */
#ifndef TABLE_ACCESS_H
#define TABLE_ACCESS_H

#include "base/ip.h"
#include "mail/path.h"
#include "table/tables.h"

enum access_tag {
	ACC_PLAIN, ACC_CONNECT, ACC_FROM, ACC_TO, ACC_SPAM, ACC_TLS_SRV, ACC_TLS_CLT, ACC_TLS_RCPT,
	ACC_TRY_TLS, ACC_CERT_ISSUER, ACC_CERT_SUBJECT, ACC_AUTH_INFO, ACC_SRV_FEATURES,
	ACC_CLT_FEATURES, ACC_CLIENT_RATE, ACC_CLIENT_CONN, ACC_GREET_PAUSE,
	ACC_OWN,			/* the administrator's tags, for +CITag: */
};

enum access_act {
	ACC_NONE,			/* nothing found */
	ACC_OK, ACC_RELAY, ACC_REJECT, ACC_DISCARD, ACC_SKIP,
	ACC_ERROR,			/* text: "550 5.7.1 words" */
	ACC_QUARANTINE,			/* text: the reason */
	ACC_FRIEND, ACC_HATER,		/* of Spam: */
	ACC_SUBJECT,			/* of CertIssuer: */
	ACC_LEVEL,			/* of TLS_*: see access_level */
	ACC_VALUE,			/* text of the other tags */
};

struct access_map {
	const struct tables *t;
	struct str file;		/* empty: no map, nothing is ever found */
	bool exact_hosts;		/* relay_hosts_only: RELAY by name is not for names below */
};

struct access_hit {
	enum access_act act;
	unsigned line;
	struct str text;
};

struct access_level {
	bool verify, permanent;
	unsigned bits;			/* 0: any */
	struct str extra;		/* "CN:name++CS:..." as written */
};

/* False: there is a map and it could not be read yet. */
bool access_ready(const struct access_map *m);
/* Names of hosts stand in it: the client's name must be looked up. */
bool access_needs_name(const struct access_map *m);

/* A domain and its parents; an address or a network that holds it, longest first. */
struct access_hit access_domain(const struct access_map *m, enum access_tag tag, struct str name);
struct access_hit access_net(const struct access_map *m, enum access_tag tag, struct ip ip);
/* The map's word on a connection: host is empty unless it was verified both ways. */
struct access_hit access_connect(const struct access_map *m, struct ip ip, struct str host);
/* May the client relay?  By address (*by_name false) or by verified name. */
struct access_hit access_relay_client(const struct access_map *m, struct ip ip, struct str host,
    bool *by_name);
struct access_hit access_from(const struct access_map *m, const struct path *p);
/* A recipient: user@ keys count for local ones alone; plain keys only when plain is set. */
struct access_hit access_to(const struct access_map *m, const struct path *p, bool local,
    bool plain);
/* RELAY for the recipient's domain or its whole address. */
struct access_hit access_relay_to(const struct access_map *m, const struct path *p);
/* Spam: FRIEND or HATER of a recipient. */
struct access_hit access_spam(const struct access_map *m, const struct path *p);
/* TLS_Srv, TLS_Clt and the like: host, address, then the tag alone. */
struct access_hit access_host(const struct access_map *m, enum access_tag tag, struct ip ip,
    struct str host);
/* TLS_Rcpt: user@domain, user@, the domain and its parents, then the tag alone. */
struct access_hit access_rcpt(const struct access_map *m, const struct path *p);
/* A certificate that was verified, by its names in slash form: RELAY or nothing. */
struct access_hit access_cert(const struct access_map *m, struct str issuer, struct str subject);
/* OWN tag and name, for +CITag:. */
struct access_hit access_own(const struct access_map *m, struct str tag, struct str name);

/* Of an ACC_LEVEL text. */
bool access_level_parse(struct str text, struct access_level *out);
const char *access_act_name(enum access_act act);
const char *access_tag_name(enum access_tag tag);

/* Every RELAY line, for the proof and `postern check`: in no order. */
struct access_relay {
	enum access_tag tag;
	char form;			/* ACCESS_ of access_key.h: 'n', 'b', 'h', 'a', 's' */
	struct net net;
	struct str name;
	unsigned line;
};
void access_relays(const struct access_map *m,
    void (*found)(void *arg, const struct access_relay *r), void *arg);

/* Every line that has an effect, in the order of the file.  *at begins as 0. */
struct access_entry {
	enum access_tag tag;
	char form;			/* as above, and 'u' user@, 'd' the tag alone */
	struct net net;
	struct str name;		/* lower case */
	struct access_hit hit;
};
bool access_next(const struct access_map *m, uint64_t *at, struct access_entry *out);

#endif

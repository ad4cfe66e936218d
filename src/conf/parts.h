/* SPDX-License-Identifier: ISC */
/*
 * parts: what the blocks of postern.conf become: listeners, domains, grants, routes, DNS, log.
 *
 * Plain structs inside the snapshot (conf/config.h), which owns all their memory.  Nothing here
 * is ever changed after config_parse.
 */
#ifndef CONF_PARTS_H
#define CONF_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

enum listener_kind { L_MX, L_SUBMISSION, L_LMTP, L_LOCAL };
/* REQUIRED: STARTTLS, and no mail without it */
enum listener_tls { LTLS_OFF, LTLS_STARTTLS, LTLS_IMPLICIT, LTLS_REQUIRED };
/* Default: required on submission, off elsewhere. */
enum listener_auth { LAUTH_DEFAULT, LAUTH_OFF, LAUTH_OFFERED, LAUTH_REQUIRED };
enum client_certs { CERTS_OFF, CERTS_REQUEST, CERTS_REQUIRE };

struct nets { struct net *net; size_t n; };

struct listener {
	struct str name;		/* unique: given, or kind and number ("mx", "mx2") */
	enum listener_kind kind;
	struct ip ip;			/* TCP when path is empty */
	uint16_t port;
	struct str path;		/* Unix socket */
	unsigned mode;			/* ... and its permissions */
	enum listener_tls tls;
	enum listener_auth auth;	/* may, must clients say who they are? */
	enum client_certs client_certs;	/* do we ask clients for certificates? */
	struct str client_ca;		/* PEM file of who vouches for them; empty: nobody */
	struct nets proxy_from;		/* peers that must send a PROXY header */
	struct nets xclient_from;	/* peers that may use XCLIENT */
	struct str greeting;		/* text after the hostname; empty: "ESMTP" */
	unsigned line;
};

enum users_kind { USERS_NONE, USERS_FILE, USERS_SYSTEM };
/* Where passwords are checked; DEFAULT became FILE or NONE when the snapshot is there. */
enum passwords_kind {
	PW_DEFAULT, PW_NONE, PW_FILE, PW_DOVECOT, PW_PAM, PW_SQLITE, PW_POSTGRESQL, PW_LDAP,
};
enum deliver_kind { DLV_MAILDIR, DLV_LMTP, DLV_DISCARD };

/* Only active keys sign; all of them are ours when mail comes back. */
enum dkim_stage { DKIM_ACTIVE, DKIM_NEXT, DKIM_RETIRING };
struct dkim_key { struct str selector, file; enum dkim_stage stage; unsigned line; };

struct domain {
	struct str name;		/* lower case */
	enum users_kind users;
	struct str users_file, aliases_file, virtusers_file;	/* empty: none */
	bool batv, batv_required;	/* senders are tagged; bounces must be */
	struct str forwards_file;	/* ... of users, see table/forwards.h */
	enum passwords_kind passwords;
	struct str passwords_at;	/* file, socket or service */
	struct str catch_all;		/* user of this domain, or an address; empty: none */
	char detail;			/* separator of user+detail; 0: none */
	struct str junk_detail;		/* of junk handed over by LMTP; empty: none */
	enum deliver_kind deliver;
	struct str maildir;		/* template with {domain} {user} {home} */
	struct str lmtp;		/* host:port or /path */
	uint32_t mail_uid, mail_gid;	/* owner of virtual mailboxes without ids of their own */
	bool mail_ids_set;		/* false: the user local runs as */
	struct dkim_key *dkim;
	size_t ndkim;
	unsigned line;
};

/* The closed list.  A sender address narrows a grant (sending_as) and can never be one. */
enum grant_kind {
	GRANT_AUTHENTICATED, GRANT_LOCAL_UID, GRANT_HOSTNAME, GRANT_NETWORK,
	GRANT_CERTIFICATE, GRANT_POP, GRANT_DESTINATION,
};

struct grant {
	enum grant_kind kind;
	struct str name;		/* "file:line", for explain and the log */
	struct net net;			/* NETWORK */
	struct str domain;		/* DESTINATION: ".name" takes sub-domains */
	struct str via;			/* DESTINATION: hop, or empty */
	struct str recipients_file;	/* DESTINATION: known recipients, or empty: all */
	struct str pin, ca_file, san;	/* CERTIFICATE: sha256 pin, or private CA and name */
	uint32_t uid;			/* LOCAL_UID */
	bool uid_any;
	bool test;			/* made by the test block: loopback is taken */
	int64_t pop_ms;			/* POP: life of a login */
	struct str *sending_as;		/* domains or addresses the sender must be one of */
	size_t nsending_as;		/* 0: not narrowed; a network or certificate: to our own */
	bool sending_any;		/* sending-as any */
	unsigned line;
};

/* `may-send WHO ADDRESS ...`: WHO is a login, uid:NUMBER-OR-NAME, or members:LIST@DOMAIN; an
 * address may be @domain, all of it. */
struct may_send { struct str who; struct str *addr; size_t naddr; unsigned line; };

enum hop_kind { HOP_MX, HOP_HOST, HOP_LMTP, HOP_DISCARD, HOP_ERROR };

/* `route DOMAIN via HOP`, parsed once; DOMAIN "*" is everything else, ".name" the sub-domains */
struct hop {
	enum hop_kind kind;		/* MX: look up MX of host; HOST: its addresses only */
	struct str host;		/* name or address literal without brackets, or /path */
	uint16_t port;			/* 25 unless given; 24 for lmtp */
	struct str text;		/* ERROR: "550 5.7.0 no" */
	struct str word;		/* as written */
};

struct route_line { struct str domain; struct hop hop; unsigned line; };

struct dns_server { struct ip ip; uint16_t port; };
struct dns_stub { struct str zone; struct dns_server *server; size_t nserver; };

struct dns_conf {
	struct dns_server *server;	/* forwarders; none: ask from the root */
	size_t nserver;
	struct dns_stub *stub;
	size_t nstub;
	struct str *anchor;		/* DS or DNSKEY lines */
	size_t nanchor;
	struct str anchor_file;
	bool query_localhost;		/* servers on loopback are allowed, for tests */
	bool validate;
};

struct log_conf {
	struct str path;		/* empty: standard error */
	bool json;
	unsigned level;			/* 0 debug, 1 info, 2 warning, 3 error */
};

/* Only where every listener is on loopback: what the suites' profile needs. */
struct test_conf {
	bool on;
	struct str accepted_file;	/* one JSON line for each accepted message */
	struct ip assume_peer;		/* every client is this one */
	bool assume_peer_set, auth_on_mx;
	bool check_senders;		/* false: nobody asks who wrote a message */
};

struct role_id { uint32_t uid, gid; };

#endif

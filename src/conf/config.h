/* SPDX-License-Identifier: ISC */
/*
 * config: one immutable snapshot of postern.conf, checked and complete.
 *
 * 1. A struct config exists only if its text had no mistake; every field has its effective value.
 * 2. All slices and arrays live in the snapshot's own memory and end with config_free.
 * 3. Paths are absolute when the file's own name was: relative ones are taken from its folder.
 *
 * Every role parses the same text (keeper hands it over) and so has the same snapshot; indexes of
 * listeners and domains are the same everywhere.  Parsing opens no file: conf/ is pure.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/auth.h"
#include "conf/filters.h"
#include "conf/limits.h"
#include "conf/parts.h"
#include "conf/roles.h"
#include "conf/senders.h"

/* sendmail's PrivacyOptions by their names (requirement A46); bits of config.privacy */
enum {
	PRIV_NEEDMAILHELO = 1 << 0, PRIV_NEEDEXPNHELO = 1 << 1, PRIV_NEEDVRFYHELO = 1 << 2,
	PRIV_NOEXPN = 1 << 3, PRIV_NOVRFY = 1 << 4, PRIV_NOVERB = 1 << 5, PRIV_NOETRN = 1 << 6,
	PRIV_AUTHWARNINGS = 1 << 7, PRIV_RESTRICTMAILQ = 1 << 8, PRIV_RESTRICTQRUN = 1 << 9,
	PRIV_RESTRICTEXPAND = 1 << 10, PRIV_NOBODYRETURN = 1 << 11, PRIV_NORECEIPTS = 1 << 12,
	PRIV_NOACTUALRECIPIENT = 1 << 13, PRIV_NOREFLECTION = 1 << 14,
};

struct cert { struct str chain, key; };

struct config {
	struct str file;		/* where the text came from */
	struct str hostname;		/* lower case */
	struct str spool_dir;
	struct str run_dir;		/* control sockets, pid file */
	struct str data_dir;		/* small state of lookup */
	struct str greeting;		/* default of listeners */
	uint64_t workers, clients;	/* smtpd and smtpc processes; 0: one per core */
	uint64_t privacy;		/* PRIV_ bits */
	bool announce_binarymime;
	struct cert *cert;
	size_t ncert;
	struct listener *listener;
	size_t nlistener;
	struct domain *domain;		/* the first is the main one: it answers for bare names */
	size_t ndomain;
	struct grant *grant;
	size_t ngrant;
	struct route_line *route;
	size_t nroute;
	struct str routes_file;		/* mailertable; asked after `route` lines; empty: none */
	struct str access_file;		/* sendmail's access map; empty: none */
	bool relay_hosts_only;		/* its RELAY names are not for names below them */
	bool blocklist_recipients;	/* its keys without tag count for recipients too */
	bool accept_unqualified;	/* senders without a domain */
	unsigned forward_unsigned;	/* enum forward_unsigned of policy/forward.h */
	bool accept_unresolvable;	/* senders whose domain cannot be found */
	struct may_send *may_send;
	size_t nmay_send;
	struct str *observe;		/* names of rules that only tell what they would do */
	size_t nobserve;
	bool observe_all;		/* ... all that can */
	struct filter_conf *filter;	/* milters and policy services, in the order of asking */
	size_t nfilter;
	struct nets exempt;		/* peers without limits per address */
	struct nets normalise;		/* peers whose bare LF is mended on the way in */
	struct limits lim;
	struct senders_conf senders;
	struct dns_conf dns;
	struct role_id role[ROLE_COUNT];
	struct auth_conf auth;
	struct log_conf log;
	struct test_conf test;
	struct conf_origins *origins;	/* line of each table setting; for `config show` */
	struct map *domain_index;	/* of config_domain */
	struct arena *memory;
};

struct conf_error {
	unsigned line, col;		/* from 1; 0: the file as a whole */
	struct str text;
};

/* All mistakes of one file, in order of place.  Zero is an empty list. */
struct conf_errors {
	struct conf_error *e;
	size_t n, cap;
};

/*
 * The whole text is read and every mistake collected; NULL when there was one (then errs->n > 0).
 * errs owns its texts: free it with conf_errors_done in either case.
 */
struct config *config_parse(struct str text, const char *file, struct conf_errors *errs);
void config_free(struct config *cfg);
void conf_errors_done(struct conf_errors *errs);

/* Built-in defaults for hostname and one domain, no file: unit tests of other modules. */
struct config *config_minimal(const char *hostname, const char *domain);

/* The domain of that name, without regard to case; NULL: not ours. */
const struct domain *config_domain(const struct config *cfg, struct str name);

/* True if ip is in one of the nets. */
bool nets_have(const struct nets *nets, const struct ip *ip);

#endif

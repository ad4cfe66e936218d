/* SPDX-License-Identifier: ISC */
/*
 * senders: what the configuration says about who may be believed to have written a message.
 *
 * Plain structs inside the snapshot (conf/config.h).  Every exception names its owner, its reason
 * and its end where they were given; one whose day has passed means nothing any more.
 */
#ifndef CONF_SENDERS_H
#define CONF_SENDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

enum unverified { UNVERIFIED_JUNK, UNVERIFIED_INBOX, UNVERIFIED_REJECT };
enum dmarc_reject { DMARC_REJECT_CORROBORATED, DMARC_REJECT_ALWAYS, DMARC_REJECT_NEVER };
enum replay_act { REPLAY_LOG, REPLAY_JUNK };
enum must_sign { MUST_SIGN_NO, MUST_SIGN_ANY, MUST_SIGN_SMIME, MUST_SIGN_OPENPGP };
/* Which of our domains' signatures prove that mail from outside is ours. */
enum own_dkim { OWN_DKIM_PUBLISHED, OWN_DKIM_DECLARED, OWN_DKIM_LOCAL };
enum forwarder_via { VIA_SPF_HOST, VIA_DKIM, VIA_CERT, VIA_NET };

enum { FORWARDERS_MAX = 30, ALLOWED_MAX = 30 };	/* of those that are for some recipients */

struct exception {
	struct str owner, reason;	/* empty: not given */
	struct str until;		/* as written, empty: for good */
	int64_t until_s;		/* Unix time of its end; 0: for good */
	unsigned line;
};

struct forwarder {
	struct str name;		/* a domain */
	enum forwarder_via via;
	struct str pin;			/* CERT */
	struct net net;			/* NET */
	struct str *to;			/* whose forwarder it is; none: everybody's */
	size_t nto;
	bool inbox;			/* what it brings may reach the inbox */
	struct exception x;
};

struct outside_sender { struct str domain; struct exception x; };

struct allowed_author {
	struct str who;			/* "local@domain" or "@domain", lower case */
	struct str *to;
	size_t nto;
	struct exception x;
};

struct vip { struct str name; struct str *addr; size_t naddr; unsigned line; };

struct senders_conf {
	unsigned unverified;		/* enum unverified */
	unsigned dmarc_reject;		/* enum dmarc_reject */
	unsigned own_dkim;		/* enum own_dkim */
	unsigned replay;		/* enum replay_act */
	unsigned must_sign;		/* enum must_sign */
	uint64_t replay_count;
	bool own_strict;
	struct str *protect;
	size_t nprotect;
	struct str *arc_trust;
	size_t narc_trust;
	struct vip *vip;
	size_t nvip;
	struct forwarder *forwarder;
	size_t nforwarder;
	struct outside_sender *outside;
	size_t noutside;
	struct allowed_author *allowed;
	size_t nallowed;
};

struct config;
struct buf;

/* Each of its statements as it would be written. */
void senders_each(const struct config *cfg,
    void (*put)(void *ctx, const char *name, struct str value, unsigned line), void *ctx);
/* One line for each loosening and exception; how many. */
size_t senders_loosened(const struct config *cfg, struct buf *out);

#endif

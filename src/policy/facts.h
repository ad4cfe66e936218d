/* SPDX-License-Identifier: ISC */
/*
 * facts: everything a verdict may depend on, gathered by the stages of a session.
 *
 * 1. decide() sees nothing but these and the compiled policy: two sessions with equal facts get
 *    equal verdicts, and `postern explain` can replay one from what was recorded.
 * 2. A fact that nobody gathered is zero, and zero never grants anything.
 * 3. Slices belong to the session; facts own no memory.
 *
 * TLS, AUTH, certificate and POP facts are filled by the stages of those names.
 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "conf/parts.h"
#include "mail/path.h"
#include "policy/sender.h"
#include "tls/facts.h"

/* What a recipient (or an own sender) is; from route/ask, in policy's words. */
enum dest {
	DEST_NONE,			/* not asked */
	DEST_LOCAL,			/* a mailbox or alias here */
	DEST_RELAYED,			/* a domain we relay for */
	DEST_REMOTE,			/* somebody else's */
	DEST_UNKNOWN,			/* our domain, no such address */
	DEST_DISABLED,
	DEST_FULL,
	DEST_LATER,			/* could not be asked */
};

/* GOOD: vault knows it for one of ours. */
enum srs_fact { SRSF_NONE, SRSF_GOOD, SRSF_BAD, SRSF_LATER };

enum dns_fact { DNSF_NONE, DNSF_OK, DNSF_NXDOMAIN, DNSF_NULL_MX, DNSF_TEMP };

/* Who the client is known to be.  At most one of them speaks. */
struct identity {
	struct str user;		/* AUTH; empty: none */
	bool trusted;			/* ... by a mechanism that may grant relay */
	struct str cert;		/* pin of a certificate that was verified, or is granted */
	struct str pop_user;		/* recent POP login from this address */
	struct str host;		/* name of the client verified both ways (FCrDNS) */
	bool host_later;		/* ... could not be looked up now */
	bool local;			/* Unix socket with peer credentials */
	uint32_t uid;			/* ... whose */
	struct str uid_name;		/* ... called; empty: not known */
};

/* Addresses of the message itself that name who writes. */
enum author_field { AUTHOR_FROM, AUTHOR_SENDER, AUTHOR_RESENT_FROM, AUTHOR_RESENT_SENDER };

struct author {
	enum author_field field;
	bool bad;			/* no address can be read from it */
	struct str local, domain;
};

enum body_signed { SIGNED_NO, SIGNED_SMIME, SIGNED_OPENPGP };

enum content_fault {			/* a set */
	CONTENT_BARE = 1,		/* CR or LF alone */
	CONTENT_NUL = 2,
	CONTENT_LONG_LINE = 4,
	CONTENT_SIZE = 8,
	CONTENT_HEADER = 16,		/* too many fields or octets */
	CONTENT_LOOP = 32,		/* too many Received fields */
	CONTENT_8BIT_HEADER = 64,	/* not a fault by itself */
};

struct content_facts {
	unsigned faults;		/* enum content_fault */
	uint64_t size;
	unsigned received;
	unsigned from, sender, date, subject;	/* fields of that name */
};

struct facts {
	/* connect */
	enum listener_kind listener;
	struct str listener_name;
	bool have_ip;
	struct ip ip;			/* the client, after PROXY and XCLIENT */
	struct ip server_ip;		/* our end; zero when unknown */
	bool full, full_ip, rate_ip;	/* limits reached */
	bool blocked;			/* a local block list names the client */
	bool early_talk;
	bool suspended;			/* the address showed too many senders: no network grant */
	struct str client_ca;		/* who vouches for certificates on this listener */
	/* hello */
	struct str helo;
	bool helo_literal;
	struct ip helo_ip;
	/* TLS and identity */
	bool tls;
	bool tls_needed;		/* the listener takes no mail without */
	enum tls_verify verify;
	struct str tls_version, tls_cipher;
	unsigned tls_bits;
	const struct tls_peer *peer;	/* certificate of the client; NULL: none.  See verify. */
	struct identity id;
	/* MAIL */
	const struct path *sender;
	uint64_t size;			/* as declared; 0: not */
	bool spool_full;
	enum dns_fact sender_dns;
	enum dest sender_dest;		/* own-domain sender: what it is here */
	bool sender_sends_nothing;	/* SPF fails, and the domain never sends mail */
	bool sender_bound;		/* the identity's binding covers the sender */
	/* RCPT */
	const struct path *rcpt;
	enum dest dest;
	enum srs_fact tag;		/* of the sort that BATV puts on our senders */
	bool leaves;			/* it has no mailbox here: relayed, or an alias that leads
					 * to other servers alone */
	bool tx_leaves;			/* ... those accepted so far; also known at the end */
	bool srs_taken;			/* such a recipient was accepted: the only one */
	enum srs_fact srs;		/* a rewritten sender, at a domain of ours */
	uint64_t nrcpt;			/* accepted so far */
	uint64_t first_class;		/* policy_rcpt_class of the first one */
	uint64_t unknown;		/* unknown recipients so far in the session */
	/* end of data */
	struct content_facts content;
	bool relays;			/* a recipient was taken by a grant for the source */
	const struct author *author;	/* of those who must be allowed to write so */
	size_t nauthor;
	bool is_report;			/* multipart/report */
	enum body_signed body_signed;	/* by its content type: a claim, not a proof */
	const struct sender_facts *who;	/* NULL: nobody looked, nobody vouches */
	/* who wants to know each rule asked; NULL: nobody */
	const struct policy_trace *trace;
};

#endif

/* SPDX-License-Identifier: ISC */
/*
 * dns: what the rest of postern knows about the domain name system.
 *
 * Answers are typed records in the caller's arena; nobody above this folder sees a packet.  A
 * name is text without its final dot ("" is the root), foreign octets as \DDD.  DNS_BOGUS
 * (DNSSEC says forged) must be treated as DNS_TEMP; it is told apart for the log alone.
 *
 * Whoever asks does it through struct dns_ops: the client of the resolver role (client.h), or
 * a zone as text (zone.h) in tests and for the diagnosis verbs.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"

enum dns { DNS_OK, DNS_NODATA, DNS_NXDOMAIN, DNS_TEMP, DNS_BOGUS };

enum {
	DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16,
	DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52, DNS_SPF = 99,
};

enum {
	DNS_RR_MAX = 512,		/* records of one answer */
	DNS_NAME_TEXT_MAX = 1020,	/* a 255-octet name, every octet escaped */
	DNS_CHAIN_MAX = 16,		/* CNAMEs followed in a packet */
	DNS_PACKED_MAX = 32 * 1024,	/* a packed answer */
	DNS_TTL_MAX = 86400,
	DNS_NEG_TTL_MAX = 900,		/* RFC 2308 5: negative answers are kept shorter */
};

struct dns_mx {
	uint16_t pref;
	struct str host;
};

struct dns_tlsa {
	uint8_t usage, selector, match;
	struct str data;
};

struct dns_rr {
	uint16_t type;
	union {
		struct ip ip;			/* A, AAAA */
		struct dns_mx mx;
		struct str txt;			/* TXT, SPF: the strings joined */
		struct str name;		/* PTR, CNAME, NS */
		struct dns_tlsa tlsa;
	};
};

struct dns_answer {
	enum dns res;
	bool secure;			/* DNSSEC proved every record of it, or its absence */
	uint32_t ttl;
	struct dns_rr *rr;		/* of the type asked for */
	size_t nrr;
	struct str cname_final;		/* where aliases led; empty: the name asked is its own */
};

struct dns_question {
	struct str name;
	uint16_t type;
	struct dns_answer answer;	/* filled by dns_ask_many */
};

/* The way to ask.  deadline is absolute, in now_ms() time.  Both suspend.  ask_many may be NULL. */
struct dns_ops {
	enum dns (*ask)(void *ctx, struct str name, uint16_t type, int64_t deadline,
	    struct arena *a, struct dns_answer *out);
	void (*ask_many)(void *ctx, struct dns_question *q, size_t n, int64_t deadline,
	    struct arena *a);
	void *ctx;
};

static inline enum dns
dns_ask(const struct dns_ops *ops, struct str name, uint16_t type, int64_t deadline,
    struct arena *a, struct dns_answer *out)		/* suspends */
{
	return ops->ask(ops->ctx, name, type, deadline, a, out);
}

/* Asks n questions at once; returns when all have an answer (DNS_TEMP past the deadline).
 * suspends */
void dns_ask_many(const struct dns_ops *ops, struct dns_question *q, size_t n, int64_t deadline,
    struct arena *a);

/* "A" -> 1, "TYPE99" -> 99; false: no such type. */
bool dns_type_parse(struct str word, uint16_t *type);
/* Name of a type for logs: "MX"; "other" for one we do not know. */
struct str dns_type_name(uint16_t type);
const char *dns_res_name(enum dns res);

/* Decodes one response packet (RFC 1035 4): question, CNAME chain, records of the type asked
 * for; the SOA of a negative answer gives its ttl (RFC 2308 5).  False: malformed, *out is
 * DNS_TEMP.
 * Bounded: no input makes it loop, recurse or read outside pkt.  Records live in a. */
[[nodiscard]] bool dns_packet_parse(struct str pkt, uint16_t qtype, struct arena *a,
    struct dns_answer *out);

/* The form answers travel in between roles and rest in caches.  False: too big, or malformed.
 * Unpacked slices are copies in a. */
[[nodiscard]] bool dns_pack(const struct dns_answer *ans, struct buf *b);
[[nodiscard]] bool dns_unpack(struct str packed, struct arena *a, struct dns_answer *out);

/* RFC 1123 2.1 host name as a mail exchanger must have one: LDH labels (and '_'), <= 253, not
 * all digits at the end. */
bool dns_is_hostname(struct str name);

#endif

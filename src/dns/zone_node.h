/* SPDX-License-Identifier: ISC */
/*
 * zone_node: how a zone text lies in memory; between zone_read.c, which makes it, and zone.c, which
 * answers from it.  Nobody else includes this.
 *
 * Every name is a node; its entries hang in one list, records and failure lines alike, and each
 * ancestor of a listed name is a node too, so that "has names below it" is one look-up.  All of it
 * lives in the zone's arena.
 */
#ifndef DNS_ZONE_NODE_H
#define DNS_ZONE_NODE_H

#include "base/map.h"
#include "dns/zone.h"

enum { TYPE_STAR = 0 };

enum fail { FAIL_NONE, FAIL_TEMP, FAIL_BOGUS, FAIL_NXDOMAIN, FAIL_NODATA };

struct entry {
	struct entry *next;
	enum fail fail;			/* FAIL_NONE: a record */
	bool secure;
	uint32_t ttl;
	struct dns_rr rr;		/* of a failure: only the type, TYPE_STAR for all */
};

struct node {
	struct str name;
	struct entry *first, **tail;
	bool listed;
};

struct dns_zone {
	struct arena arena;
	struct map nodes;
	enum fail fallback;
	bool fallback_secure;
	unsigned queries;
	struct dns_ops ops;
};

/* Name without final dot, in lower case. */
struct str zone_key(struct arena *a, struct str name);
/* Where the first label ends: index of its dot, or n. */
size_t zone_label_end(struct str name);
/* Reads all lines into z.  False: *err says where. */
bool zone_read(struct dns_zone *z, struct str text, struct dns_zone_error *err);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * report: aggregate reports of DMARC, RFC 9990 and the older RFC 7489 form: read and written.
 *
 * Reading is offline work (`postern dmarc report`): no role of the server unpacks anything.
 * Foreign input is bounded: REPORT_RATIO_MAX, REPORT_UNPACKED_MAX, the arena; a document type or
 * an entity of its own ends the reading.  Slices lie in the arena.
 */
#ifndef TRUST_REPORT_H
#define TRUST_REPORT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum { REPORT_RATIO_MAX = 100, REPORT_UNPACKED_MAX = 50 << 20, REPORT_ROWS_MAX = 200'000 };

struct report_auth {			/* one of auth_results */
	struct report_auth *next;
	bool dkim;			/* else SPF */
	struct str domain, selector, scope, result, human;
};

struct report_reason {			/* why the policy was not applied */
	struct report_reason *next;
	struct str type, comment;
};

struct report_row {
	struct report_row *next;
	struct str source_ip, disposition, dkim, spf;
	struct str header_from, envelope_from, envelope_to;
	uint64_t count;
	struct report_reason *reason;
	struct report_auth *auth;
};

struct report {
	struct str org, email, extra, id, version, generator;
	int64_t begin, end;		/* seconds since 1970 */
	struct str domain, p, sp, np, adkim, aspf, testing, discovery, fo;
	struct report_row *row;
	size_t nrow;
	uint64_t messages;		/* sum of the counts */
	bool mended;			/* was no well-formed XML: stray '<', '&', no end */
};

/* The XML of a report that comes as XML, gzip, zip, or a mail with one of them.  False: *why. */
bool report_unpack(struct str in, struct buf *out, struct arena *a, const char **why);
/* False: it is none; *why and, for bad XML, *line (else 0). */
bool report_read(struct str xml, struct arena *a, struct report *out, const char **why,
    size_t *line);
/* As XML of RFC 9990.  False: no room. */
bool report_write(const struct report *r, struct buf *out);
/* Appends the gzip of it.  False: no room for what it could be at worst, a little more than the
 * bytes themselves. */
bool report_gzip(struct str bytes, struct buf *out);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * header: the header section of a message as bytes, RFC 5322 2.2 and 4.5.
 *
 * Two ways to read it.  header_scan is fed while the bytes arrive and counts (limits, loops, which
 * fields are there); header_parse cuts a whole header section into fields.  Both take any octets
 * and agree on where the header ends.  Field slices point into the text.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct field {
	struct str name;		/* as written, without white space before the colon */
	struct str value;		/* after the colon, folded as it is, no final CRLF */
	struct str raw;			/* the whole field with its final CRLF */
	bool spaced;			/* white space before the colon: obsolete, suspect */
};

struct header {
	struct field *field;
	size_t n;
	size_t size;			/* octets of the header section without the empty line */
	size_t body_at;			/* where the body begins; == length of text without one */
	bool cut;			/* more fields than fields_max: the rest is not listed */
	bool junk;			/* ended at, or began with, a line that is no field */
};

/* False only when the arena is full.  fields_max 0: no limit. */
bool header_parse(struct str text, struct arena *a, size_t fields_max, struct header *out);

/* The n-th (0 is the first) field of that name; NULL when there is none. */
const struct field *header_find(const struct header *h, struct str name, size_t nth);
size_t header_count(const struct header *h, struct str name);
/* Folding removed, surrounding white space trimmed; the slice itself when nothing was folded. */
struct str field_unfold(const struct field *f, struct arena *a);
/* ftext of RFC 5322 3.6.8 */
bool field_name_valid(struct str name);

enum header_known {			/* fields the scanner counts */
	HDR_OTHER, HDR_RECEIVED, HDR_DATE, HDR_FROM, HDR_SENDER, HDR_REPLY_TO, HDR_TO, HDR_CC,
	HDR_BCC, HDR_MESSAGE_ID, HDR_SUBJECT, HDR_MIME_VERSION, HDR_CONTENT_TYPE,
	HDR_RETURN_PATH, HDR_DELIVERED_TO, HDR_RESENT_FROM, HDR_DKIM_SIGNATURE,
	HDR_AUTO_SUBMITTED,
	HDR_KNOWN_COUNT,
};
enum header_known header_known(struct str name);

struct header_scan {
	uint32_t count[HDR_KNOWN_COUNT];
	uint32_t fields;
	uint64_t size;			/* octets of the header section, with the empty line */
	bool done;			/* the header section has ended */
	bool junk;			/* ended at, or began with, a line that is no field */
	bool eight_bit;			/* octets over 127 in the header */
	unsigned state;			/* private from here */
	unsigned name_n;
	char name[24];
};

/* Takes what it needs of the chunk: returns the octets that belong to the header section. */
size_t header_scan_feed(struct header_scan *h, struct str chunk);
/* The message ended: a field name that was still open is junk. */
void header_scan_end(struct header_scan *h);

#endif

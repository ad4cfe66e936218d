/* SPDX-License-Identifier: ISC */
/*
 * section: the header section of the message that is arriving, kept apart from its body.
 *
 * 1. The draft has the body alone; the section goes before it at the commit, so that fields can be
 *    removed, added and changed until then (filters, forged results, our own).
 * 2. What nobody changes is stored octet by octet as it came.
 * Belongs to the transaction.
 */
#ifndef SMTPD_SECTION_H
#define SMTPD_SECTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/header.h"

enum { SECTION_ROOM = 512 << 10 };	/* for what is added to it */

struct section {
	struct buf text;		/* without the empty line */
	struct header_scan scan;
	bool done;
	bool blank;			/* the empty line is there */
};

void section_init(struct section *x, size_t max);
/* Takes what belongs to the section off the front of *bytes.  True when it is complete. */
bool section_feed(struct section *x, struct str *bytes);
/* It is complete, whatever came: cut where it really ends.  What was behind that, in a; no memory:
 * text.failed. */
struct str section_cut(struct section *x, struct arena *a);
/* As it is now, with its empty line, in a; NULL slice: no memory. */
struct str section_text(const struct section *x, struct arena *a);
/* Without the fields for which gone() says so; how many there were. */
size_t section_strip(struct section *x, bool (*gone)(void *ctx, const struct field *f), void *ctx);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * header_scan: the header section while its bytes arrive, over any chunk borders.
 *
 *	BOL: at the start of a line      BOL_CR: a CR there
 *	NAME: in a field's name          SPACED: white space after the name
 *	VALUE: anything up to the line end
 */
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/header.h"

enum { BOL, BOL_CR, NAME, SPACED, VALUE };

static void
end_section(struct header_scan *h, bool junk)
{
	h->done = true;
	h->junk |= junk;
}

/* The colon: the name is whole. */
static void
begin_value(struct header_scan *h)
{
	h->state = VALUE;
	h->fields++;
	if (h->name_n < sizeof h->name)
		h->count[header_known((struct str){ h->name, h->name_n })]++;
	else
		h->count[HDR_OTHER]++;
}

static void
at_line_start(struct header_scan *h, char ch)
{
	h->name_n = 0;
	if (ch == '\n') {
		end_section(h, false);
	} else if (ch == '\r') {
		h->state = BOL_CR;
	} else if (ascii_iswsp(ch)) {
		h->junk |= h->fields == 0;
		h->state = VALUE;
	} else if (ascii_isgraph(ch) && ch != ':') {
		h->name[h->name_n++] = ch;
		h->state = NAME;
	} else {
		end_section(h, true);
	}
}

static void
in_name(struct header_scan *h, char ch)
{
	bool first_from = h->fields == 0 && h->name_n == 4 && memcmp(h->name, "From", 4) == 0;

	if (ch == ':') {
		begin_value(h);
	} else if (ascii_iswsp(ch)) {
		h->state = SPACED;
	} else if (h->state == SPACED && first_from && !h->junk && ch != '\n') {
		h->junk = true;				/* "From ..." of a mailbox file */
		h->state = VALUE;
	} else if (h->state == SPACED || !ascii_isgraph(ch)) {
		end_section(h, true);
	} else if (h->name_n < sizeof h->name) {
		h->name[h->name_n++] = ch;
	}
}

size_t
header_scan_feed(struct header_scan *h, struct str chunk)
{
	size_t i = 0;

	while (i < chunk.n && !h->done) {
		ssize_t lf;

		switch (h->state) {
		case BOL:
			at_line_start(h, chunk.p[i++]);
			break;
		case BOL_CR:
			end_section(h, chunk.p[i] != '\n');
			i += chunk.p[i] == '\n';
			break;
		case NAME:
		case SPACED:
			in_name(h, chunk.p[i++]);
			break;
		default:
			lf = str_chr(str_skip(chunk, i), '\n');
			h->state = lf < 0 ? VALUE : BOL;
			i = lf < 0 ? chunk.n : i + (size_t)lf + 1;
		}
	}
	if (!h->eight_bit && i > 0)
		h->eight_bit = !utf8_is_ascii(str_sub(chunk, 0, i));
	h->size += i;
	return i;
}

void
header_scan_end(struct header_scan *h)
{
	if (!h->done)
		end_section(h, h->state == NAME || h->state == SPACED || h->state == BOL_CR);
}

/* SPDX-License-Identifier: ISC */
/*
 * body: see body.h.  The stuffed text is a list of slices of the content and constants, given
 * to the connection without copying.
 */
#include "smtpc/body.h"

#include <stdlib.h>

#include "base/num.h"
#include "mail/dotstuff.h"

enum { IOV_MAX_HERE = 32 };

struct gather {
	const struct body_send *how;
	struct iovec iov[IOV_MAX_HERE];
	int n;
	enum io io;
};

static bool
gather_flush(struct gather *g)
{
	if (g->io != IO_OK || g->n == 0)
		return g->io == IO_OK;
	conn_deadline(g->how->c, deadline_in(g->how->block_ms));
	g->io = conn_writev(g->how->c, g->iov, g->n);
	g->n = 0;
	return g->io == IO_OK;
}

static bool
gather_put(struct gather *g, struct str s)
{
	if (s.n == 0)
		return true;
	if (g->n == IOV_MAX_HERE && !gather_flush(g))
		return false;
	g->iov[g->n++] = (struct iovec){ (void *)(uintptr_t)s.p, s.n };
	return true;
}

static bool
gather_stuffed(struct gather *g, struct dot_out *d, struct str in)
{
	struct str run;

	while (dot_out_next(d, &in, &run))
		if (!gather_put(g, run))
			return false;
	return true;
}

enum body_is
body_open(struct body *b, const struct body_source *src, struct arena *a)
{
	struct dot_in check;
	enum sr sr;

	*b = (struct body){ .src = src };
	sr = src->size <= BODY_WHOLE_MAX ? src->whole(src->ctx, a, &b->whole)
					 : src->verify(src->ctx);
	if (sr == SR_GONE)
		return BODY_GONE;
	if (sr != SR_OK)
		return BODY_UNREADABLE;
	if (src->size > BODY_WHOLE_MAX) {
		b->eight_bit = b->eight_bit_head = true;	/* unknown: take the safe side */
		return BODY_FINE;
	}
	dot_in_init(&check, 0);
	check.watch_8bit = true;
	ssize_t end = str_find(b->whole, STR("\r\n\r\n"));
	if (end > 0) {
		dot_check(&check, str_sub(b->whole, 0, (size_t)end + 4));
		b->eight_bit_head = check.eight_bit;
	}
	dot_check(&check, end > 0 ? str_skip(b->whole, (size_t)end + 4) : b->whole);
	dot_check_end(&check);
	b->eight_bit = check.eight_bit;
	if (end <= 0)
		b->eight_bit_head = check.eight_bit;
	return check.faults & (DOT_BARE_CR | DOT_BARE_LF | DOT_NUL) ? BODY_FOUL : BODY_FINE;
}

/* In pieces: each is checked before it leaves; a fault ends the connection before the final dot, so
 * the peer never has a whole message of it. */
static enum body_is
write_pieces(const struct body *b, struct gather *g, struct dot_out *d)
{
	char *piece = malloc(BODY_PIECE);
	enum body_is is = piece ? BODY_FINE : BODY_UNREADABLE;
	struct dot_in check;

	dot_in_init(&check, 0);
	for (uint64_t off = 0; is == BODY_FINE && g->io == IO_OK && off < b->src->size; ) {
		size_t n = (size_t)MIN(b->src->size - off, (uint64_t)BODY_PIECE);
		struct str s = { piece, n };

		if (b->src->read(b->src->ctx, off, piece, n) != SR_OK) {
			is = BODY_UNREADABLE;
			break;
		}
		dot_check(&check, s);
		off += n;
		if (off == b->src->size)
			dot_check_end(&check);
		if (check.faults & (DOT_BARE_CR | DOT_BARE_LF | DOT_NUL)) {
			is = BODY_FOUL;
			break;
		}
		if (g->how->stuff)
			(void)gather_stuffed(g, d, s);
		else
			(void)gather_put(g, s);
		(void)gather_flush(g);
	}
	free(piece);
	return is;
}

enum body_is
body_write(const struct body *b, const struct body_send *how, enum io *io)
{
	struct gather g = { .how = how };
	struct dot_out d = {};
	enum body_is is = BODY_FINE;

	(void)gather_put(&g, how->before);
	if (b->whole.p && how->stuff)
		(void)gather_stuffed(&g, &d, b->whole);
	else if (b->whole.p)
		(void)gather_put(&g, b->whole);
	else
		is = write_pieces(b, &g, &d);
	if (is == BODY_FINE) {
		if (how->stuff)
			(void)gather_put(&g, dot_out_end(&d));
		(void)gather_put(&g, how->after);
		(void)gather_flush(&g);
	}
	*io = g.io;
	return is;
}

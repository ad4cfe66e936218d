/* SPDX-License-Identifier: ISC */
/*
 * body: a message's content on its way out.
 *
 * 1. What is sent has CRLF line ends only: a bare CR, bare LF or NUL stops it before it is
 * complete,
 *    so that no lax peer can find a second message in ours (requirement P2).
 * 2. Small content (BODY_WHOLE_MAX) is held whole and verified before a byte of it leaves; large
 *    content is verified first and then read in pieces.
 *
 * The source is a few functions, so that tests need no spool.
 */
#ifndef SMTPC_BODY_H
#define SMTPC_BODY_H

#include "base/arena.h"
#include "rt/conn.h"
#include "spool/reader.h"

enum { BODY_WHOLE_MAX = 256 * 1024, BODY_PIECE = 64 * 1024 };

struct body_source {
	/* suspends */
	enum sr (*whole)(void *ctx, struct arena *a, struct str *out);
	enum sr (*verify)(void *ctx);
	enum sr (*read)(void *ctx, uint64_t off, char *to, size_t n);
	void *ctx;
	uint64_t size;
};

struct body {
	const struct body_source *src;
	struct str whole;		/* p NULL: to be read in pieces */
	bool eight_bit;			/* of whole only: an octet over 127 somewhere */
	bool eight_bit_head;		/* ... in the header section */
};

enum body_is { BODY_FINE, BODY_UNREADABLE, BODY_GONE, BODY_FOUL };

/* Makes it ready to be sent; whole lives in a.  suspends */
enum body_is body_open(struct body *b, const struct body_source *src, struct arena *a);

/* All of it, dot-stuffed with its end (DATA), then what follows; or as it is (BDAT).  block_ms
 * bounds each write.  *io is the connection's answer; BODY_FOUL or BODY_UNREADABLE: broken off
 * in the middle, the connection must be closed.  suspends */
struct body_send {
	struct conn *c;
	struct str before, after;	/* other commands, in the same writes */
	bool stuff;
	int64_t block_ms;
};
enum body_is body_write(const struct body *b, const struct body_send *how, enum io *io);

#endif

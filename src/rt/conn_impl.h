/* SPDX-License-Identifier: ISC */
/*
 * conn_impl: what conn.c, conn_write.c and simnet.c know of a connection; nobody else.
 */
#ifndef RT_CONN_IMPL_H
#define RT_CONN_IMPL_H

#include "rt/conn.h"

struct iobuf;

struct conn {
	struct stream *st;
	struct fd_stream plain;		/* what st is at first, made by conn_new */
	int64_t deadline;

	struct iobuf *in, *out;		/* NULL: empty */
	uint32_t in_at, in_end;		/* read and not consumed: [in_at, in_end) */
	uint32_t scanned;		/* behind in_at, known to hold no LF */
	uint32_t out_n;
	enum line_end line_end;
	enum io broken;			/* the answer of the write that failed, else IO_OK */
	bool skipping;			/* within a line that was too long */
	bool bulk;			/* the last read filled the buffer */
	bool try_first;			/* there may be input: read before waiting */

	uint32_t rate_window_ms, rate_waited_ms;
	uint64_t rate_bytes, rate_from;
	uint64_t bytes_in, bytes_out;
};

#endif

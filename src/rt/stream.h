/* SPDX-License-Identifier: ISC */
/*
 * stream: what a connection runs over: a socket, TLS over a stream, the simulated network.
 *
 * 1. read never suspends; wait does.  So a connection that waits holds no buffer.
 * 2. write suspends until all has been taken or it failed; after a failure the stream is only
 *    good for close.
 * 3. One coroutine reads and one (perhaps the same) writes.
 * 4. close frees the stream and what it stands on.
 */
#ifndef RT_STREAM_H
#define RT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* I/O has these answers and no more. */
enum io { IO_OK, IO_EOF, IO_TIMEOUT, IO_CANCELLED, IO_BROKEN, IO_TOOLONG };

struct stream;

struct stream_ops {
	/* What is there now, at most n bytes; IO_OK with *got == 0: nothing yet, use wait. */
	enum io (*read)(struct stream *st, char *p, size_t n, size_t *got);
	/* suspends until read may answer other than "nothing yet". */
	enum io (*wait)(struct stream *st, int64_t deadline_ms);
	/* suspends.  Writes all of it. */
	enum io (*write)(struct stream *st, const struct iovec *iov, int n, int64_t deadline_ms);
	/* Would read give at least one byte now? */
	bool (*pending)(struct stream *st);
	/* Ends the writing side.  May suspend up to the deadline (TLS close_notify). */
	enum io (*shutdown)(struct stream *st, int64_t deadline_ms);
	void (*close)(struct stream *st);
	/* The descriptor underneath, or -1. */
	int (*fd)(struct stream *st);
};

struct stream {
	const struct stream_ops *ops;
};

/* A stream over a non-blocking descriptor (socket, pipe, tty), to be embedded by its owner:
 * close closes the descriptor but frees no memory. */
struct fd_stream {
	struct stream st;
	int fd;
	bool drained;			/* the last read was short: wait before the next */
};

/* Takes the descriptor and makes it non-blocking. */
void fd_stream_init(struct fd_stream *fs, int fd);

const char *io_name(enum io io);

#endif

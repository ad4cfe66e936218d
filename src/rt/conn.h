/* SPDX-License-Identifier: ISC */
/*
 * conn: line and block I/O with absolute deadlines over a stream.
 *
 * 1. Slices given out live until the next reading call on the same connection.
 * 2. Every wait ends by the deadline of conn_deadline (none is set at first: FOREVER).
 * 3. A connection that waits with nothing buffered holds no buffer.
 * 4. A failed write sticks: each later put, flush and writev answers the same.
 * 5. Many bytes in a row yield to others every 256 KiB.
 *
 * All functions marked "suspends" are places where the coroutine can be cancelled; what can be
 * done without waiting (flushing a last reply) is done even by a cancelled one.
 */
#ifndef RT_CONN_H
#define RT_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "rt/clock.h"
#include "rt/stream.h"

struct conn;

enum line_end { LINE_CRLF, LINE_LF };

/* Takes the descriptor, which becomes non-blocking.  Never NULL: no memory ends the process. */
struct conn *conn_new(int fd);

/* Takes the stream. */
struct conn *conn_over(struct stream *st);

/* Closes the stream and frees; what was not flushed is lost.  NULL is nothing. */
void conn_close(struct conn *c);

struct stream *conn_stream(struct conn *c);

/* From now on through st, which takes what was conn_stream before under its own wing.  Input read
 * ahead stays: see conn_discard. */
void conn_set_stream(struct conn *c, struct stream *st);

/* The descriptor underneath, or -1 (simulated). */
int conn_fd(struct conn *c);

void conn_deadline(struct conn *c, int64_t at_ms);
int64_t conn_deadline_get(const struct conn *c);

/* While we wait for input it must come at this rate, measured over windows of waiting time, else
 * the read answers IO_TIMEOUT.  0 bytes_per_s: no such rule.  Starts a new window. */
void conn_rate(struct conn *c, uint32_t bytes_per_s, uint32_t window_ms);

/* suspends.  The next line without its end, at most max bytes.  IO_TOOLONG: it was longer and has
 * been skipped up to and with its end.  IO_EOF: the peer ended, maybe within a line. */
[[nodiscard]] enum io conn_line(struct conn *c, size_t max, struct str *line);

/* How the line that conn_line gave last was ended. */
enum line_end conn_line_end(const struct conn *c);

/* suspends unless something is buffered.  At least one byte, not copied; take it with
 * conn_consume, else it is given again. */
[[nodiscard]] enum io conn_block(struct conn *c, struct str *bytes);

/* suspends.  Reads once more behind what is buffered and not consumed; *bytes is all of it.
 * IO_TOOLONG: the buffer is full (64 KiB), consume some. */
[[nodiscard]] enum io conn_more(struct conn *c, struct str *bytes);

void conn_consume(struct conn *c, size_t n);

/* Bytes buffered and not consumed. */
size_t conn_buffered(const struct conn *c);
bool conn_has_input(const struct conn *c);

/* Is there input now, buffered or to be read without waiting?  (Early talkers, pipelining.) */
bool conn_input_pending(struct conn *c);

/* suspends until there is input, the peer ended or the deadline: says which.  Reads nothing and
 * holds no buffer, so it is the cheapest way to stay idle. */
[[nodiscard]] enum io conn_wait(struct conn *c);

/* Throws away what was read ahead (RFC 3207 4.2). */
void conn_discard(struct conn *c);

/* Buffered.  suspends only when the buffer is full. */
enum io conn_put(struct conn *c, struct str s);
enum io conn_putz(struct conn *c, const char *z);
__attribute__((format(printf, 2, 3))) enum io conn_putf(struct conn *c, const char *fmt, ...);

/* suspends until all that was put has been taken by the stream. */
[[nodiscard]] enum io conn_flush(struct conn *c);

/* suspends.  What was put, then these, without copying them. */
[[nodiscard]] enum io conn_writev(struct conn *c, const struct iovec *iov, int n);
[[nodiscard]] enum io conn_write(struct conn *c, struct str s);

/* suspends.  Flushes and ends the writing side; reading goes on. */
[[nodiscard]] enum io conn_shutdown(struct conn *c);

/* Bytes read from and written to the stream so far. */
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);

#endif

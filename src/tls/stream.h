/* SPDX-License-Identifier: ISC */
/*
 * stream: TLS as a stream of rt: what conn reads and writes when STARTTLS or TLS came first.
 *
 * 1. After close_notify, the end of the connection underneath, or any TLS error the stream is dead
 *    for ever: reads say IO_EOF or IO_BROKEN, writes IO_BROKEN.  Nothing in this file can send or
 *    receive a byte in clear.
 * 2. Only tls_handshake suspends inside OpenSSL (while vault signs); reads never do, writes and
 *    waits suspend outside of it.  OpenSSL's error queue is one per thread, so it is cleared before
 *    each call and looked at right behind it.
 * 3. An idle stream holds OpenSSL's connection state and no buffer.
 *
 * A stream owns its SSL and the stream underneath; close ends all three.
 */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

#include <openssl/types.h>

#include "base/str.h"
#include "rt/stream.h"
#include "tls/facts.h"

/* Takes ssl (fresh, accept or connect state set) and, as its transport, lower.  early: bytes of TLS
 * that were already read from lower (copied).  owner: found again with tls_owner.  NULL: no memory;
 * nothing was taken. */
struct stream *tls_stream_new(SSL *ssl, struct stream *lower, struct str early, void *owner);

struct tls_outcome {
	enum io io;			/* IO_OK: done */
	enum tls_verify verify;		/* TV_TEMP, TV_SOFTWARE when it failed */
	struct str why;			/* OpenSSL's reason, a constant text; empty when fine */
};

/* suspends.  asked: we asked for the peer's certificate.  After a failure the stream is dead. */
struct tls_outcome tls_handshake(struct stream *st, bool asked, int64_t deadline_ms);

/* Is it one of ours? */
bool tls_is_stream(const struct stream *st);
/* After the handshake; valid while the stream lives. */
const struct tls_facts *tls_stream_facts(const struct stream *st);
SSL *tls_stream_ssl(const struct stream *st);
void *tls_owner(const SSL *ssl);

/* Channel binding data.  RFC 9266 (TLS 1.3 or extended master secret only, else false). */
[[nodiscard]] bool tls_exporter_binding(struct stream *st, unsigned char out[32]);
/* RFC 5929 4: hash of the certificate we (the server) showed; *n at most 64. */
[[nodiscard]] bool tls_end_point_binding(struct stream *st, unsigned char out[64], size_t *n);

#endif

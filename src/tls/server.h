/* SPDX-License-Identifier: ISC */
/*
 * server: what a worker needs to be the TLS side of its listeners.
 *
 * 1. Certificates come from the configuration, several names and RSA beside ECDSA; which is shown
 *    is decided by the name the client asks for (SNI) and what it can verify.
 * 2. Each listener has contexts, a session id context and ticket keys of its own: nothing of a
 *    session on one listener is worth anything on another.
 * 3. TLS 1.2 and 1.3, AEAD ciphers with forward secrecy; no renegotiation, no compression, no early
 *    data.  A client that offers protocols, all foreign (HTTP ...), is refused.
 * 4. Certificates of clients are asked for where the listener says so, judged by its client-ca and
 *    nothing else, and never end a handshake: what they are worth is tls_facts.verify.
 *
 * One owner; streams made by it must be closed before it is freed.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "base/buf.h"
#include "conf/config.h"
#include "tls/stream.h"
#include "tls/ticket.h"

struct tls_server;

/* Where files come from, by the name keeper gave: "chain:/path", "ca:/path". */
struct tls_source {
	bool (*read)(void *ctx, const char *name, struct buf *out);
	void *ctx;
};

/* NULL: *why says which file and what is wrong with it.  tls_provider_load came before. */
struct tls_server *tls_server_new(const struct config *cfg, const struct tls_source *src,
    struct buf *why);
void tls_server_free(struct tls_server *srv);		/* NULL is nothing */

/* Does this listener (by number) speak TLS; does it ask for certificates? */
bool tls_server_offers(const struct tls_server *srv, size_t listener);
bool tls_server_asks(const struct tls_server *srv, size_t listener);

/* TLS over lower, before its handshake; takes lower.  early: TLS bytes read ahead.  NULL: no
 * memory, lower stays the caller's. */
struct stream *tls_server_stream(struct tls_server *srv, size_t listener, struct stream *lower,
    struct str early);

/* Keys of tickets from now on; without any, no tickets are given. */
void tls_server_tickets(struct tls_server *srv, size_t listener, const struct ticket_pair *keys);

/* How a list of protocol ids (ALPN, as on the wire) is met. */
enum tls_alpn { ALPN_IGNORED, ALPN_SMTP, ALPN_FOREIGN };
enum tls_alpn tls_alpn_judge(struct str list);

#endif

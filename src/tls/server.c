/* SPDX-License-Identifier: ISC */
/*
 * server: see server.h.
 *
 * A door is one listener's TLS.  Its contexts differ only in the certificates: one for each pair
 * (ECDSA, RSA) that a requested name leads to, made when first asked for.
 */
#include "tls/server.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "tls/context.h"
#include "tls/provider.h"

enum { FILE_MAX_BYTES = 4 << 20, PICKS_MAX = 256, NONE = -1 };

struct slot {
	struct pem_chain chain;
	EVP_PKEY *key;			/* remote */
	bool ec;
};

struct pick {				/* certificates by their slot, or NONE */
	int ec, rsa;
	SSL_CTX *ctx;
	struct pick *next;
};

struct door {
	struct tls_server *srv;
	const struct listener *l;
	bool on, asks, keyed;
	X509_STORE *store;		/* of client-ca; NULL: nobody vouches */
	STACK_OF(X509_NAME) *names;
	struct pick *picks, *standard;
	size_t npicks;
	struct ticket_pair keys;
};

struct tls_server {
	const struct config *cfg;
	struct slot *slot;
	size_t nslot;
	struct door *door;
};

/* ---- callbacks ---- */

static struct door *
door_of(const SSL *ssl)
{
	return tls_owner(ssl);
}

/* Judged afterwards, by the result: a handshake never ends because of a client's certificate. */
static int
on_verify(int ok, X509_STORE_CTX *ctx)
{
	(void)ok, (void)ctx;
	return 1;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int enc)
{
	const struct door *d = door_of(ssl);

	return ticket_seal(d && d->keyed ? &d->keys : NULL, name, iv, cipher, mac, enc != 0);
}

enum tls_alpn
tls_alpn_judge(struct str list)
{
	static const char *const foreign[] = {
		"http/0.9", "http/1.0", "http/1.1", "h2", "h2c", "h3", "spdy/1", "spdy/2", "spdy/3",
		"ftp", "imap", "pop3", "managesieve", "nntp", "nnsp", "xmpp-client", "xmpp-server",
		"stun.turn", "stun.nat-discovery", "webrtc", "c-webrtc", "coap", "dot", "doq",
		"irc", "mqtt", "sip", "sip/2", "postgresql", "radius/1.0", "radius/1.1", "ntske/1",
		"sunrpc", "smb", "tds/8.0", "acme-tls/1",
	};
	size_t n = 0, theirs = 0;

	while (list.n > 0) {
		size_t len = (unsigned char)list.p[0];
		struct str id = str_sub(list, 1, len);

		if (len == 0 || len >= list.n)
			return ALPN_IGNORED;		/* OpenSSL refuses it */
		if (str_eq(id, STR("smtp")))
			return ALPN_SMTP;
		n++;
		for (size_t i = 0; i < COUNT(foreign); i++)
			theirs += str_eq(id, str_of(foreign[i]));
		list = str_skip(list, MIN(len + 1, list.n));
	}
	return n > 0 && theirs == n ? ALPN_FOREIGN : ALPN_IGNORED;
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen, const unsigned char *in,
    unsigned inlen, void *arg)
{
	static const unsigned char smtp[] = "smtp";

	(void)ssl, (void)arg;
	switch (tls_alpn_judge(str_from(in, inlen))) {
	case ALPN_IGNORED:
		return SSL_TLSEXT_ERR_NOACK;
	case ALPN_SMTP:
		*out = smtp;
		*outlen = 4;
		return SSL_TLSEXT_ERR_OK;
	case ALPN_FOREIGN:
		break;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static struct pick *pick_for(struct door *d, struct str name, bool *matched);

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct door *d = door_of(ssl);
	struct pick *p;
	bool matched;

	(void)alert, (void)arg;
	if (!name || !d)
		return SSL_TLSEXT_ERR_NOACK;
	p = pick_for(d, str_of(name), &matched);
	if (p != d->standard && !SSL_set_SSL_CTX(ssl, p->ctx))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return matched ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* ---- contexts ---- */

static void
ask_for_certificates(struct door *d, SSL_CTX *ctx)
{
	if (!d->asks)
		return;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	if (!d->store)
		return;
	SSL_CTX_set1_cert_store(ctx, d->store);
	SSL_CTX_set_client_CA_list(ctx, SSL_dup_CA_list(d->names));
}

static SSL_CTX *
context_for(struct door *d, const struct pick *p)
{
	const struct tls_server *srv = d->srv;
	SSL_CTX *ctx = tls_context_new();
	unsigned char sid[32];
	unsigned n = 0;
	const struct slot *ec = p->ec == NONE ? NULL : &srv->slot[p->ec];
	const struct slot *rsa = p->rsa == NONE ? NULL : &srv->slot[p->rsa];

	if (!ctx)
		return NULL;
	ask_for_certificates(d, ctx);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	if (EVP_Digest(d->l->name.p, d->l->name.n, sid, &n, EVP_sha256(), NULL) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, sid, n) != 1 ||
	    (ec && !tls_context_add(ctx, &ec->chain, ec->key)) ||
	    (rsa && !tls_context_add(ctx, &rsa->chain, rsa->key))) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static struct pick *
pick_get(struct door *d, int ec, int rsa)
{
	struct pick *p;

	for (p = d->picks; p; p = p->next)
		if (p->ec == ec && p->rsa == rsa)
			return p;
	if (d->npicks == PICKS_MAX || !(p = calloc(1, sizeof(*p))))
		return d->standard;
	*p = (struct pick){ .ec = ec, .rsa = rsa };
	p->ctx = context_for(d, p);
	if (!p->ctx) {
		free(p);
		return d->standard;
	}
	p->next = d->picks;
	d->picks = p;
	d->npicks++;
	return p;
}

static bool
covers(const struct slot *s, struct str name)
{
	return X509_check_host(s->chain.cert[0], name.p, name.n,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* The first of each type that has the name; without any, the standard pair. */
static struct pick *
pick_for(struct door *d, struct str name, bool *matched)
{
	const struct tls_server *srv = d->srv;
	int ec = NONE, rsa = NONE;

	for (size_t i = 0; i < srv->nslot && (ec == NONE || rsa == NONE); i++) {
		int *at = srv->slot[i].ec ? &ec : &rsa;

		if (*at == NONE && covers(&srv->slot[i], name))
			*at = (int)i;
	}
	*matched = ec != NONE || rsa != NONE;
	return *matched ? pick_get(d, ec, rsa) : d->standard;
}

/* For clients that ask for no name, or for one that is none of ours. */
static bool
standard_pick(struct door *d)
{
	const struct tls_server *srv = d->srv;
	bool matched;
	int ec = NONE, rsa = NONE;

	d->standard = pick_for(d, srv->cfg->hostname, &matched);
	if (matched)
		return d->standard != NULL;
	for (size_t i = 0; i < srv->nslot; i++) {
		int *at = srv->slot[i].ec ? &ec : &rsa;

		if (*at == NONE)
			*at = (int)i;
	}
	d->standard = pick_get(d, ec, rsa);
	return d->standard != NULL;
}

/* ---- making it ---- */

static void
complain(struct buf *why, struct str path, const char *what)
{
	(void)buf_put(why, path);
	(void)buf_puts(why, ": ");
	(void)buf_put(why, str_of(what));
}

static bool
read_file(const struct tls_source *src, const char *kind, struct str path, struct buf *out)
{
	struct arena a;
	char *name;
	bool ok;

	arena_init(&a, 16 << 10);
	name = str_z(&a, str_cat(&a, str_of(kind), path));
	ok = name && src->read(src->ctx, name, out);
	arena_done(&a);
	return ok;
}

static bool
slot_load(struct slot *s, const struct cert *c, const struct tls_source *src, struct buf *why)
{
	struct buf b;
	bool ok;

	buf_init(&b, FILE_MAX_BYTES);
	ok = read_file(src, "chain:", c->chain, &b) && pem_chain(buf_str(&b), &s->chain);
	buf_done(&b);
	if (!ok) {
		complain(why, c->chain, "no certificates can be read from it");
		return false;
	}
	s->key = tls_remote_key(X509_get0_pubkey(s->chain.cert[0]));
	s->ec = s->key && EVP_PKEY_is_a(s->key, "EC");
	if (!s->key)
		complain(why, c->chain, "only RSA and ECDSA keys are supported");
	return s->key != NULL;
}

static bool
door_open(struct door *d, const struct tls_source *src, struct buf *why)
{
	struct buf b;

	d->on = d->l->tls != LTLS_OFF && d->srv->nslot > 0;
	d->asks = d->on && d->l->client_certs != CERTS_OFF;
	if (d->asks && d->l->client_ca.n > 0) {
		buf_init(&b, FILE_MAX_BYTES);
		if (read_file(src, "ca:", d->l->client_ca, &b))
			d->store = pem_store(buf_str(&b), &d->names);
		buf_done(&b);
		if (!d->store) {
			complain(why, d->l->client_ca, "no certificates can be read from it");
			return false;
		}
	}
	if (d->on && !standard_pick(d)) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		complain(why, d->srv->cfg->cert[0].chain, reason ? reason : "cannot be used");
		ERR_clear_error();
		return false;
	}
	return true;
}

struct tls_server *
tls_server_new(const struct config *cfg, const struct tls_source *src, struct buf *why)
{
	struct tls_server *srv = calloc(1, sizeof(*srv));

	if (!srv)
		abort();
	srv->cfg = cfg;
	srv->slot = calloc(cfg->ncert + 1, sizeof(*srv->slot));
	srv->door = calloc(cfg->nlistener + 1, sizeof(*srv->door));
	if (!srv->slot || !srv->door)
		abort();
	for (; srv->nslot < cfg->ncert; srv->nslot++) {
		if (slot_load(&srv->slot[srv->nslot], &cfg->cert[srv->nslot], src, why))
			continue;
		tls_server_free(srv);
		return NULL;
	}
	for (size_t i = 0; i < cfg->nlistener; i++) {
		srv->door[i] = (struct door){ .srv = srv, .l = &cfg->listener[i] };
		if (!door_open(&srv->door[i], src, why)) {
			tls_server_free(srv);
			return NULL;
		}
	}
	ERR_clear_error();
	return srv;
}

static void
door_close(struct door *d)
{
	while (d->picks) {
		struct pick *p = d->picks;

		d->picks = p->next;
		SSL_CTX_free(p->ctx);
		free(p);
	}
	X509_STORE_free(d->store);
	sk_X509_NAME_pop_free(d->names, X509_NAME_free);
	ticket_wipe(&d->keys);
}

void
tls_server_free(struct tls_server *srv)
{
	if (!srv)
		return;
	for (size_t i = 0; i < srv->cfg->nlistener; i++)
		door_close(&srv->door[i]);
	for (size_t i = 0; i < srv->cfg->ncert; i++) {
		pem_chain_free(&srv->slot[i].chain);
		EVP_PKEY_free(srv->slot[i].key);
	}
	free(srv->slot);
	free(srv->door);
	free(srv);
}

/* ---- using it ---- */

bool
tls_server_offers(const struct tls_server *srv, size_t listener)
{
	return srv && listener < srv->cfg->nlistener && srv->door[listener].on;
}

bool
tls_server_asks(const struct tls_server *srv, size_t listener)
{
	return tls_server_offers(srv, listener) && srv->door[listener].asks;
}

void
tls_server_tickets(struct tls_server *srv, size_t listener, const struct ticket_pair *keys)
{
	if (!tls_server_offers(srv, listener))
		return;
	srv->door[listener].keys = *keys;
	srv->door[listener].keyed = true;
}

struct stream *
tls_server_stream(struct tls_server *srv, size_t listener, struct stream *lower, struct str early)
{
	struct door *d = &srv->door[listener];
	struct stream *st;
	SSL *ssl;

	if (!tls_server_offers(srv, listener))
		return NULL;
	ERR_clear_error();
	ssl = SSL_new(d->standard->ctx);
	if (!ssl)
		return NULL;
	SSL_set_accept_state(ssl);
	if (!d->keyed) {			/* not even an empty one */
		(void)SSL_set_options(ssl, SSL_OP_NO_TICKET);
		(void)SSL_set_num_tickets(ssl, 0);
	}
	st = tls_stream_new(ssl, lower, early, d);
	if (!st)
		SSL_free(ssl);
	return st;
}

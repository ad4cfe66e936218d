/* SPDX-License-Identifier: ISC */
/*
 * stream: see stream.h.
 *
 * OpenSSL reads through a BIO that asks the lower stream for what is there now, and writes into a
 * small heap buffer that is sent after each call: so no call to OpenSSL waits for the network.
 */
#include "tls/stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/num.h"
#include "rt/clock.h"
#include "tls/provider.h"

enum { SEND_AT = 128 << 10, BYE_MS = 0 };

struct tls_stream {
	struct stream st;
	struct stream *lower;
	SSL *ssl;
	void *owner;
	char *early;			/* TLS bytes read ahead of us */
	size_t early_at, early_n;
	char *out;			/* TLS bytes not yet sent */
	size_t out_n, out_cap;
	enum io dead;			/* IO_OK while it lives, else what reads say */
	enum io lower_said;		/* what ended the transport */
	bool sending, said_bye, ready;
	struct tls_facts facts;
};

static struct tls_stream *
self(const struct stream *st)
{
	return CONTAINER_OF(st, struct tls_stream, st);
}

/* ---- the BIO under OpenSSL ---- */

static int
bio_read(BIO *b, char *p, int n)
{
	struct tls_stream *t = BIO_get_data(b);
	size_t got = MIN((size_t)n, t->early_n - t->early_at);
	enum io io;

	BIO_clear_retry_flags(b);
	if (got > 0) {
		memcpy(p, t->early + t->early_at, got);
		t->early_at += got;
		if (t->early_at == t->early_n) {
			free(t->early);
			t->early = NULL;
			t->early_at = t->early_n = 0;
		}
		return (int)got;
	}
	io = t->lower->ops->read(t->lower, p, (size_t)n, &got);
	if (io == IO_OK && got > 0)
		return (int)got;
	if (io == IO_OK) {
		BIO_set_retry_read(b);
		return -1;
	}
	t->lower_said = io;
	return io == IO_EOF ? 0 : -1;
}

static int
bio_write(BIO *b, const char *p, int n)
{
	struct tls_stream *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (t->out_n + (size_t)n > t->out_cap) {
		size_t cap = MAX(t->out_n + (size_t)n, (size_t)1024);
		char *p2 = realloc(t->out, cap);

		if (!p2)
			abort();
		t->out = p2;
		t->out_cap = cap;
	}
	memcpy(t->out + t->out_n, p, (size_t)n);
	t->out_n += (size_t)n;
	return n;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *
bio_method(void)
{
	static BIO_METHOD *m;

	if (!m) {
		m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
		if (!m || !BIO_meth_set_read(m, bio_read) || !BIO_meth_set_write(m, bio_write) ||
		    !BIO_meth_set_ctrl(m, bio_ctrl))
			abort();
	}
	return m;
}

/* ---- what OpenSSL said ---- */

static enum io
die(struct tls_stream *t, enum io io)
{
	if (t->dead == IO_OK)
		t->dead = io;
	return t->dead;
}

/* Of an SSL_ call that did not succeed: IO_OK means "wants more from the network". */
static enum io
judge(struct tls_stream *t, int ret)
{
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return IO_OK;
	case SSL_ERROR_ZERO_RETURN:
		return die(t, IO_EOF);
	}
	return die(t, t->lower_said == IO_EOF ? IO_EOF : IO_BROKEN);
}

/* suspends.  Sends what OpenSSL produced.  Another coroutine that is at it sends ours too. */
static enum io
send_out(struct tls_stream *t, int64_t deadline_ms)
{
	enum io io = IO_OK;

	if (t->sending)
		return IO_OK;
	t->sending = true;
	while (t->out_n > 0 && io == IO_OK) {
		struct iovec v = { t->out, t->out_n };
		char *mine = t->out;

		t->out = NULL;
		t->out_n = t->out_cap = 0;
		io = t->lower->ops->write(t->lower, &v, 1, deadline_ms);
		free(mine);
	}
	t->sending = false;
	if (io != IO_OK)
		(void)die(t, IO_BROKEN);
	return io;
}

/* ---- the stream's own operations ---- */

static enum io
tls_read(struct stream *st, char *p, size_t n, size_t *got)
{
	struct tls_stream *t = self(st);
	int r;

	*got = 0;
	if (t->dead != IO_OK || !t->ready)
		return die(t, IO_BROKEN);
	ERR_clear_error();
	r = SSL_read_ex(t->ssl, p, n, got);
	if (r == 1)
		return IO_OK;
	*got = 0;
	return judge(t, r);
}

/* Looks whether a byte can be read, decrypting what has come.  IO_OK with *yes false: not yet. */
static enum io
look(struct tls_stream *t, bool *yes)
{
	size_t got;
	char byte;
	int r;

	*yes = t->ready && t->dead == IO_OK && SSL_pending(t->ssl) > 0;
	if (*yes || t->dead != IO_OK)
		return t->dead;
	if (!t->ready)
		return die(t, IO_BROKEN);
	ERR_clear_error();
	r = SSL_peek_ex(t->ssl, &byte, 1, &got);
	*yes = r == 1;
	return r == 1 ? IO_OK : judge(t, r);
}

static enum io
tls_wait(struct stream *st, int64_t deadline_ms)
{
	struct tls_stream *t = self(st);
	enum io io = IO_OK;
	bool yes = false;

	while (io == IO_OK) {
		/* Dead: the next read says how. */
		if (look(t, &yes) != IO_OK || yes)
			return IO_OK;
		if (t->out_n > 0)		/* an answer to a key update */
			io = send_out(t, deadline_ms);
		if (io == IO_OK)
			io = t->lower->ops->wait(t->lower, deadline_ms);
	}
	return io;
}

static bool
tls_pending(struct stream *st)
{
	bool yes;

	return look(self(st), &yes) == IO_OK && yes;
}

static enum io
tls_write(struct stream *st, const struct iovec *iov, int n, int64_t deadline_ms)
{
	struct tls_stream *t = self(st);

	for (int i = 0; i < n; i++) {
		const char *p = iov[i].iov_base;
		size_t left = iov[i].iov_len, took;

		while (left > 0) {
			int r;

			if (t->dead != IO_OK || !t->ready || t->said_bye) {
				(void)die(t, IO_BROKEN);
				return IO_BROKEN;
			}
			ERR_clear_error();
			r = SSL_write_ex(t->ssl, p, MIN(left, (size_t)16384), &took);
			if (r != 1) {
				(void)judge(t, r);
				(void)die(t, IO_BROKEN);
				return IO_BROKEN;
			}
			p += took;
			left -= took;
			if (t->out_n >= SEND_AT) {
				enum io io = send_out(t, deadline_ms);

				if (io != IO_OK)
					return io;
			}
		}
	}
	return send_out(t, deadline_ms);
}

/* close_notify, once; not after an error (RFC 8446 6.2). */
static enum io
say_bye(struct tls_stream *t, int64_t deadline_ms)
{
	if (t->said_bye || !t->ready || t->dead == IO_BROKEN)
		return IO_OK;
	t->said_bye = true;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
	return send_out(t, deadline_ms);
}

static enum io
tls_shutdown(struct stream *st, int64_t deadline_ms)
{
	struct tls_stream *t = self(st);
	enum io io = say_bye(t, deadline_ms);

	return io == IO_OK ? t->lower->ops->shutdown(t->lower, deadline_ms) : io;
}

static void
tls_close(struct stream *st)
{
	struct tls_stream *t = self(st);

	/* What the kernel takes at once; nobody waits for a good-bye. */
	(void)say_bye(t, now_ms() + BYE_MS);
	SSL_free(t->ssl);
	t->lower->ops->close(t->lower);
	tls_facts_done(&t->facts);
	free(t->early);
	free(t->out);
	free(t);
}

static int
tls_fd(struct stream *st)
{
	struct stream *lower = self(st)->lower;

	return lower->ops->fd(lower);
}

static const struct stream_ops tls_ops = {
	.read = tls_read, .wait = tls_wait, .write = tls_write, .pending = tls_pending,
	.shutdown = tls_shutdown, .close = tls_close, .fd = tls_fd,
};

/* ---- beginning ---- */

struct stream *
tls_stream_new(SSL *ssl, struct stream *lower, struct str early, void *owner)
{
	struct tls_stream *t = calloc(1, sizeof(*t));
	BIO *bio = BIO_new(bio_method());

	if (t && early.n > 0)
		t->early = malloc(early.n);
	if (!t || !bio || (early.n > 0 && !t->early)) {
		BIO_free(bio);
		if (t)
			free(t->early);
		free(t);
		return NULL;
	}
	if (early.n > 0)
		memcpy(t->early, early.p, early.n);
	t->early_n = early.n;
	t->st.ops = &tls_ops;
	t->lower = lower;
	t->ssl = ssl;
	t->owner = owner;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, t);
	return &t->st;
}

static struct tls_outcome
failed(struct tls_stream *t, enum io io, unsigned long code)
{
	struct tls_outcome out = { .io = io, .verify = TV_SOFTWARE };
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	if (tls_provider_failed())
		out.verify = TV_TEMP, out.why = STR("vault does not sign");
	else if (reason)
		out.why = str_of(reason);
	else if (ERR_SYSTEM_ERROR(code) || io != IO_OK)
		out.why = str_of(io_name(io));
	(void)die(t, IO_BROKEN);
	ERR_clear_error();
	return out;
}

struct tls_outcome
tls_handshake(struct stream *st, bool asked, int64_t deadline_ms)
{
	struct tls_stream *t = self(st);

	for (;;) {
		enum io io, sent;
		int r;

		ERR_clear_error();
		tls_provider_begin(deadline_ms);
		r = SSL_do_handshake(t->ssl);		/* suspends while vault signs */
		io = r == 1 ? IO_OK : judge(t, r);
		if (r != 1 && io != IO_OK) {
			struct tls_outcome out = failed(t, io, ERR_peek_error());

			(void)send_out(t, deadline_ms);	/* the alert */
			return out;
		}
		sent = send_out(t, deadline_ms);
		if (sent != IO_OK)
			return failed(t, sent, 0);
		if (r == 1)
			break;
		io = t->lower->ops->wait(t->lower, deadline_ms);
		if (io != IO_OK)
			return failed(t, io, 0);
	}
	t->ready = true;
	tls_facts_take(t->ssl, asked, &t->facts);
	return (struct tls_outcome){ .io = IO_OK, .verify = t->facts.verify };
}

/* ---- questions ---- */

bool
tls_is_stream(const struct stream *st)
{
	return st->ops == &tls_ops;
}

const struct tls_facts *
tls_stream_facts(const struct stream *st)
{
	return &self(st)->facts;
}

SSL *
tls_stream_ssl(const struct stream *st)
{
	return self(st)->ssl;
}

void *
tls_owner(const SSL *ssl)
{
	const struct tls_stream *t = SSL_get_app_data(ssl);

	return t ? t->owner : NULL;
}

bool
tls_exporter_binding(struct stream *st, unsigned char out[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";		/* RFC 9266 2 */
	SSL *ssl = self(st)->ssl;
	bool safe = SSL_version(ssl) == TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1;

	return self(st)->ready && safe && SSL_export_keying_material(ssl, out, 32, label,
	    sizeof(label) - 1, (const unsigned char *)"", 0, 1) == 1;
}

bool
tls_end_point_binding(struct stream *st, unsigned char out[64], size_t *n)
{
	SSL *ssl = self(st)->ssl;
	X509 *cert = SSL_is_server(ssl) ? SSL_get_certificate(ssl) :
	    SSL_get0_peer_certificate(ssl);
	const EVP_MD *md = EVP_sha256();
	unsigned len = 0;
	int nid, sec;

	if (!self(st)->ready || !cert ||
	    X509_get_signature_info(cert, &nid, NULL, &sec, NULL) != 1)
		return false;
	/* RFC 5929 4.1: the hash of the certificate's signature, SHA-256 for MD5 and SHA-1 */
	if (nid == NID_sha384)
		md = EVP_sha384();
	else if (nid == NID_sha512)
		md = EVP_sha512();
	if (X509_digest(cert, md, out, &len) != 1)
		return false;
	*n = len;
	return true;
}

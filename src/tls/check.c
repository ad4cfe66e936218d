/* SPDX-License-Identifier: ISC */
/*
 * check: see check.h.
 */
#include "tls/check.h"

#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "tls/context.h"

enum { FILE_MAX_BYTES = 4 << 20, SOON_DAYS = 14, DAY_S = 86400 };

struct walk {
	const struct config *cfg;
	const struct tls_checker *c;
	enum tls_level worst;
	bool named;			/* a certificate has the server's name */
	struct arena mem;
};

__attribute__((format(printf, 4, 5))) static void
tell(struct walk *w, enum tls_level level, struct str path, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->worst = MAX(w->worst, level);
	w->c->say(w->c->ctx, &(struct tls_finding){ .level = level, .path = path,
	    .text = str_from(text, n > 0 ? MIN((size_t)n, sizeof(text) - 1) : 0) });
}

static int64_t
unix_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
load(struct walk *w, const char *kind, struct str path, struct buf *out)
{
	char *name = str_z(&w->mem, str_cat(&w->mem, str_of(kind), path));

	return name && w->c->source.read && w->c->source.read(w->c->source.ctx, name, out);
}

/* ---- one certificate ---- */

static void
check_time(struct walk *w, struct str path, X509 *x, const char *which)
{
	int64_t from = unix_of(X509_get0_notBefore(x)), to = unix_of(X509_get0_notAfter(x));
	int64_t now = w->c->now_s, days = (to - now) / DAY_S;

	if (now < from)
		tell(w, TLS_EXPIRED, path, "%s is not valid yet", which);
	else if (now > to)
		tell(w, TLS_EXPIRED, path, "%s expired %lld days ago", which,
		    (long long)((now - to) / DAY_S));
	else if (days < SOON_DAYS)
		tell(w, TLS_WARN, path, "%s expires in %lld days", which, (long long)days);
}

static void
check_order(struct walk *w, struct str path, const struct pem_chain *chain)
{
	for (size_t i = 0; i + 1 < chain->n; i++) {
		X509 *x = chain->cert[i], *above = chain->cert[i + 1];

		if (X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(above)) != 0)
			tell(w, TLS_BAD, path, "chain is out of order: certificate %zu was not "
			    "issued by certificate %zu", i + 1, i + 2);
		else if (X509_verify(x, X509_get0_pubkey(above)) != 1)
			tell(w, TLS_BAD, path, "chain is broken: the signature of certificate %zu "
			    "is not by the key of certificate %zu", i + 1, i + 2);
		check_time(w, path, above, "a certificate above");
	}
	ERR_clear_error();
}

static void
check_name(struct walk *w, X509 *x)
{
	if (X509_check_host(x, w->cfg->hostname.p, w->cfg->hostname.n, 0, NULL) == 1)
		w->named = true;
}

static void
check_kind(struct walk *w, struct str path, EVP_PKEY *pub)
{
	int bits = EVP_PKEY_get_bits(pub);

	if (!EVP_PKEY_is_a(pub, "RSA") && !EVP_PKEY_is_a(pub, "EC"))
		tell(w, TLS_BAD, path, "only RSA and ECDSA keys are supported");
	else if (EVP_PKEY_is_a(pub, "RSA") && bits > 3072)
		tell(w, TLS_WARN, path, "RSA with %d bits costs 10 times the work of RSA 2048 for "
		    "each session; ECDSA P-256 is cheaper still", bits);
	else if (EVP_PKEY_is_a(pub, "EC") && bits > 256)
		tell(w, TLS_WARN, path, "ECDSA with %d bits costs 4 times the work of P-256", bits);
}

/* What a handshake would find: does OpenSSL take them together? */
static void
check_usable(struct walk *w, const struct cert *c, const struct pem_chain *chain, EVP_PKEY *key)
{
	SSL_CTX *ctx = tls_context_new();

	if (!ctx)
		abort();
	if (X509_check_private_key(chain->cert[0], key) != 1) {
		tell(w, TLS_BAD, c->key, "the key does not belong to the certificate in " STR_F,
		    STR_A(c->chain));
	} else if (!tls_context_add(ctx, chain, key)) {
		const char *why = ERR_reason_error_string(ERR_peek_last_error());

		tell(w, TLS_BAD, c->chain, "cannot be used: %s", why ? why : "unknown reason");
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

static void
check_cert(struct walk *w, const struct cert *c)
{
	struct pem_chain chain = {};
	struct buf b, k;
	EVP_PKEY *pub, *key = NULL;

	buf_init(&b, FILE_MAX_BYTES);
	buf_init(&k, FILE_MAX_BYTES);
	if (!load(w, "chain:", c->chain, &b)) {
		tell(w, TLS_BAD, c->chain, "cannot be read");
	} else if (!pem_chain(buf_str(&b), &chain)) {
		tell(w, TLS_BAD, c->chain, "no whole certificate in PEM form in it");
	} else {
		pub = X509_get0_pubkey(chain.cert[0]);
		check_time(w, c->chain, chain.cert[0], "the certificate");
		check_order(w, c->chain, &chain);
		check_name(w, chain.cert[0]);
		if (pub)
			check_kind(w, c->chain, pub);
	}
	if (!load(w, "secret:", c->key, &k))
		tell(w, TLS_BAD, c->key, "cannot be read");
	else if (!(key = pem_key(buf_str(&k))))
		tell(w, TLS_BAD, c->key, "no private key without passphrase in it");
	if (key && chain.n > 0)
		check_usable(w, c, &chain, key);
	EVP_PKEY_free(key);
	pem_chain_free(&chain);
	if (k.p)
		OPENSSL_cleanse(k.p, k.cap);
	buf_done(&b);
	buf_done(&k);
}

/* ---- listeners ---- */

static void
check_listener(struct walk *w, const struct listener *l)
{
	X509_STORE *store;
	struct buf b;

	if (l->kind == L_MX && !ip_is_loopback(l->ip) &&
	    (l->tls == LTLS_REQUIRED || l->tls == LTLS_IMPLICIT ||
	    l->client_certs == CERTS_REQUIRE))		/* RFC 3207 4 */
		tell(w, TLS_WARN, l->name, "an mx that requires TLS turns mail away: a public "
		    "server must take mail without it");
	if (l->client_ca.n == 0)
		return;
	buf_init(&b, FILE_MAX_BYTES);
	store = load(w, "ca:", l->client_ca, &b) ? pem_store(buf_str(&b), NULL) : NULL;
	if (!store)
		tell(w, TLS_BAD, l->client_ca, "no certificates can be read from it");
	X509_STORE_free(store);
	buf_done(&b);
}

enum tls_level
tls_check(const struct config *cfg, const struct tls_checker *c)
{
	struct walk w = { .cfg = cfg, .c = c };

	arena_init(&w.mem, 1 << 20);
	for (size_t i = 0; i < cfg->ncert; i++)
		check_cert(&w, &cfg->cert[i]);
	if (cfg->ncert > 0 && !w.named && w.worst < TLS_BAD)
		tell(&w, TLS_UNNAMED, cfg->cert[0].chain, "no certificate is for the hostname "
		    STR_F, STR_A(cfg->hostname));
	for (size_t i = 0; i < cfg->nlistener; i++)
		check_listener(&w, &cfg->listener[i]);
	arena_done(&w.mem);
	return w.worst;
}

/* ---- files ---- */

bool
tls_read_path(void *ctx, const char *name, struct buf *out)
{
	const char *colon = strchr(name, ':');
	int fd = open(colon ? colon + 1 : name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = 1;

	(void)ctx;
	while (fd != -1 && n > 0) {
		char *to = buf_reserve(out, 16384);

		n = to ? read(fd, to, 16384) : -1;
		if (n > 0)
			buf_add(out, (size_t)n);
	}
	if (fd != -1)
		close(fd);
	return fd != -1 && n == 0;
}

const char *
tls_level_name(enum tls_level l)
{
	switch (l) {
	case TLS_NOTE:	return "note";
	case TLS_WARN:	return "warning";
	case TLS_UNNAMED:	return "unnamed";
	case TLS_EXPIRED:	return "expired";
	case TLS_BAD:	return "error";
	}
	return "error";
}

/* ---- showing ---- */

static void
show_names(X509 *x, struct arena *a, struct tls_shown *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(names);

	out->name = arena_alloc(a, (size_t)MAX(n, 1) * sizeof(struct str));
	for (int i = 0; i < n && out->name; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS)
			out->name[out->nname++] = str_dup(a, str_from(
			    ASN1_STRING_get0_data(g->d.dNSName),
			    (size_t)ASN1_STRING_length(g->d.dNSName)));
	}
	GENERAL_NAMES_free(names);
}

static struct str
show_dn(const X509_NAME *name, struct arena *a)
{
	struct dn dn;
	struct buf b;
	struct str out = {};

	buf_init(&b, 8192);
	if (dn_of_x509(name, a, &dn) && dn_format(&b, &dn))
		out = str_dup(a, buf_str(&b));
	buf_done(&b);
	return out;
}

bool
tls_show(struct str pem, int64_t now_s, struct arena *a, struct tls_shown *out)
{
	struct pem_chain chain;
	unsigned char spki[32];
	EVP_PKEY *pub;
	X509 *x;

	*out = (struct tls_shown){};
	if (!pem_chain(pem, &chain))
		return false;
	x = chain.cert[0];
	pub = X509_get0_pubkey(x);
	out->subject = show_dn(X509_get_subject_name(x), a);
	out->issuer = show_dn(X509_get_issuer_name(x), a);
	out->not_before = unix_of(X509_get0_notBefore(x));
	out->not_after = unix_of(X509_get0_notAfter(x));
	out->days_left = (out->not_after - now_s) / DAY_S;
	show_names(x, a, out);
	if (pub && tls_spki_hash(pub, spki)) {
		tls_hex32(spki, out->pin);
		out->key = str_fmt(a, "%s %d", EVP_PKEY_get0_type_name(pub),
		    EVP_PKEY_get_bits(pub));
	}
	pem_chain_free(&chain);
	return true;
}

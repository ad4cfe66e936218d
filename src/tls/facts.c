/* SPDX-License-Identifier: ISC */
/*
 * facts: see facts.h.
 */
#include "tls/facts.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { PEER_MEMORY = 64 << 10, DN_TEXT_MAX = 4096 };

bool
tls_spki_hash(const EVP_PKEY *key, unsigned char out[32])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	bool ok = n > 0 && SHA256(der, (size_t)n, out) != NULL;

	OPENSSL_free(der);
	return ok;
}

void
tls_hex32(const unsigned char in[32], char out[TLS_PIN_TEXT])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < 32; i++) {
		out[2 * i] = hex[in[i] >> 4];
		out[2 * i + 1] = hex[in[i] & 15];
	}
}

static struct str
type_of(const ASN1_OBJECT *obj, struct arena *a)
{
	int nid = OBJ_obj2nid(obj);
	char oid[80];
	int n;

	if (nid != NID_undef)
		return str_of(OBJ_nid2sn(nid));
	n = OBJ_obj2txt(oid, sizeof oid, obj, 1);
	return n > 0 && n < (int)sizeof oid ? str_dup(a, str_from(oid, (size_t)n)) :
	    STR("unknown");
}

bool
dn_of_x509(const X509_NAME *name, struct arena *a, struct dn *out)
{
	int n = X509_NAME_entry_count(name);

	*out = (struct dn){};
	if (n < 0 || n > DN_PARTS_MAX)
		return false;
	out->part = arena_alloc(a, (size_t)n * sizeof(struct dn_part));
	if (out->part == NULL)
		return false;
	for (int i = 0; i < n; i++) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		struct dn_part *p = &out->part[out->n];
		unsigned char *utf8 = NULL;
		int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));

		if (len < 0)
			return false;
		p->type = type_of(X509_NAME_ENTRY_get_object(e), a);
		p->value = str_dup(a, str_from(utf8, (size_t)len));
		OPENSSL_free(utf8);
		if (p->value.p == NULL)
			return false;
		out->n++;
	}
	return true;
}

static struct str
dn_text(const struct dn *dn, struct arena *a)
{
	char text[512];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	struct buf big;
	struct str out;

	if (dn_format(&b, dn))
		return str_dup(a, buf_str(&b));
	buf_init(&big, DN_TEXT_MAX);
	out = dn_format(&big, dn) ? str_dup(a, buf_str(&big)) : STR("too-long");
	buf_done(&big);
	return out;
}

/* A name with control characters or NUL inside is not a name. */
static bool
clean_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static void
take_sans(struct tls_peer *p, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(names);

	p->dns = arena_alloc(&p->memory, TLS_SANS_MAX * sizeof(struct str));
	p->email = arena_alloc(&p->memory, TLS_SANS_MAX * sizeof(struct str));
	for (int i = 0; i < n && p->dns && p->email; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *ia5;
		struct str s;

		if (g->type != GEN_DNS && g->type != GEN_EMAIL)
			continue;
		ia5 = g->type == GEN_DNS ? g->d.dNSName : g->d.rfc822Name;
		s = str_from(ASN1_STRING_get0_data(ia5), (size_t)ASN1_STRING_length(ia5));
		if (!clean_name(s))
			continue;
		if (g->type == GEN_DNS && p->ndns < TLS_SANS_MAX)
			p->dns[p->ndns++] = str_dup(&p->memory, s);
		else if (g->type == GEN_EMAIL && p->nemail < TLS_SANS_MAX)
			p->email[p->nemail++] = str_dup(&p->memory, s);
	}
	GENERAL_NAMES_free(names);
}

static struct tls_peer *
peer_new(X509 *cert)
{
	struct tls_peer *p = calloc(1, sizeof(*p));
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (!p)
		return NULL;
	arena_init(&p->memory, PEER_MEMORY);
	if (!key || !tls_spki_hash(key, p->spki) ||
	    !dn_of_x509(X509_get_subject_name(cert), &p->memory, &p->subject) ||
	    !dn_of_x509(X509_get_issuer_name(cert), &p->memory, &p->issuer)) {
		arena_done(&p->memory);
		free(p);
		return NULL;
	}
	tls_hex32(p->spki, p->pin);
	p->subject_text = dn_text(&p->subject, &p->memory);
	p->issuer_text = dn_text(&p->issuer, &p->memory);
	take_sans(p, cert);
	return p;
}

void
tls_facts_take(SSL *ssl, bool asked, struct tls_facts *out)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	X509 *cert = SSL_get0_peer_certificate(ssl);

	*out = (struct tls_facts){
		.version = str_of(SSL_get_version(ssl)),
		.cipher = str_of(SSL_CIPHER_get_name(cipher)),
		.bits = (unsigned)SSL_CIPHER_get_bits(cipher, NULL),
		.resumed = SSL_session_reused(ssl) == 1,
	};
	if (cert) {
		out->peer = peer_new(cert);
		out->verify_code = SSL_get_verify_result(ssl);
	}
	out->verify = tls_verify_of(asked, cert != NULL, out->verify_code);
	/* One whose name or key cannot even be read is no proof of anything. */
	if (cert && !out->peer)
		out->verify = TV_FAIL;
	ERR_clear_error();
}

void
tls_facts_done(struct tls_facts *f)
{
	if (f->peer) {
		arena_done(&f->peer->memory);
		free(f->peer);
	}
	*f = (struct tls_facts){};
}

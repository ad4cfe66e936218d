/* SPDX-License-Identifier: ISC */
/*
 * tls_made: see tls_made.h.
 */
#include "tls/tls_made.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct str
pem_text(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	char *copy = malloc((size_t)n);

	memcpy(copy, p, (size_t)n);
	BIO_free(b);
	return str_from(copy, (size_t)n);
}

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

struct made
made_cert(const char *type, const char *cn, const struct made *by, long days)
{
	static long serial = 1;
	struct made m = { .x = X509_new() };
	X509_NAME *name;
	char san[200];
	BIO *b;

	m.pkey = strcmp(type, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509_set_version(m.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m.x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(m.x), -86400L * 30);
	X509_gmtime_adj(X509_getm_notAfter(m.x), 86400L * days);
	X509_set_pubkey(m.x, m.pkey);
	name = X509_get_subject_name(m.x);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const unsigned char *)"endmail.org", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(m.x, by ? X509_get_subject_name(by->x) : name);
	add_ext(m.x, by ? by->x : m.x, NID_basic_constraints, by ? "CA:FALSE" : "critical,CA:TRUE");
	if (by) {
		(void)snprintf(san, sizeof san, "DNS:%s,email:postmaster@%s", cn, cn);
		add_ext(m.x, by->x, NID_subject_alt_name, san);
	}
	X509_sign(m.x, by ? by->pkey : m.pkey, EVP_sha256());
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(b, m.x);
	m.cert = pem_text(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(b, m.pkey, NULL, NULL, 0, NULL, NULL);
	m.key = pem_text(b);
	return m;
}

struct made made_ca, made_other_ca, made_rsa, made_ec, made_second, made_client, made_stranger;

void
made_all(void)
{
	made_ca = made_cert("EC", "Test CA", NULL, 100);
	made_other_ca = made_cert("EC", "Other CA", NULL, 100);
	made_rsa = made_cert("RSA", "mx.example.test", &made_ca, 90);
	made_ec = made_cert("EC", "mx.example.test", &made_ca, 90);
	made_second = made_cert("EC", "second.example.test", &made_ca, 90);
	made_client = made_cert("EC", "client.example.test", &made_ca, 90);
	made_stranger = made_cert("EC", "stranger.example.test", &made_other_ca, 90);
}

/* SPDX-License-Identifier: ISC */
/*
 * pem: see pem.h.
 */
#include "tls/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

static int
no_passphrase(char *p, int n, int rw, void *arg)
{
	(void)p, (void)n, (void)rw, (void)arg;
	return -1;
}

static BIO *
bio_of(struct str text)
{
	BIO *b = BIO_new_mem_buf(text.n > 0 ? text.p : "", (int)text.n);

	if (!b)
		abort();
	return b;
}

/* Did reading stop because there is nothing more, and not at something broken? */
static bool
at_end(void)
{
	unsigned long e = ERR_peek_last_error();
	bool end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return end;
}

bool
pem_chain(struct str text, struct pem_chain *out)
{
	BIO *b = bio_of(text);
	X509 *x = NULL;

	*out = (struct pem_chain){};
	ERR_clear_error();
	while (out->n < PEM_CHAIN_MAX && (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL)))
		out->cert[out->n++] = x;
	BIO_free(b);
	if (x || !at_end() || out->n == 0) {
		pem_chain_free(out);
		return false;
	}
	return true;
}

void
pem_chain_free(struct pem_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->cert[i]);
	*c = (struct pem_chain){};
}

EVP_PKEY *
pem_key(struct str text)
{
	BIO *b = bio_of(text);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);

	BIO_free(b);
	ERR_clear_error();
	return key;
}

X509_STORE *
pem_store(struct str text, STACK_OF(X509_NAME) **names)
{
	X509_STORE *store = X509_STORE_new();
	BIO *b = bio_of(text);
	size_t n = 0;
	X509 *x;

	if (!store)
		abort();
	if (names)
		*names = sk_X509_NAME_new_null();
	ERR_clear_error();
	while ((x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL))) {
		n += X509_STORE_add_cert(store, x) == 1;
		if (names && *names) {
			X509_NAME *copy = X509_NAME_dup(X509_get_subject_name(x));

			if (copy)
				(void)sk_X509_NAME_push(*names, copy);
		}
		X509_free(x);
	}
	BIO_free(b);
	if (at_end() && n > 0)
		return store;
	X509_STORE_free(store);
	if (names) {
		sk_X509_NAME_pop_free(*names, X509_NAME_free);
		*names = NULL;
	}
	return NULL;
}

/* SPDX-License-Identifier: ISC */
/*
 * init_keys: see init_keys.h.
 */
#include "main/init_keys.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"

enum { DAYS = 730 };

bool
init_write(const char *path, unsigned mode, struct str text, struct buf *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n &&
	    fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0;

	if (!good)
		buf_putf(why, "%s cannot be made%s", path,
		    fd < 0 && access(path, F_OK) == 0 ? ": it is there already" : "");
	if (fd >= 0)
		(void)close(fd);
	return good;
}

static bool
write_bio(const char *path, unsigned mode, BIO *bio, struct buf *why)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	return n > 0 && init_write(path, mode, (struct str){ p, (size_t)n }, why);
}

static bool
write_key(const char *path, EVP_PKEY *key, struct buf *why)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool good = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
	    NULL)
	    && write_bio(path, 0600, bio, why);

	BIO_free(bio);
	return good;
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool good;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = ext != NULL && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return good;
}

static bool
fill_certificate(X509 *cert, EVP_PKEY *key, const char *hostname)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char san[300];
	uint64_t serial = 1;

	(void)snprintf(san, sizeof san, "DNS:%s", hostname);
	return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) &&
	    X509_set_version(cert, 2) && X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * DAYS) &&
	    X509_set_pubkey(cert, key) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)
	    (strlen(hostname) <= 64 ? hostname : "mail server"), -1, -1, 0) &&
	    X509_set_issuer_name(cert, name) && add_extension(cert, NID_subject_alt_name, san) &&
	    add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
}

bool
init_certificate(const char *chain, const char *key_path, const char *hostname, struct buf *why)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	bool good = false;

	if (key == NULL || cert == NULL || bio == NULL || !fill_certificate(cert, key, hostname) ||
	    !PEM_write_bio_X509(bio, cert))
		buf_puts(why, "the certificate cannot be made");
	else
		good = write_bio(chain, 0644, bio, why) && write_key(key_path, key, why);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return good;
}

bool
init_dkim_record(EVP_PKEY *key, struct buf *record)
{
	unsigned char raw[32], *der = NULL;
	size_t nraw = sizeof raw;
	int n;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return EVP_PKEY_get_raw_public_key(key, raw, &nraw) == 1 &&
		    buf_puts(record, "v=DKIM1; k=ed25519; p=") &&
		    base64_encode(record, str_from((const char *)raw, nraw));
	n = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? i2d_PUBKEY(key, &der) : -1;
	if (n > 0) {
		buf_puts(record, "v=DKIM1; k=rsa; p=");
		(void)base64_encode(record, (struct str){ (const char *)der, (size_t)n });
	}
	OPENSSL_free(der);
	return n > 0 && !record->failed;
}

bool
init_dkim(const char *path, bool ed25519, struct buf *record, struct buf *why)
{
	EVP_PKEY *key = ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") :
	    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	bool good = key != NULL && write_key(path, key, why) && init_dkim_record(key, record);

	if (!good && why->n == 0)
		buf_puts(why, "the DKIM key cannot be made");
	EVP_PKEY_free(key);
	return good;
}

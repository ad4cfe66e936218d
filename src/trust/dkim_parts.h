/* SPDX-License-Identifier: ISC */
/*
 * dkim_parts: what DKIM and ARC share: the tags of a signature, keys from DNS, canonical headers.
 *
 * For the files of this folder only.
 */
#ifndef TRUST_DKIM_PARTS_H
#define TRUST_DKIM_PARTS_H

#include <openssl/evp.h>

#include "mail/header.h"
#include "trust/ask.h"
#include "trust/bodyhash.h"
#include "trust/result.h"
#include "trust/tags.h"

enum {
	SIG_NAMES_MAX = 1000,		/* in h= */
	SIG_FIELD_MAX = 64 << 10,	/* octets of a signature field */
	SIG_NAME_MAX = 253,
};

enum sig_kind { SIG_DKIM, SIG_ARC_MESSAGE, SIG_ARC_SEAL };
enum sig_alg { SIG_RSA_SHA256, SIG_ED25519, SIG_RSA_SHA1 };

struct sig_tags {
	enum sig_alg alg;
	struct str algorithm;		/* as written */
	struct str b, bh;		/* decoded */
	struct str b_raw;		/* slice of the field to be left out */
	struct str b_text;		/* without white space */
	bool relaxed_header, relaxed_body;
	struct str domain, selector, identity;
	struct str *name;		/* h= */
	size_t nname;
	bool limited;
	uint64_t limit;
	int64_t t, x;			/* 0: not given */
	uint64_t instance;		/* ARC: i= */
	struct str cv;			/* ARC seal */
};

/* From a field's value.  False: *why, constant text; the slices that were read stay. */
bool sig_tags_read(struct str value, enum sig_kind kind, bool legacy, struct arena *a,
    struct sig_tags *out, const char **why);
/* Labels of letters, digits, '-' and '_', no more than fits a name of DNS. */
bool sig_domain_ok(struct str s);
/* An instance tag: 1 to 50, no zero in front. */
bool sig_instance(struct str value, uint64_t *out);

/* A public key, and what its record says of it. */
struct sig_key {
	EVP_PKEY *key;			/* freed by sig_key_done */
	bool ed25519;
	unsigned bits;
	bool testing, strict;		/* t=y, t=s */
	bool sha256, sha1;		/* h= takes them */
};

/* AUTH_PASS: it can be used; else *why. */
enum auth_result sig_key_parse(struct str record, struct arena *a, struct sig_key *out,
    const char **why);
/* From SubjectPublicKeyInfo, or 32 raw octets of Ed25519.  False: neither. */
bool sig_key_of(struct str octets, struct sig_key *out);
void sig_key_done(struct sig_key *k);
/* _domainkey of that selector and domain.  *found: a record of a key stands there.  suspends */
enum auth_result sig_key_fetch(struct str selector, struct str domain, struct trust_dns *dns,
    struct arena *a, struct sig_key *out, bool *found, const char **why);

/* dkim_memo.c: the key of these octets, read once; a reference of the caller's. */
EVP_PKEY *memo_key(struct str der, EVP_PKEY *(*read)(struct str der));
/* Where a context that is ready to verify with that key by SHA-256 is kept; NULL: nowhere. */
EVP_PKEY_CTX **memo_verifier(const EVP_PKEY *key);
const EVP_MD *memo_md(bool sha1);

/* Where canonical octets go: a hash, or a buffer for whoever signs them. */
struct sig_sink {
	EVP_MD_CTX *md;			/* NULL: */
	struct buf *buf;
};

/* One field; or the field that holds the signature, without its b= and its final CRLF. */
void sig_put_field(const struct sig_sink *to, const struct field *f, bool relaxed);
void sig_put_own(const struct sig_sink *to, const struct field *f, bool relaxed, struct str cut);
/* The fields that names select, from the bottom up (RFC 6376 5.4.2), skip left out.  False: no
 * memory. */
struct sig_choice {
	const struct header *h;
	const struct str *name;
	size_t n;
	bool relaxed;
	const struct field *skip;
};
bool sig_put_fields(const struct sig_sink *to, const struct sig_choice *c, struct arena *a);
/* Is sig the signature of that digest? */
bool sig_verify(const struct sig_key *k, enum sig_alg alg, struct str digest, struct str sig);

#endif

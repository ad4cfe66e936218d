/* SPDX-License-Identifier: ISC */
/*
 * bodyhash: see bodyhash.h.
 *
 * A canonicaliser is a small machine that sees each octet once: empty lines at the end are counted
 * and not yet hashed, white space of relaxed lines is pending until something follows it.
 */
#include "trust/bodyhash.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "trust/dkim_parts.h"

enum { OUT = 4096 };

struct body_hasher {
	struct body_wish wish;
	EVP_MD_CTX *md;
	uint64_t crlfs;			/* line ends that may turn out to be the last ones */
	bool cr;			/* a CR that waits for its LF */
	bool space;			/* relaxed: white space that waits for what follows */
	uint64_t canonical;		/* octets of the canonical body so far */
	uint64_t hashed;
	unsigned char digest[BODY_DIGEST_MAX];
	unsigned digest_n;
	size_t n;
	char out[OUT];
};

static bool
same(const struct body_wish *a, const struct body_wish *b)
{
	return a->relaxed == b->relaxed && a->alg == b->alg && a->limited == b->limited &&
	    (!a->limited || a->limit == b->limit);
}

int
body_hash_want(struct body_hashes *b, struct body_wish w)
{
	struct body_hasher *h;

	for (unsigned i = 0; i < b->n; i++)
		if (same(&b->wish[i], &w))
			return (int)i;
	if (b->n == BODY_WISHES_MAX)
		return -1;
	h = calloc(1, sizeof *h);
	if (!h)
		abort();
	h->wish = w;
	h->md = EVP_MD_CTX_new();
	if (!h->md || EVP_DigestInit_ex(h->md, memo_md(w.alg == BODY_SHA1), NULL) != 1) {
		EVP_MD_CTX_free(h->md);
		free(h);
		return -1;
	}
	b->wish[b->n] = w;
	b->hasher[b->n] = h;
	return (int)b->n++;
}

static void
hash(struct body_hasher *h, const char *p, size_t n)
{
	h->canonical += n;
	if (h->wish.limited && n > h->wish.limit - h->hashed)
		n = (size_t)(h->wish.limit - h->hashed);
	h->hashed += n;
	if (n > 0)
		(void)EVP_DigestUpdate(h->md, p, n);
}

static void
flush(struct body_hasher *h)
{
	hash(h, h->out, h->n);
	h->n = 0;
}

static inline void
put(struct body_hasher *h, char c)
{
	if (h->n == OUT)
		flush(h);
	h->out[h->n++] = c;
}

/* Something follows: what waited is part of the body. */
static void
settle(struct body_hasher *h)
{
	for (; h->crlfs > 0; h->crlfs--) {
		put(h, '\r');
		put(h, '\n');
	}
	if (h->space)
		put(h, ' ');
	h->space = false;
}

static void
octet(struct body_hasher *h, char c)
{
	if (h->cr) {
		h->cr = false;
		if (c == '\n') {
			h->space = false;		/* white space at the end of a line */
			h->crlfs++;
			return;
		}
		settle(h);
		put(h, '\r');
	}
	if (c == '\r') {
		h->cr = true;
		return;
	}
	if (h->wish.relaxed && ascii_iswsp(c)) {
		h->space = true;
		return;
	}
	settle(h);
	put(h, c);
}

/* Octets up to the next that the machine must look at, in one piece. */
static size_t
plain(const struct body_hasher *h, struct str s)
{
	ssize_t cr = str_chr(s, '\r');
	size_t n = cr < 0 ? s.n : (size_t)cr, i = 0;

	if (!h->wish.relaxed)
		return n;
	while (i < n && s.p[i] != ' ' && s.p[i] != '\t')
		i++;
	return i;
}

static void
feed(struct body_hasher *h, struct str s)
{
	while (s.n > 0) {
		size_t n = h->cr ? 0 : plain(h, s);

		if (n == 0) {
			octet(h, s.p[0]);
			s = str_skip(s, 1);
			continue;
		}
		settle(h);
		for (size_t i = 0; i < n;) {
			size_t room = OUT - h->n, k = n - i < room ? n - i : room;

			memcpy(h->out + h->n, s.p + i, k);
			h->n += k;
			i += k;
			if (h->n == OUT)
				flush(h);
		}
		s = str_skip(s, n);
	}
}

void
body_hash_feed(struct body_hashes *b, struct str bytes)
{
	for (unsigned i = 0; i < b->n; i++)
		feed(b->hasher[i], bytes);
}

/* RFC 6376 3.4.3: an empty body is one CR LF; 3.4.4: relaxed, it is nothing. */
static void
end(struct body_hasher *h)
{
	bool something;

	if (h->cr) {
		h->cr = false;
		settle(h);
		put(h, '\r');
	}
	something = h->canonical + h->n > 0;
	if (something || !h->wish.relaxed) {
		put(h, '\r');
		put(h, '\n');
	}
	flush(h);
	(void)EVP_DigestFinal_ex(h->md, h->digest, &h->digest_n);
}

void
body_hash_end(struct body_hashes *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->hasher[i]->digest_n == 0)
			end(b->hasher[i]);
}

struct str
body_hash_get(const struct body_hashes *b, int number, uint64_t *len)
{
	const struct body_hasher *h = number >= 0 ? b->hasher[number] : NULL;

	*len = h ? h->canonical : 0;
	return h ? str_from(h->digest, h->digest_n) : (struct str){};
}

void
body_hashes_done(struct body_hashes *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		EVP_MD_CTX_free(b->hasher[i]->md);
		free(b->hasher[i]);
	}
	b->n = 0;
}

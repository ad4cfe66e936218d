/* SPDX-License-Identifier: ISC */
/*
 * srs: see srs.h.
 *
 *	SRS0=hash=TT=host=user		user@host, forwarded by us
 *	SRS1=hash=host=Xrest		SRS0Xrest@host, forwarded by us; X is the other's separator
 *
 * 1. Behind the tag stands one of = - + (read), = (written); the fields are split at '=' and the
 *    last of them takes what is left, so that a user part may hold anything.
 * 2. The known layout hashes the fields in lower case, one after the other.  The strong one puts a
 *    label in front and an octet between them that no field can hold: no octet can wander from
 *    the host to the user.
 * 3. The hash is compared before anything else is believed, and every secret is tried in the same
 *    time.
 */
#include "trust/srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/buf.h"
#include "mail/path.h"
#include "trust/rewrite.h"

enum {
	TAG = 4, CLASSIC_HASH = 4, STRONG_HASH = 16, HASH_MAX = 28, STAMP = 2,
	DAY_S = 86'400, SLOTS = 1024,
};

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* What is hashed and written: SRS0 has a stamp, SRS1 has none. */
struct fields {
	struct str label, hash, stamp, host, user;
};

static enum srs
error(const char **why, const char *what)
{
	*why = what;
	return SRS_ERROR;
}

static bool
tagged(struct str local, struct str tag)
{
	return local.n > TAG && str_istarts(local, tag) &&
	    (local.p[TAG] == '=' || local.p[TAG] == '-' || local.p[TAG] == '+');
}

bool
srs_looks_like(struct str local)
{
	if (local.n > 0 && local.p[0] == '"')
		local = str_skip(local, 1);
	return tagged(local, STR("SRS0")) || tagged(local, STR("SRS1"));
}

/* ---- hashes ---- */

static struct str
hashed_text(const struct srs_conf *c, const struct fields *f, struct arena *a)
{
	static const char nul[1] = "";
	struct str sep = c->classic ? STR("") : str_from(nul, 1);
	struct str label = c->classic ? STR("") : f->label;

	return str_lower(a, str_cat(a, label, sep, f->stamp, sep, f->host, sep, f->user));
}

/* The first 80 bits as 16 letters that mean the same in any case. */
static void
encode_strong(const unsigned char *mac, char out[STRONG_HASH])
{
	for (unsigned i = 0; i < STRONG_HASH; i++) {
		unsigned bit = i * 5, at = bit / 8;
		unsigned two = (unsigned)mac[at] << 8 | mac[at + 1];

		out[i] = base32[two >> (11 - bit % 8) & 31];
	}
}

/* The whole of it for this secret, HASH_MAX octets at most; 0: cannot be computed. */
static size_t
hash_of(const struct srs_conf *c, size_t secret, struct str text, char out[HASH_MAX])
{
	const EVP_MD *md = c->classic ? EVP_sha1() : EVP_sha256();
	unsigned char mac[EVP_MAX_MD_SIZE];
	struct str key = c->secret[secret];
	unsigned n = 0;
	struct buf b;

	if (key.n > 4096 || HMAC(md, key.p, (int)key.n, (const unsigned char *)text.p, text.n, mac,
	    &n) == NULL)
		return 0;
	if (!c->classic) {
		encode_strong(mac, out);
		return STRONG_HASH;
	}
	buf_init(&b, 64);
	n = base64_encode(&b, str_from(mac, n)) && b.n <= HASH_MAX ? (unsigned)b.n - 1 : 0;
	if (n > 0)
		memcpy(out, b.p, n);		/* without the '=' at its end */
	buf_done(&b);
	return n;
}

/* Mail systems on the way may have changed the case; the known layout's hash may be longer. */
static bool
same_hash(struct str got, const char *want, size_t n)
{
	unsigned char d = 0;

	if (got.n > n)
		return false;
	for (size_t i = 0; i < got.n; i++)
		d = (unsigned char)(d | (ascii_lower(got.p[i]) ^ ascii_lower(want[i])));
	return d == 0;
}

static bool
hash_good(const struct srs_conf *c, const struct fields *f, struct arena *a)
{
	struct str text = hashed_text(c, f, a);
	char want[HASH_MAX];
	bool good = false;

	if (c->classic ? f->hash.n < CLASSIC_HASH : f->hash.n != STRONG_HASH)
		return false;
	for (size_t i = 0; text.p != NULL && i < c->nsecret; i++)
		good |= same_hash(f->hash, want, hash_of(c, i, text, want));
	OPENSSL_cleanse(want, sizeof want);
	return good;
}

/* ---- day stamps ---- */

static unsigned
today(int64_t now_s)
{
	return (unsigned)((uint64_t)now_s / DAY_S % SLOTS);
}

static bool
stamp_good(struct str stamp, int64_t now_s)
{
	unsigned then = 0;

	if (stamp.n != STAMP)
		return false;
	for (size_t i = 0; i < STAMP; i++) {
		const char *at = memchr(base32, ascii_upper(stamp.p[i]), sizeof base32 - 1);

		if (at == NULL)
			return false;
		then = then * 32 + (unsigned)(at - base32);
	}
	return (today(now_s) + SLOTS - then) % SLOTS <= SRS_DAYS;
}

/* ---- there ---- */

static enum srs
seal(const struct srs_conf *c, struct fields *f, struct arena *a, struct str *out,
    const char **why)
{
	bool first = f->stamp.n > 0;
	struct str text = hashed_text(c, f, a), local;
	char hash[HASH_MAX];
	size_t n = text.p != NULL ? hash_of(c, 0, text, hash) : 0;

	if (n == 0)
		return error(why, "memory");
	f->hash = str_from(hash, c->classic ? CLASSIC_HASH : STRONG_HASH);
	local = str_cat(a, first ? STR("SRS0=") : STR("SRS1="), f->hash, STR("="), f->stamp,
	    first ? STR("=") : STR(""), f->host, STR("="), f->user);
	if (local.p == NULL || !rewrite_join(local, c->domain, a, out))
		return error(why, "memory");
	if (out->n > (size_t)(c->classic ? (int)REWRITE_MAX : (int)PATH_MAX_LEN))
		return error(why, "length");
	return SRS_OK;
}

/* SRS1 from another forwarder: its hash is dropped, the first hop stays. */
static bool
rewrap(struct str local, struct fields *f)
{
	struct str rest = str_skip(local, TAG + 1);

	f->label = STR("srs1");
	(void)str_split(&rest, '=');
	f->host = str_split(&rest, '=');
	f->user = rest;
	return rewrite_host_like(f->host) && f->user.n > 1 &&
	    memchr("=-+", f->user.p[0], 3) != NULL;
}

enum srs
srs_forward(const struct srs_conf *c, struct str address, struct arena *a, struct str *out,
    const char **why)
{
	unsigned day = today(c->now_s);
	char stamp[STAMP] = { base32[day >> 5], base32[day & 31] };
	struct fields f = {};
	struct str local, host;

	*out = address;
	if (address.n == 0)
		return SRS_UNCHANGED;			/* the null sender stays what it is */
	if (c->nsecret == 0 || c->domain.n == 0)
		return error(why, "secret");
	if (!rewrite_split(address, a, &local, &host))
		return error(why, "address");
	if (str_ieq(host, c->domain))
		return SRS_UNCHANGED;
	if (tagged(local, STR("SRS1")) && rewrap(local, &f))
		return seal(c, &f, a, out, why);
	if (tagged(local, STR("SRS1")) && c->classic)
		return error(why, "format");
	if (tagged(local, STR("SRS0"))) {
		f = (struct fields){ .label = STR("srs1"), .host = host,
			.user = str_skip(local, TAG) };
		return seal(c, &f, a, out, why);
	}
	f = (struct fields){ .label = STR("srs0"), .stamp = str_from(stamp, STAMP), .host = host,
		.user = local };
	return seal(c, &f, a, out, why);
}

/* ---- and back ---- */

static enum srs
reverse_first(const struct srs_conf *c, struct str rest, struct arena *a, struct fields *f)
{
	f->label = STR("srs0");
	f->hash = str_split(&rest, '=');
	f->stamp = str_split(&rest, '=');
	f->host = str_split(&rest, '=');
	f->user = rest;
	return f->host.n > 0 && f->user.n > 0 && hash_good(c, f, a) ? SRS_OK : SRS_ERROR;
}

static enum srs
reverse_later(const struct srs_conf *c, struct str rest, struct arena *a, struct fields *f)
{
	f->label = STR("srs1");
	f->hash = str_split(&rest, '=');
	f->host = str_split(&rest, '=');
	f->user = rest;
	if (f->host.n == 0 || f->user.n == 0 || !hash_good(c, f, a))
		return SRS_ERROR;
	f->user = str_cat(a, STR("SRS0"), f->user);
	return f->user.p != NULL ? SRS_OK : SRS_ERROR;
}

enum srs
srs_reverse(const struct srs_conf *c, struct str address, struct arena *a, struct str *out,
    const char **why)
{
	struct str local, host, rest;
	struct fields f = {};
	bool first;

	*out = address;
	if (address.n == 0)
		return SRS_UNCHANGED;
	if (c->nsecret == 0)
		return error(why, "secret");
	if (!rewrite_split(address, a, &local, &host))
		return error(why, "address");
	first = tagged(local, STR("SRS0"));
	if (!first && !tagged(local, STR("SRS1")))
		return SRS_UNCHANGED;
	if (!str_ieq(host, c->domain))
		return error(why, "domain");
	rest = str_skip(local, TAG + 1);
	if ((first ? reverse_first(c, rest, a, &f) : reverse_later(c, rest, a, &f)) != SRS_OK)
		return error(why, f.host.n == 0 || f.user.n == 0 ? "format" : "hash");
	if (first && !stamp_good(f.stamp, c->now_s))
		return error(why, "time");
	if (!rewrite_join(f.user, f.host, a, out))
		return error(why, "memory");
	return SRS_OK;
}

/* SPDX-License-Identifier: ISC */
/*
 * batv: see batv.h.
 */
#include "trust/batv.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/num.h"
#include "mail/path.h"
#include "trust/rewrite.h"

enum { HEAD = 5, TAG = 10, KEY_DAY = 4, MAC = 6, DAY_S = 86'400, CYCLE = 1000 };

static enum batv
error(const char **why, const char *what)
{
	*why = what;
	return BATV_ERROR;
}

bool
batv_looks_like(struct str local)
{
	if (local.n > 0 && local.p[0] == '"')
		local = str_skip(local, 1);
	return local.n > HEAD + TAG + 1 && str_istarts(local, STR("prvs=")) &&
	    local.p[HEAD + TAG] == '=';
}

/* head: K and DDD.  False: cannot be computed. */
static bool
mac_of(struct str secret, struct str head, struct str address, struct arena *a, char out[MAC])
{
	static const char digits[] = "0123456789abcdef";
	struct str text = str_lower(a, str_cat(a, STR("batv"), head, address));
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (text.p == NULL || secret.n > 4096 || HMAC(EVP_sha256(), secret.p, (int)secret.n,
	    (const unsigned char *)text.p, text.n, mac, &n) == NULL)
		return false;
	for (unsigned i = 0; i < MAC; i++)
		out[i] = digits[mac[i / 2] >> (i % 2 ? 0 : 4) & 15];
	OPENSSL_cleanse(mac, sizeof mac);
	return true;
}

static unsigned
day(int64_t now_s)
{
	return (unsigned)((uint64_t)now_s / DAY_S % CYCLE);
}

enum batv
batv_tag(const struct batv_conf *c, struct str address, struct arena *a, struct str *out,
    const char **why)
{
	unsigned ends = (day(c->now_s) + BATV_DAYS) % CYCLE;
	struct str local, host, head, plain;
	char mac[MAC];

	*out = address;
	if (address.n == 0)
		return BATV_UNCHANGED;
	if (c->nsecret == 0)
		return error(why, "secret");
	if (!rewrite_split(address, a, &local, &host))
		return error(why, "address");
	if (batv_looks_like(local))
		return BATV_UNCHANGED;
	head = str_fmt(a, "%u%03u", c->number[0] % 10, ends);
	if (head.n != KEY_DAY || !rewrite_join(local, host, a, &plain) ||
	    !mac_of(c->secret[0], head, plain, a, mac) ||
	    !rewrite_join(str_cat(a, STR("prvs="), head, str_from(mac, MAC), STR("="), local),
	    host, a, out))
		return error(why, "memory");
	return out->n > PATH_MAX_LEN ? error(why, "length") : BATV_OK;
}

static bool
in_time(struct str ddd, int64_t now_s)
{
	uint32_t ends;

	return num_parse_u32(ddd, &ends) &&
	    (ends + CYCLE - day(now_s)) % CYCLE <= BATV_DAYS;
}

static bool
mac_good(const struct batv_conf *c, struct str tag, struct str address, struct arena *a)
{
	struct str head = str_sub(tag, 0, KEY_DAY), got = str_lower(a, str_skip(tag, KEY_DAY));
	bool good = false;
	char want[MAC];

	for (size_t i = 0; i < c->nsecret; i++)
		good |= (unsigned)(tag.p[0] - '0') == c->number[i] % 10 && got.n == MAC &&
		    mac_of(c->secret[i], head, address, a, want) &&
		    CRYPTO_memcmp(want, got.p, MAC) == 0;
	return good;
}

struct str
batv_strip(struct str address, struct arena *a)
{
	struct str local, host, out;

	if (!rewrite_split(address, a, &local, &host) || !batv_looks_like(local) ||
	    !rewrite_join(str_skip(local, HEAD + TAG + 1), host, a, &out))
		return address;
	return out;
}

enum batv
batv_untag(const struct batv_conf *c, struct str address, struct arena *a, struct str *out,
    const char **why)
{
	struct str local, host, tag;

	*out = address;
	if (address.n == 0)
		return BATV_UNCHANGED;
	if (!rewrite_split(address, a, &local, &host))
		return error(why, "address");
	if (!batv_looks_like(local))
		return BATV_UNCHANGED;
	tag = str_sub(local, HEAD, TAG);
	if (!rewrite_join(str_skip(local, HEAD + TAG + 1), host, a, out))
		return error(why, "memory");
	if (!mac_good(c, tag, *out, a))
		return error(why, "tag");
	return in_time(str_sub(tag, 1, 3), c->now_s) ? BATV_OK : error(why, "time");
}

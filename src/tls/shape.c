/* SPDX-License-Identifier: ISC */
/*
 * shape: see shape.h.
 */
#include "tls/shape.h"

#include "base/num.h"

enum { PAD = 64, RANDOMS = 64, NAMED_CURVE = 3 };

static bool
is_tls13(struct str tbs)
{
	static const char context[] = "TLS 1.3, server CertificateVerify";	/* and its NUL */
	size_t hash;

	if (tbs.n <= PAD + sizeof(context))
		return false;
	for (size_t i = 0; i < PAD; i++)
		if (tbs.p[i] != ' ')
			return false;
	hash = tbs.n - PAD - sizeof(context);
	return str_eq(str_sub(tbs, PAD, sizeof(context)), str_from(context, sizeof(context))) &&
	       (hash == 32 || hash == 48);
}

/* ServerECDHParams: curve type, named curve, length, point. */
static bool
is_tls12(struct str tbs)
{
	static const struct { unsigned group, point; } groups[] = {
		{ 23, 65 }, { 24, 97 }, { 25, 133 }, { 29, 32 }, { 30, 56 },
	};
	const unsigned char *p = (const unsigned char *)tbs.p + RANDOMS;
	unsigned group;

	if (tbs.n < RANDOMS + 4 || p[0] != NAMED_CURVE)
		return false;
	group = (unsigned)p[1] << 8 | p[2];
	for (size_t i = 0; i < COUNT(groups); i++)
		if (groups[i].group == group)
			return p[3] == groups[i].point && tbs.n == RANDOMS + 4u + p[3];
	return false;
}

enum tls_shape
tls_shape_of(struct str tbs)
{
	if (is_tls13(tbs))
		return SHAPE_TLS13;
	return is_tls12(tbs) ? SHAPE_TLS12 : SHAPE_NONE;
}

bool
tls_shape_allows(const struct tls_sign *ask)
{
	if (ask->hash != 256 && ask->hash != 384 && ask->hash != 512)
		return false;
	switch (tls_shape_of(ask->tbs)) {
	case SHAPE_NONE:
		return false;
	case SHAPE_TLS13:
		return ask->kind != TLS_SIGN_PKCS1;
	case SHAPE_TLS12:
		return true;
	}
	return false;
}

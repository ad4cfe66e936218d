/* SPDX-License-Identifier: ISC */
/*
 * verify: see verify.h.
 */
#include "tls/verify.h"

#include <openssl/x509_vfy.h>

static const struct str names[TV_COUNT] = {
	[TV_NONE] = STR_INIT("NONE"), [TV_OK] = STR_INIT("OK"), [TV_NO] = STR_INIT("NO"),
	[TV_NOT] = STR_INIT("NOT"), [TV_FAIL] = STR_INIT("FAIL"), [TV_TEMP] = STR_INIT("TEMP"),
	[TV_PROTOCOL] = STR_INIT("PROTOCOL"), [TV_SOFTWARE] = STR_INIT("SOFTWARE"),
	[TV_TRUSTED] = STR_INIT("TRUSTED"), [TV_DANE_FAIL] = STR_INIT("DANE_FAIL"),
	[TV_DANE_TEMP] = STR_INIT("DANE_TEMP"), [TV_DANE_NOTLS] = STR_INIT("DANE_NOTLS"),
	[TV_CLEAR] = STR_INIT("CLEAR"), [TV_CONFIG] = STR_INIT("CONFIG"),
};

struct str
tls_verify_name(enum tls_verify v)
{
	return v < TV_COUNT ? names[v] : STR("SOFTWARE");
}

bool
tls_verify_parse(struct str word, enum tls_verify *out)
{
	for (unsigned i = 0; i < TV_COUNT; i++) {
		if (str_ieq(word, names[i])) {
			*out = (enum tls_verify)i;
			return true;
		}
	}
	return false;
}

enum tls_verify
tls_verify_of(bool asked, bool present, long result)
{
	if (!asked)
		return TV_NOT;
	if (!present)
		return TV_NO;
	switch (result) {
	case X509_V_OK:
		return TV_OK;
	case X509_V_ERR_OUT_OF_MEM:
	case X509_V_ERR_UNSPECIFIED:
		return TV_TEMP;
	}
	return TV_FAIL;
}

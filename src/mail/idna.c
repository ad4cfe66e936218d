/* SPDX-License-Identifier: ISC */
/*
 * idna: between U-labels and A-labels, RFC 5890, by libidn2.  The only file of mail/ that calls a
 * library; it allocates for a moment and gives everything back, results are in the arena.
 */
#include <idn2.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/path.h"

static bool
copy_out(const char *z, struct arena *a, struct str *out)
{
	*out = str_dup(a, str_of(z));
	return out->p != NULL;
}

bool
domain_to_ascii(struct str d, struct arena *a, struct str *out)
{
	char z[1024], *made = NULL;
	bool ok;

	if (d.n == 0 || d.n >= sizeof z || memchr(d.p, '\0', d.n) != NULL)
		return false;
	if (utf8_is_ascii(d)) {
		*out = str_lower(a, d);
		return out->p != NULL;
	}
	memcpy(z, d.p, d.n);
	z[d.n] = '\0';
	if (idn2_to_ascii_8z(z, &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	ok = copy_out(made, a, out);
	idn2_free(made);
	return ok;
}

bool
domain_to_utf8(struct str d, struct arena *a, struct str *out)
{
	char z[1024], *made = NULL;
	bool ok;

	*out = d;
	if (d.n == 0 || d.n >= sizeof z || memchr(d.p, '\0', d.n) != NULL)
		return false;
	memcpy(z, d.p, d.n);
	z[d.n] = '\0';
	if (idn2_to_unicode_8z8z(z, &made, 0) != IDN2_OK)
		return false;
	ok = copy_out(made, a, out);
	idn2_free(made);
	return ok;
}

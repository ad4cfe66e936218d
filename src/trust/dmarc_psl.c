/* SPDX-License-Identifier: ISC */
/*
 * dmarc_psl: organisational domains by the public suffix list, as RFC 7489 had them: libpsl.
 */
#include <libpsl.h>

#include "trust/dmarc.h"

enum { NAME_MAX_TEXT = 253 };

const struct dmarc_psl *
dmarc_psl_builtin(void)
{
	return (const struct dmarc_psl *)psl_builtin();
}

struct str
dmarc_psl_domain(const struct dmarc_psl *psl, struct str domain, struct arena *a)
{
	char name[NAME_MAX_TEXT + 1];
	const char *org;

	if (domain.n == 0 || domain.n > NAME_MAX_TEXT)
		return (struct str){};
	for (size_t i = 0; i < domain.n; i++)
		name[i] = ascii_lower(domain.p[i]);
	name[domain.n] = '\0';
	org = psl_registrable_domain((const psl_ctx_t *)psl, name);
	return org ? str_dup(a, str_of(org)) : (struct str){};
}

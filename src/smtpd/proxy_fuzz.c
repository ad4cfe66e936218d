/* SPDX-License-Identifier: ISC */
/*
 * proxy_fuzz: any bytes as a PROXY header: a beginning never says other than the whole does.
 */
#include <stdlib.h>

#include "smtpd/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct proxy_header h, again;
	size_t used, used_again;
	enum proxy whole;

	if (n > PROXY_MAX * 2)
		return 0;
	whole = proxy_parse(str_from(p, n), &h, &used);
	if (whole == PROXY_OK && (used == 0 || used > n || used > PROXY_MAX))
		abort();
	if (whole == PROXY_OK && (proxy_parse(str_from(p, used), &again, &used_again) != PROXY_OK ||
	    used_again != used))
		abort();
	for (size_t i = 0; i < n && i < 120; i++)
		if (whole == PROXY_OK && i < used &&
		    proxy_parse(str_from(p, i), &again, &used_again) != PROXY_MORE)
			abort();
	return 0;
}

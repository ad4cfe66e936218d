/* SPDX-License-Identifier: ISC */
/*
 * tlsrpt: the TXT record of SMTP TLS Reporting, RFC 8460 3.
 *
 * Only reads it: where reports go to.  Slices point into the text.
 */
#ifndef TRUST_TLSRPT_H
#define TRUST_TLSRPT_H

#include "base/str.h"

#include <stdbool.h>

enum { TLSRPT_RUA_MAX = 20 };

struct tlsrpt_record {
	struct str rua[TLSRPT_RUA_MAX];	/* mailto: and https: */
	unsigned nrua;
};

bool tlsrpt_record_parse(struct str text, struct tlsrpt_record *out);

#endif

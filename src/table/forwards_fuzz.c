/* SPDX-License-Identifier: ISC */
/*
 * forwards_fuzz: any octets as a line of the forwards file: what is taken names one user and one
 * whole address.
 */
#include <assert.h>
#include <stdint.h>

#include "table/forwards.h"
#include "table/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str line = str_from(p, n);
	struct forward_line f;
	struct perr err = {};

	if (!forward_line_parse(line, &f, &err)) {
		assert(err.what != NULL && err.at <= n);
		return 0;
	}
	assert(user_name_good(f.user) && forward_target_good(f.target));
	assert(str_chr(f.target, '@') > 0 && str_chr(f.target, '\n') < 0);
	return 0;
}

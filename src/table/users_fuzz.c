/* SPDX-License-Identifier: ISC */
/*
 * users_fuzz: any bytes as a users file; a user that is taken has a name that is safe in a path.
 */
#include <assert.h>
#include <stdint.h>

#include "table/lines.h"
#include "table/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct lines l = lines_of((struct str){ (const char *)p, n });
	struct str line;
	unsigned number;

	l.whole = true;
	while (lines_next(&l, &line, &number)) {
		struct perr err = {};
		struct user_entry u;

		if (!user_line_parse(line, &u, &err)) {
			assert(err.what != NULL);
			continue;
		}
		assert(u.name.n > 0 && str_chr(u.name, '/') < 0 && u.name.p[0] != '.');
		assert(!u.has_ids || u.uid != 0);
	}
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * verb_json: see verb_json.h.
 */
#include "main/verb_json.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/utf8.h"

bool
verb_read_input(struct buf *b)
{
	for (;;) {
		char *room = buf_reserve(b, 65'536);
		ssize_t n;

		if (room == NULL)
			return false;
		n = read(STDIN_FILENO, room, 65'536);
		if (n <= 0)
			return n == 0;
		buf_add(b, (size_t)n);
	}
}

json_t *
verb_json_str(struct str s)
{
	struct buf b;
	json_t *made;
	uint32_t cp;

	if (utf8_valid(s))
		return json_stringn(s.n > 0 ? s.p : "", s.n);
	buf_init(&b, 3 * s.n + 3);
	while (s.n > 0) {
		if (!utf8_next(&s, &cp)) {
			cp = 0xfffd;
			s = str_skip(s, 1);
		}
		(void)utf8_put(&b, cp);
	}
	made = json_stringn(b.p, b.n);
	buf_done(&b);
	return made;
}

json_t *
verb_json_opt(struct str s)
{
	return s.n > 0 ? verb_json_str(s) : json_null();
}

int
verb_json_end(json_t *answer)
{
	int bad = answer == NULL || json_dumpf(answer, stdout, JSON_COMPACT) != 0 ||
		  putchar('\n') == EOF || fflush(stdout) != 0;

	json_decref(answer);
	return bad ? EX_IOERR : 0;
}

int
verb_usage(int argc, char **argv, const char *text)
{
	bool asked = argc > 1 && str_eq(str_of(argv[argc - 1]), STR("--help"));

	(void)fprintf(asked ? stdout : stderr, "usage: postern %s\n", text);
	return asked ? 0 : EX_USAGE;
}

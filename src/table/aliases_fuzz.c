/* SPDX-License-Identifier: ISC */
/*
 * aliases_fuzz: any bytes as an aliases, virtusertable, mailertable or include file.
 *
 * What must hold: a file is whole in the image or has a mistake; every packed list reads to its
 * end; look-ups with any key stay inside.
 */
#include <assert.h>
#include <stdint.h>
#include <unistd.h>

#include "base/buf.h"
#include "table/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
walk(struct str packed)
{
	struct target t;

	while (targets_next(&packed, &t))
		assert(t.text.n <= 4096);
	assert(packed.n == 0);
}

static void
ask(const struct tables *t, struct str text)
{
	struct str key = str_split(&text, '\n'), out;
	struct buf b;

	buf_init(&b, 65536);
	if (tables_alias(t, STR("/f"), key, &out) == FIND_YES)
		walk(out);
	if (tables_include(t, STR("/f"), &out) == FIND_YES)
		walk(out);
	if (tables_virtuser(t, STR("/f"), key, STR("a.example"), &b) == FIND_YES)
		walk(buf_str(&b));
	(void)tables_route(t, STR("/f"), key, &out);
	buf_done(&b);
}

static void
ignore(void *arg, struct str path)
{
	(void)arg;
	assert(path.n > 0 && path.p[0] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum table_kind kinds[] = { TABLE_ALIASES, TABLE_INCLUDE, TABLE_VIRTUSERS,
		TABLE_ROUTES };
	struct str text = { (const char *)p, n };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct image_builder *b = image_builder_new();
		struct conf_errors errs = {};
		struct tables t = {};
		bool good = table_build(b, kinds[i], STR("/f"), text, &errs);

		assert(good || errs.n > 0);
		assert(tables_take(&t, image_finish(b), 1));
		ask(&t, text);
		tables_done(&t);
		conf_errors_done(&errs);
	}
	table_includes(text, ignore, NULL);
	return 0;
}

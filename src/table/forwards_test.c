/* SPDX-License-Identifier: ISC */
/*
 * forwards_test: lines of the forwards file, a case a line.
 */
#include "table/forwards.h"

#include "base/test.h"
#include "conf/errors.h"
#include "table/tables.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct { const char *line, *error; bool confirmed, only; } cases[] = {
	{ "joe joe@far.example confirmed", NULL, true, false },
	{ "joe joe@far.example confirmed only", NULL, true, true },
	{ "joe joe@far.example waiting " HASH " 1800000000", NULL, false, false },
	{ "joe joe@far.example waiting " HASH " 1800000000 only", NULL, false, true },
	{ "joe \"j o e\"@far.example confirmed", NULL, true, false },
	{ "joe joe@far.example", "write: confirmed, or waiting HASH EXPIRES", false, false },
	{ "joe joe@far.example waiting", "write: waiting HASH EXPIRES", false, false },
	{ "joe joe@far.example waiting 12 1", "write: waiting HASH EXPIRES", false, false },
	{ "joe joe@far.example confirmed also", "nothing but `only` may stand here", false, false },
	{ "joe joe@far.example confirmed only x", "nothing but `only` may stand here", false,
	  false },
	/* T-FWD-01: addresses only */
	{ "joe |/bin/sh confirmed", "a forward leads to one whole address", false, false },
	{ "joe \"|/bin/sh\" confirmed", "a forward leads to one whole address", false, false },
	{ "joe /var/mail/bob confirmed", "a forward leads to one whole address", false, false },
	{ "joe :include:/etc/passwd confirmed", "a forward leads to one whole address", false,
	  false },
	{ "joe a@b.example,c@d.example confirmed", "a forward leads to one whole address", false,
	  false },
	{ "joe bob confirmed", "a forward leads to one whole address", false, false },
	{ "../joe a@b.example confirmed", "not the name of a user", false, false },
};

static void
test_T_FWD_01_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct forward_line f;
		struct perr err = {};
		bool good = forward_line_parse(str_of(cases[i].line), &f, &err);

		T_CASE(cases[i].line);
		t_int(good, cases[i].error == NULL);
		if (!good) {
			t_str(str_of(err.what), cases[i].error);
			continue;
		}
		t_int(f.confirmed, cases[i].confirmed);
		t_int(f.only, cases[i].only);
		t_str(f.user, "joe");
	}
}

/* T-FWD-02: what nobody confirmed is not in the image that queue sees. */
static void
test_T_FWD_02_image(void **state)
{
	static const char text[] = "# made by postern forward\njoe one@far.example confirmed\n"
	    "joe two@far.example waiting " HASH " 1800000000\n"
	    "Joe three@far.example confirmed only\n"
	    "bob x@far.example waiting " HASH " 1\n";
	struct image_builder *b = image_builder_new();
	struct conf_errors errs = {};
	struct tables t = {};
	struct str target;
	bool only;

	(void)state;
	t_true(table_build(b, TABLE_FORWARDS, STR("/f"), str_of(text), &errs));
	t_true(tables_take(&t, image_finish(b), 1));
	t_int(tables_forward(&t, STR("/f"), STR("joe"), 0, &target, &only), FIND_YES);
	t_str(target, "one@far.example");
	t_false(only);
	t_int(tables_forward(&t, STR("/f"), STR("JOE"), 1, &target, &only), FIND_YES);
	t_str(target, "three@far.example");
	t_true(only);
	t_int(tables_forward(&t, STR("/f"), STR("joe"), 2, &target, &only), FIND_NO);
	t_int(tables_forward(&t, STR("/f"), STR("bob"), 0, &target, &only), FIND_NO);
	t_int(tables_forward(&t, STR("/other"), STR("joe"), 0, &target, &only), FIND_LATER);
	tables_done(&t);
	conf_errors_done(&errs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_T_FWD_01_lines), cmocka_unit_test(test_T_FWD_02_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * tables_test: files to images to answers: look-up orders, mistakes with their lines, and that
 * what was never read is "later".
 */
#include <unistd.h>

#include "base/buf.h"
#include "base/test.h"
#include "conf/errors.h"
#include "table/tables.h"

static void
load(struct tables *t, enum table_kind kind, const char *text)
{
	struct image_builder *b = image_builder_new();
	struct conf_errors errs = {};

	t_true(table_build(b, kind, STR("/f"), str_of(text), &errs));
	conf_errors_done(&errs);
	t_true(tables_take(t, image_finish(b), 1));
}

static struct str
show(struct buf *b, struct str packed)
{
	struct target t;

	buf_reset(b);
	while (targets_next(&packed, &t))
		buf_putf(b, "%s" STR_F, b->n ? " " : "", STR_A(t.text));
	return buf_str(b);
}

static void
test_aliases(void **state)
{
	static const struct { const char *key, *out; } cases[] = {
		{ "postmaster", "root" }, { "POSTMASTER", "root" }, { "root", "alice bob" },
		{ "staff", "alice bob carol@elsewhere.example" }, { "spaced name", "alice" },
		{ "empty", "" }, { "nobody2", NULL }, { "# not", NULL }, { "late", "bob" },
	};
	struct tables t = {};
	struct str packed;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	t_int(tables_alias(&t, STR("/f"), STR("root"), &packed), FIND_LATER);
	load(&t, TABLE_ALIASES, "# comment\npostmaster: root\nroot: alice, bob\n\n"
	    "Staff: alice, bob,\n\tcarol@elsewhere.example\n\"spaced name\": alice\nempty:\n"
	    "  # not: a line\nlate:\n bob\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].key);
		t_int(tables_alias(&t, STR("/f"), str_of(cases[i].key), &packed),
		    cases[i].out ? FIND_YES : FIND_NO);
		if (cases[i].out != NULL)
			t_str(show(&b, packed), cases[i].out);
	}
	t_int(tables_alias(&t, STR("/other"), STR("root"), &packed), FIND_LATER);
	t_int(tables_listed(&t, STR("/f"), STR("root")), FIND_LATER);
	tables_done(&t);
	buf_done(&b);
}

static void
test_virtusers(void **state)
{
	static const struct { const char *local, *domain, *out; } cases[] = {
		{ "info", "a.example", "alice" }, { "INFO", "A.example", "alice" },
		{ "sales", "a.example", "sales@b.example" }, { "x", "c.example", "bob" },
		{ "joe", "d.example", "550 5.1.1 no joe" }, { "user+detail", "e.example", "carol" },
		{ "user", "e.example", NULL }, { "x", "e.example", NULL },
		{ "x", "sub.f.example", "dave" }, { "x", "f.example", NULL },
		{ "gen+d", "g.example", "gen-d+d@h.example" }, { "gen", "g.example", NULL },
		{ "\"x@y\"", "a.example", "\"x@y\"@b.example" },
		{ "info+x", "a.example", "alice" }, { "q+z", "a.example", "q@b.example" },
	};
	struct tables t = {};
	struct buf b, packed;

	(void)state;
	buf_init(&b, 4096);
	buf_init(&packed, 4096);
	load(&t, TABLE_VIRTUSERS, "info@a.example\t\talice\n@a.example\t%1@b.example\n"
	    "@c.example bob\njoe@d.example error:5.1.1:550 no joe\nuser+*@e.example\tcarol\n"
	    "@.f.example\tdave\ngen++@g.example %1-%2%3@h.example\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].local);
		buf_reset(&packed);
		t_int(tables_virtuser(&t, STR("/f"), str_of(cases[i].local),
		    str_of(cases[i].domain), &packed), cases[i].out ? FIND_YES : FIND_NO);
		if (cases[i].out != NULL)
			t_str(show(&b, buf_str(&packed)), cases[i].out);
	}
	tables_done(&t);
	buf_done(&b);
	buf_done(&packed);
}

static void
test_routes(void **state)
{
	static const struct { const char *domain, *out; } cases[] = {
		{ "sub.g.example", "smtp:[192.0.2.55]" },
		{ "other.g.example", "smtp:mx.g.example" },
		{ "a.b.g.example", "smtp:mx.g.example" },
		{ "g.example", "smtp:[mx.g.example]:2525" },
		{ "h.example", "error:5.7.0:550 no" }, { "z.example", "smtp:smart.example" },
	};
	struct tables t = {};
	struct str out;

	(void)state;
	load(&t, TABLE_ROUTES, "sub.g.example\tsmtp:[192.0.2.55]\n.g.example\tsmtp:mx.g.example\n"
	    "g.example\tsmtp:[mx.g.example]:2525\nh.example\terror:5.7.0:550 no\n"
	    ".\t\tsmtp:smart.example\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].domain);
		t_int(tables_route(&t, STR("/f"), str_of(cases[i].domain), &out), FIND_YES);
		t_str(out, cases[i].out);
	}
	tables_done(&t);
}

static const struct { enum table_kind kind; const char *text; unsigned line; const char *what; }
mistakes[] = {
	{ TABLE_ALIASES, "a: b\nc d\n", 2, "no ':'" },
	{ TABLE_ALIASES, "a: b,\n c d\n", 1, "not an address" },
	{ TABLE_ALIASES, ": b\n", 1, "empty name" },
	{ TABLE_USERS, "a:x\n\nb/c:x\n", 3, "bad user name" },
	{ TABLE_VIRTUSERS, "joe bob\n", 1, "user@domain or @domain" },
	{ TABLE_VIRTUSERS, "joe@a.example |prog\n", 1, "aliases only" },
	{ TABLE_VIRTUSERS, "joe@a.example\n", 1, "nothing behind" },
	{ TABLE_ROUTES, "a.example smtp:\n", 1, "names no host" },
	{ TABLE_ROUTES, "a..example smtp:b.example\n", 1, "is not a domain name" },
	{ TABLE_INCLUDE, "bob\n|prog\n", 2, "aliases file only" },
};

static void
test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct image_builder *b = image_builder_new();
		struct conf_errors errs = {};

		T_CASE(mistakes[i].text);
		t_false(table_build(b, mistakes[i].kind, STR("/f"), str_of(mistakes[i].text),
		    &errs));
		t_int(errs.n, 1);
		t_int(errs.e[0].line, mistakes[i].line);
		t_true(str_find(errs.e[0].text, str_of(mistakes[i].what)) >= 0);
		conf_errors_done(&errs);
		image_builder_free(b);
	}
}

static void
test_repeated(void **state)
{
	struct image_builder *b = image_builder_new();
	struct conf_errors errs = {};

	(void)state;
	t_true(table_build(b, TABLE_ALIASES, STR("/f"), STR("a: b\nA: c\n"), &errs));
	t_int(errs.n, 1);
	t_int(errs.e[0].line, 2);
	conf_errors_done(&errs);
	image_builder_free(b);
}

static void
note(void *arg, struct str path)
{
	buf_putf(arg, STR_F ";", STR_A(path));
}

static void
test_includes(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	table_includes(STR("# :include:/no\na: :include:/etc/x, bob, "
	    "\":include:/etc/y\"\nb::include: /z\n"), note,
	    &b);
	t_str(buf_str(&b), "/etc/x;/etc/y;/z;");
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aliases), cmocka_unit_test(test_virtusers),
		cmocka_unit_test(test_routes), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_repeated), cmocka_unit_test(test_includes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

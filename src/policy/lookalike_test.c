/* SPDX-License-Identifier: ISC */
/*
 * lookalike_test: what imitates our names and what only looks a little like them.
 */
#include "base/test.h"

#include "mail/path.h"
#include "policy/lookalike.h"

static const char text[] =
	"hostname mx.northwind.example\nlisten mx 192.0.2.25:25\n"
	"domain northwind.example { users file /u; deliver discard }\n"
	"protect microsoft.com paypal.com\nvip \"Jane Doe\" jane@northwind.example @doe.example\n";

static struct config *cfg;
static struct policy *policy;

static int
setup(void **state)
{
	struct conf_errors errs = {};

	(void)state;
	cfg = config_parse(str_of(text), "/p.conf", &errs);
	conf_errors_done(&errs);
	policy = cfg ? policy_new(cfg) : NULL;
	return policy ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	policy_free(policy);
	config_free(cfg);
	return 0;
}

static bool
flagged(const char *domain)
{
	struct str shown = str_of(domain), ascii;
	struct arena a;
	bool is;

	arena_init(&a, 1 << 16);
	t_true(domain_to_ascii(shown, &a, &ascii));
	is = look_alike(cfg, ascii, shown).n > 0 || look_mixed(shown);
	arena_done(&a);
	return is;
}

static const char *const variants[] = {
	"n0rthwind.example", "northw1nd.example", "nortwhind.example", "northwin.example",
	"northwindd.example", "norhtwind.example", "northvind.example", "north-wind.example",
	"northvvind.example", "northwinds.example", "nоrthwind.example", "nοrthwind.example",
	"northwınd.example", "nörthwind.example", "northẃind.example",
	    "northwind.example.evil.test",
	"mail.northwind.example.evil.test", "northwind-example.evil.test", "northwind-example.test",
	"rnicrosoft.com", "micros0ft.com", "mlcrosoft.com", "microsоft.com",
	    "microsoft.com.evil.test",
	"paypa1.com", "раураl.com", "mail.rnicrosoft.com", "paypal.co", "login.paypa1.com",
};

static void
test_T_LOOK_01_S7_variants(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(variants); i++) {
		T_CASE(variants[i]);
		t_true(flagged(variants[i]));
	}
	t_true(COUNT(variants) >= 25);
}

static const char *const innocent[] = {
	"northwind.test", "southwind.example", "northwood.example", "northern.example",
	"wind.example", "north.example", "northwindtraders.example", "mynorthwind.example",
	"evil.example", "microsoft.com", "mail.microsoft.com", "micro.com", "microsoftonline.com",
	"paypal.com", "payroll.com", "papaya.com", "northwind.onmicrosoft.com", "bücher.example",
	"mixi.example", "пример.example", "例え.example", "café日本.example",
	    "gmail.com",
	"google.com", "yahoo.co.uk", "example.org", "northwind.sharepoint.com",
	    "a.example", "ibm.com",
	"news.northwind.test",
};

static void
test_T_LOOK_01_S7_innocent(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(innocent); i++) {
		T_CASE(innocent[i]);
		t_false(flagged(innocent[i]));
	}
	t_true(COUNT(innocent) >= 25);
}

static void
test_S7_mixed_scripts(void **state)
{
	(void)state;
	t_true(look_mixed(STR("банкbank.example")));
	t_true(look_mixed(STR("x.αlpha.example")));
	t_false(look_mixed(STR("банк.example")));
	t_false(look_mixed(STR("tokyo東京.example")));
	t_false(look_mixed(STR("naïve-2.example")));
}

static void
test_S6_names(void **state)
{
	static const struct { const char *name; bool ours; } names[] = {
		{ "ceo@northwind.example", true }, { "x <ceo@mail.northwind.example> y", true },
		{ "ceo＠northwind.example", true }, { "ceo@ northwind.example.", true },
		{ "billing@paypal.com", true }, { "ceo@northwind.test", false },
		    { "northwind", false },
		{ "@", false }, { "<a@bank.example> <x@evil.example>", true },
		{ "a <x@evil.example>", false }, { "ann@friend.example via list",
		    false }, { "", false },
	};
	static const struct { const char *name, *local, *domain; bool vip; } vips[] = {
		{ "Jane Doe", "jane", "evil.example", true }, { "DOE, Jane", "x",
		    "evil.example", true },
		{ "Jаne Dоe", "x", "evil.example", true }, { "Jane Doe (CEO)", "x",
		    "evil.example", true },
		{ "Jane Doe", "jane", "northwind.example", false }, { "Jane Doe", "x",
		    "doe.example", false },
		{ "Jane", "x", "evil.example", false }, { "Janet Doe", "x", "evil.example", false },
		{ "John Doe", "x", "evil.example", false }, { "", "x", "evil.example", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		T_CASE(names[i].name);
		t_int(look_names_us(policy, str_of(names[i].name)), names[i].ours);
	}
	for (size_t i = 0; i < COUNT(vips); i++) {
		struct sender_facts w = { .name = str_of(vips[i].name),
		    .local = str_of(vips[i].local), .domain = str_of(vips[i].domain) };

		T_CASE(vips[i].name);
		t_int(look_is_vip(cfg, &w), vips[i].vip);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_T_LOOK_01_S7_variants),
		cmocka_unit_test(test_T_LOOK_01_S7_innocent),
		cmocka_unit_test(test_S7_mixed_scripts),
		cmocka_unit_test(test_S6_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

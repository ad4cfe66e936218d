/* SPDX-License-Identifier: ISC */
/*
 * target_test: right sides of aliases, a case a line: kinds are written as letters
 * (a address, e exact, p program, f file, i include, x error), one before each text.
 */
#include "base/buf.h"
#include "base/test.h"
#include "table/target.h"
#include "table/users.h"

static const struct { const char *in, *out; } cases[] = {	/* out NULL: refused */
	{ "alice", "a:alice" },
	{ "alice, bob@example.org", "a:alice a:bob@example.org" },
	{ " alice ,\n\tbob ", "a:alice a:bob" },
	{ "alice,,bob,", "a:alice a:bob" },
	{ "", "" },
	{ "\\alice", "e:alice" },
	{ "\"|/usr/bin/prog with args\"", "p:/usr/bin/prog with args" },
	{ "|/usr/bin/prog a b", "p:/usr/bin/prog a b" },
	{ "\"|prog \\\"x, y\\\"\", bob", "p:prog \"x, y\" a:bob" },
	{ "/var/mail/archive", "f:/var/mail/archive" },
	{ ":include:/etc/mail/list", "i:/etc/mail/list" },
	{ "\":include:/etc/mail/a list\"", "i:/etc/mail/a list" },
	{ "\"a b\"@example.org", "a:\"a b\"@example.org" },
	{ "\"a,b\"@example.org", "a:\"a,b\"@example.org" },
	{ "user@[192.0.2.1]", "a:user@[192.0.2.1]" },
	{ "user@[IPv6:2001:db8::1]", "a:user@[IPv6:2001:db8::1]" },
	{ "<bob@example.org>", "a:bob@example.org" },
	{ "error:\"550 gone\"", "x:550 gone" },
	{ "error:5.7.1:550 no", "x:550 5.7.1 no" },
	{ "error:5.7.1:\"550 no bulk mail\"", "x:550 5.7.1 no bulk mail" },
	{ "error:nouser 550 No such user", "x:550 5.1.1 No such user" },
	{ "error:nouser:550 No such user", "x:550 5.1.1 No such user" },
	{ "error:tempfail:try later", "x:450 4.0.0 try later" },
	{ "error:no such person", "x:550 no such person" },
	{ "alice bob", NULL }, { "|", NULL }, { "\"abc", NULL }, { ":include:list", NULL },
	{ "a@", NULL }, { "@b", NULL }, { "a\001b", NULL }, { "Bob <bob@example.org>", NULL },
	{ "\"|prog\nx\"", NULL },
};

static void
test_targets(void **state)
{
	static const char letters[] = "aepfix";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct perr err = {};
		struct buf packed, text;
		struct target t;

		T_CASE(cases[i].in);
		buf_init(&packed, 4096);
		buf_init(&text, 4096);
		t_true(targets_parse(str_of(cases[i].in), &packed, &err) == (cases[i].out != NULL));
		t_true((err.what != NULL) == (cases[i].out == NULL));
		struct str rest = buf_str(&packed);

		while (targets_next(&rest, &t))
			buf_putf(&text, "%s%c:" STR_F, text.n ? " " : "", letters[t.kind],
			    STR_A(t.text));
		t_int(rest.n, 0);
		if (cases[i].out != NULL)
			t_str(buf_str(&text), cases[i].out);
		buf_done(&packed);
		buf_done(&text);
	}
}

static const struct { const char *line; bool ok; const char *name, *scheme,
    *home; int uid; bool off; }
users[] = {
	{ "alice:{SHA512-CRYPT}$6$x:1000:100::/home/alice::", true, "alice", "SHA512-CRYPT",
	  "/home/alice", 1000, false },
	{ "bob:{PLAIN}x", true, "bob", "PLAIN", "", 0, false },
	{ "bob", true, "bob", "", "", 0, false },
	{ "Bob@example.org:x:::::", true, "Bob@example.org", "", "", 0, false },
	{ "carol:x::::/m/c::disabled", true, "carol", "", "/m/c", 0, true },
	{ "carol:x::::/m/c::nologin disabled=yes", true, "carol", "", "/m/c", 0, true },
	{ "carol:x::::/m/c::disabled=no", true, "carol", "", "/m/c", 0, false },
	{ ":x", false, NULL, NULL, NULL, 0, false }, { "a/b:x", false, NULL, NULL, NULL, 0, false },
	{ "..:x", false, NULL, NULL, NULL, 0, false },
	{ "a b:x", false, NULL, NULL, NULL, 0, false },
	{ "a:{PLAINx", false, NULL, NULL, NULL, 0, false },
	{ "a:x:0:0", false, NULL, NULL, NULL, 0, false },
	{ "a:x:1000", false, NULL, NULL, NULL, 0, false },
	{ "a:x:u:g", false, NULL, NULL, NULL, 0, false },
	{ "a:x:::g:rel", false, NULL, NULL, NULL, 0, false },
	{ "a:x:::g:/a/../b", false, NULL, NULL, NULL, 0, false },
};

static void
test_users(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(users); i++) {
		struct perr err = {};
		struct user_entry u;

		T_CASE(users[i].line);
		t_true(user_line_parse(str_of(users[i].line), &u, &err) == users[i].ok);
		if (!users[i].ok)
			continue;
		t_str(u.name, users[i].name);
		t_str(u.scheme, users[i].scheme);
		t_str(u.home, users[i].home);
		t_int(u.has_ids, users[i].uid != 0);
		t_int(u.uid, users[i].uid);
		t_int(u.disabled, users[i].off);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets), cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

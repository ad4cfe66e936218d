/* SPDX-License-Identifier: ISC */
/*
 * route_test: what recipients are, and what becomes of them: a case a line over one small world of
 * tables.  Expansions are written as "kind:address>nexthop" in the order they come out.
 */
#include "base/buf.h"
#include "base/test.h"
#include "conf/errors.h"
#include "route/expand.h"

static const char config_text[] =
	"hostname mx.a.example\nlisten mx 127.0.0.1:2525\nlisten mx 192.0.2.1:25\n"
	"domain a.example { users file /u; aliases file /a; deliver maildir /m/{domain}/{user} }\n"
	"domain b.example { users none; virtusers file /v; catch-all bob@a.example }\n"
	"domain c.example { users system; aliases file /ca }\n"
	"domain e.example { users file /u; deliver maildir /m/{user}; forwards file /f }\n"
	"domain f.example { users file /u; deliver maildir /m/{user}; forwards file /g }\n"
	"domain d.example { users file /u; deliver lmtp /run/lmtp }\n"
	"relay to domain relay.example via [hop.example]:2525\n"
	"relay to domain .sub.example\nrelay to domain listed.example recipients /r\n"
	"route routed.example via smart.example\nroute .deep.example via lmtp:127.0.0.1:24\n"
	"route gone.example via \"error:5.1.2:550 gone\"\nroutes file /m\n";

static const char users[] =
	"alice:x:1000:1000::/home/alice\nBob:x\nplus+name:x\noff:x::::::disabled\n"
	"carol@d.example:x\n";
static const char aliases[] =
	"root: alice, bob\nstaff: root, carol@out.example\nloop1: loop2\nloop2: loop1\n"
	"alice: alice, copy@out.example\nself: \\alice\nfile: /var/x\nprog: \"|/bin/x y\"\n"
	"nul: /dev/null\ngone: error:\"550 5.7.1 left us\"\ninc: :include:/i\nlist: bob\n"
	"owner-list: alice\nghost: nobody-here\nbad: :include:/missing\nsales+*: bob\n"
	"d0: d1\nd1: d2\nd2: d3\nd3: d4\nd4: d5\nd5: d6\nd6: d7\nd7: d8\nd8: d9\nd9: d10\nd10: "
	    "d11\n"
	"d11: bob\nquoted: \"a b\"@out.example\n";
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char forwards[] =
	"alice one@out.example confirmed only\nalice two@out.example waiting " HASH " 1\n"
	"bob alice@e.example confirmed\n";
static const char circle[] =
	"alice bob@f.example confirmed only\nbob alice@f.example confirmed only\n";
static const char virtusers[] =
	"info@b.example alice@a.example\n%@b.example x\nno@b.example error:nouser 550 not you\n"
	"all+*@b.example %1-%2@out.example\n";

static enum find
system_user(void *arg, struct str name, struct user_entry *out, struct arena *a)
{
	(void)arg;
	(void)a;
	*out = (struct user_entry){ .name = name, .has_ids = true, .uid = 1 };
	return str_eq(name, STR("sys")) || str_eq(name, STR("root")) ? FIND_YES :
	    str_eq(name, STR("slow")) ? FIND_LATER : FIND_NO;
}

static struct route world;

static int
set_up(void **state)
{
	static const struct { enum table_kind kind; const char *file, *text; } files[] = {
		{ TABLE_USERS, "/u", users }, { TABLE_ALIASES, "/a", aliases },
		{ TABLE_VIRTUSERS, "/v", virtusers },
		{ TABLE_INCLUDE, "/i", "bob\nx@out.example\n" },
		{ TABLE_FORWARDS, "/f", forwards }, { TABLE_FORWARDS, "/g", circle },
		{ TABLE_LIST, "/r", "known@listed.example\n" },
		{ TABLE_ROUTES, "/m",
		    "table.example smtp:[192.0.2.9]:26\n. smtp:default.example\n" },
	};
	struct image_builder *b = image_builder_new();
	struct conf_errors errs = {};

	(void)state;
	world.cfg = config_parse(str_of(config_text), "/etc/x", &errs);
	for (size_t i = 0; i < COUNT(files); i++)
		(void)table_build(b, files[i].kind, str_of(files[i].file), str_of(files[i].text),
		    &errs);
	for (size_t i = 0; i < errs.n; i++)
		print_error("%u: " STR_F "\n", errs.e[i].line, STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	world.ops.user_find = system_user;
	return world.cfg == NULL || !tables_take(&world.tables, image_finish(b), 1);
}

static int
tear_down(void **state)
{
	(void)state;
	config_free((struct config *)(uintptr_t)world.cfg);
	tables_done(&world.tables);
	return 0;
}

static const struct { const char *addr; enum rcpt_class class; const char *user,
    *detail; } asks[] = {
	{ "alice@a.example", RCPT_LOCAL, "alice", "" },
	{ "ALICE@A.Example", RCPT_LOCAL, "alice", "" },
	{ "bob+x@a.example", RCPT_LOCAL, "bob", "x" },
	{ "plus+name@a.example", RCPT_LOCAL, NULL, NULL },
	{ "plus+other@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "nobody@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "off@a.example", RCPT_DISABLED, NULL, NULL },
	{ "staff@a.example", RCPT_LOCAL, NULL, NULL },
	{ "gone@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "\"alice\"@a.example", RCPT_LOCAL, "alice", "" },
	{ "\"b.ob\"@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "postmaster@a.example", RCPT_LOCAL, NULL, NULL },
	{ "PostMaster@b.example", RCPT_LOCAL, NULL, NULL },
	{ "postmaster@mx.a.example", RCPT_LOCAL, NULL, NULL },
	{ "postmaster@[192.0.2.1]", RCPT_LOCAL, NULL, NULL },
	{ "postmaster@[127.0.0.1]", RCPT_LOCAL, NULL, NULL },
	{ "alice@[192.0.2.1]", RCPT_LOCAL, NULL, NULL },
	{ "alice@[192.0.2.2]", RCPT_REMOTE, NULL, NULL },
	{ "alice@mx.a.example", RCPT_LOCAL, NULL, NULL },
	{ "info@b.example", RCPT_VIRTUAL, NULL, NULL },
	{ "any@b.example", RCPT_VIRTUAL, NULL, NULL },
	{ "no@b.example", RCPT_UNKNOWN, NULL, NULL },
	{ "all+x@b.example", RCPT_VIRTUAL, NULL, NULL },
	{ "sys@c.example", RCPT_LATER, NULL, NULL },	/* its aliases file was never read */
	{ "carol@d.example", RCPT_LOCAL, NULL, NULL },
	{ "carol@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "x@relay.example", RCPT_RELAYED, NULL, NULL },
	{ "x@y.relay.example", RCPT_REMOTE, NULL, NULL },
	{ "x@y.sub.example", RCPT_RELAYED, NULL, NULL },
	{ "x@sub.example", RCPT_REMOTE, NULL, NULL },
	{ "known@listed.example", RCPT_RELAYED, NULL, NULL },
	{ "other@listed.example", RCPT_UNKNOWN, NULL, NULL },
	{ "x@out.example", RCPT_REMOTE, NULL, NULL },
	{ "x%out.example@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "out.example!x@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "\"x@out.example\"@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "|prog@a.example", RCPT_UNKNOWN, NULL, NULL },
	{ "prog@a.example", RCPT_LOCAL, NULL, NULL },
};

static void
test_ask(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(asks); i++) {
		struct path_rules rules = { .arena = &a };
		struct route_answer out;
		struct perr err = {};
		struct path p;

		T_CASE(asks[i].addr);
		t_true(path_parse(str_of(asks[i].addr), &rules, &p, &err));
		route_rcpt(&world, &p, &a, &out);
		t_str(str_of(rcpt_class_name(out.class)), rcpt_class_name(asks[i].class));
		if (asks[i].user != NULL) {
			t_str(out.user, asks[i].user);
			t_str(out.detail, asks[i].detail);
		}
	}
	struct path bare = { .local = STR("Postmaster") };
	struct route_answer out;

	route_rcpt(&world, &bare, &a, &out);
	t_int(out.class, RCPT_LOCAL);
	bare.local = STR("");
	bare.null = true;
	route_rcpt(&world, &bare, &a, &out);
	t_int(out.class, RCPT_REMOTE);
	arena_done(&a);
}

static const struct { const char *addr, *out; } expands[] = {
	{ "bob@a.example", "maildir:bob@a.example" },
	{ "Bob+x@A.example", "maildir:bob@a.example" },
	{ "root@a.example", "maildir:alice@a.example smtp!:copy@out.example>default.example "
	    "maildir:bob@a.example" },
	{ "alice@a.example", "maildir:alice@a.example smtp!:copy@out.example>default.example" },
	{ "self@a.example", "maildir:alice@a.example" },
	{ "staff@a.example", "maildir:alice@a.example smtp!:copy@out.example>default.example "
	    "maildir:bob@a.example smtp!:carol@out.example>default.example" },
	{ "loop1@a.example", "loop" }, { "nobody@a.example", "unknown" },
	{ "d1@a.example", "loop" }, { "d2@a.example", "maildir:bob@a.example" },
	{ "file@a.example", "file:file@a.example=/var/x" },
	{ "prog@a.example", "program:prog@a.example=/bin/x y" },
	{ "nul@a.example", "discard:nul@a.example=/dev/null" },
	{ "gone@a.example", "error:gone@a.example=550 5.7.1 left us" },
	{ "inc@a.example", "maildir:bob@a.example smtp!:x@out.example>default.example" },
	{ "list@a.example", "maildir:bob@a.example/owner-list@a.example" },
	{ "ghost@a.example", "error:nobody-here@a.example=550 5.1.1 no such user" },
	{ "bad@a.example", "later" }, { "sales+x@a.example", "maildir:bob@a.example" },
	{ "quoted@a.example", "smtp!:\"a b\"@out.example>default.example" },
	{ "postmaster@a.example", "maildir:alice@a.example" },
	{ "postmaster@d.example", "maildir:alice@a.example" },
	{ "Postmaster", "maildir:alice@a.example" },
	{ "postmaster@[192.0.2.1]", "maildir:alice@a.example" },
	{ "info@b.example", "maildir:alice@a.example smtp!:copy@out.example>default.example" },
	{ "all+x@b.example", "smtp!:all-x@out.example>default.example" },
	{ "any@b.example", "maildir:bob@a.example" },
	{ "Carol+f@d.example", "lmtp:Carol+f@d.example>/run/lmtp" },
	{ "x@out.example", "smtp:x@out.example>default.example" },
	{ "x@relay.example", "smtp:x@relay.example>hop.example:2525" },
	{ "x@routed.example", "smtp:x@routed.example>smart.example" },
	{ "x@y.deep.example", "lmtp:x@y.deep.example>127.0.0.1:24" },
	{ "x@gone.example", "error:x@gone.example=550 5.1.2 gone" },
	{ "x@table.example", "smtp:x@table.example>192.0.2.9:26" },
	{ "\"x@out.example\"@a.example", "unknown" },
	/* forwards of users: T-FWD-02, the one that waits is not there; ? only if none is taken */
	{ "alice@e.example", "smtp!:one@out.example>default.example maildir?:alice@e.example" },
	{ "bob@e.example", "smtp!:one@out.example>default.example maildir?:alice@e.example "
	    "maildir:bob@e.example" },
	{ "alice@f.example", "maildir?:bob@f.example maildir?:alice@f.example" },
};

/* Who has no mailbox here, so that junk for him is refused and not junked. */
static void
test_R8_leaves(void **state)
{
	static const struct { const char *addr; bool leaves; } all[] = {
		{ "quoted@a.example", true }, { "all+x@b.example", true },
		{ "bob@a.example", false }, { "alice@a.example", false },
		{ "staff@a.example", false }, { "prog@a.example", false },
		{ "gone@a.example", false }, { "nobody@a.example", false },
		{ "loop1@a.example", false }, { "x@out.example", false },
		{ "Carol+f@d.example", false }, { "postmaster@a.example", false },
		{ "alice@e.example", false },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(all); i++) {
		struct path_rules rules = { .arena = &a };
		struct perr err = {};
		struct path p;

		T_CASE(all[i].addr);
		t_true(path_parse(str_of(all[i].addr), &rules, &p, &err));
		t_int(route_leaves(&world, &p, &a), all[i].leaves);
	}
	arena_done(&a);
}

/* A verified sender goes back to where it came from, and only there; one that has become ours is
 * found like any other. */
static void
test_R7_expand_srs(void **state)
{
	static const struct { const char *original, *out; enum goal_kind kind; } all[] = {
		{ "mike@out.example", "mike@out.example", GOAL_SMTP },
		{ "bob@a.example", "bob@a.example", GOAL_MAILDIR },
		{ "nobody@a.example", "nobody@a.example", GOAL_ERROR },
	};
	struct expansion out;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(all); i++) {
		struct srs_verified v = { STR("SRS0=x@a.example"), str_of(all[i].original) };

		T_CASE(all[i].original);
		t_int(route_expand_srs(&world, &v, &a, &out), EXPAND_OK);
		t_int(out.ngoal, 1);
		t_int(out.goal[0].kind, all[i].kind);
		t_str(out.goal[0].addr, all[i].out);
		if (all[i].kind == GOAL_SMTP)
			t_int(out.goal[0].maker.who, MAKER_VERIFIED_SRS);
	}
	arena_done(&a);
}

static void
show(struct buf *b, enum expand x, const struct expansion *out)
{
	static const char *const results[] = { "", "unknown", "loop", "too many", "later" };
	static const char *const kinds[] = { "maildir", "lmtp", "smtp", "discard", "program",
	    "file",
		"error" };

	buf_reset(b);
	buf_put(b, str_of(results[x]));
	for (size_t i = 0; x == EXPAND_OK && i < out->ngoal; i++) {
		const struct goal *g = &out->goal[i];

		buf_putf(b, "%s%s%s:" STR_F, i ? " " : "", kinds[g->kind], g->unless ? "?" :
		    g->maker.who ? "!" : "",
		    STR_A(g->addr));
		if (g->nexthop.n > 0)
			buf_putf(b, ">" STR_F, STR_A(g->nexthop));
		if (g->text.n > 0)
			buf_putf(b, "=" STR_F, STR_A(g->text));
		if (g->sender.n > 0)
			buf_putf(b, "/" STR_F, STR_A(g->sender));
	}
}

static void
test_expand(void **state)
{
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 1 << 22);
	buf_init(&b, 65536);
	for (size_t i = 0; i < COUNT(expands); i++) {
		struct expansion out;

		T_CASE(expands[i].addr);
		show(&b, route_expand(&world, str_of(expands[i].addr), &a, &out), &out);
		t_str(buf_str(&b), expands[i].out);
	}
	buf_done(&b);
	arena_done(&a);
}

static void
test_too_many(void **state)
{
	struct image_builder *ib = image_builder_new();
	struct conf_errors errs = {};
	struct route r = world;
	struct route_answer known;
	struct expansion out;
	struct arena a, small;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "big: x0@o.example");
	for (int i = 1; i <= 1000; i++)
		buf_putf(&b, ",x%d@o.example", i);
	r.tables = (struct tables){};
	t_true(table_build(ib, TABLE_ALIASES, STR("/a"), buf_str(&b), &errs));
	t_true(table_build(ib, TABLE_ROUTES, STR("/m"), STR(""), &errs));
	t_true(tables_take(&r.tables, image_finish(ib), 1));
	arena_init(&a, 1 << 24);
	t_int(route_expand(&r, STR("big@a.example"), &a, &out), EXPAND_TOO_MANY);
	/* that it exists can be said in little memory; without memory nobody is left out */
	arena_init(&small, 8192);
	route_rcpt(&r, &(struct path){ .local = STR("big"), .domain = STR("a.example") }, &small,
	    &known);
	t_int(known.class, RCPT_LOCAL);
	t_int(route_expand(&r, STR("big@a.example"), &small, &out), EXPAND_LATER);
	arena_done(&small);
	arena_done(&a);
	tables_done(&r.tables);
	buf_done(&b);
}

static void
test_no_tables(void **state)
{
	struct route r = { .cfg = world.cfg };
	struct expansion out;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	t_int(route_expand(&r, STR("bob@a.example"), &a, &out), EXPAND_LATER);
	t_int(route_expand(&r, STR("x@out.example"), &a, &out), EXPAND_LATER);
	t_int(route_expand(&r, STR("x@routed.example"), &a, &out), EXPAND_OK);
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R8_leaves), cmocka_unit_test(test_R7_expand_srs),
		cmocka_unit_test(test_ask), cmocka_unit_test(test_expand),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_no_tables),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

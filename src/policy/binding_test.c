/* SPDX-License-Identifier: ISC */
/*
 * binding_test: which addresses an identity may write as.
 */
#include "base/test.h"

#include "conf/errors.h"
#include "policy/binding.h"
#include "policy/rules.h"

static const char text[] =
	"hostname mx.victim.example\n"
	"listen mx 192.0.2.25:25\n"
	"listen local /run/postern.sock\n"
	"domain victim.example {\n users file /users\n aliases file /aliases\n"
	" virtusers file /virt\n deliver maildir /m/{user}\n}\n"
	"domain second.example {\n users file /users2\n deliver maildir /m/{user}\n}\n"
	"relay from network 203.0.113.0/24\n"
	"relay from network 198.18.5.0/24 sending-as partner.example bob@one.example\n"
	"relay from network 198.18.6.0/24 sending-as any\n"
	"may-send alice@victim.example info@victim.example @brand.example\n"
	"may-send members:staff@victim.example staff@victim.example\n"
	"may-send uid:33 web@victim.example\n"
	"may-send uid:backup reports@victim.example\n"
	"may-send carol@second.example old@victim.example\n";

static struct config *cfg;
static struct policy *policy;
static struct tables tables;

static void
table(struct image_builder *b, enum table_kind kind, const char *file, const char *body)
{
	struct conf_errors errs = {};

	t_true(table_build(b, kind, str_of(file), str_of(body), &errs));
	conf_errors_done(&errs);
}

static int
setup(void **state)
{
	struct conf_errors errs = {};
	struct image_builder *b = image_builder_new();

	(void)state;
	cfg = config_parse(str_of(text), "/p.conf", &errs);
	for (size_t i = 0; i < errs.n; i++)
		print_error("%u: " STR_F "\n", errs.e[i].line, STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	table(b, TABLE_USERS, "/users", "alice:{PLAIN}x\nbob:{PLAIN}x\nshared:{PLAIN}x\n");
	table(b, TABLE_USERS, "/users2", "carol:{PLAIN}x\n");
	table(b, TABLE_ALIASES, "/aliases", "postmaster: alice\nal: alice@victim.example\n"
	    "staff: bob, alice\nloop1: loop2\nloop2: loop1\nfar: x@elsewhere.example\n"
	    "chain: al\nprog: \"|/bin/alice\"\n");
	table(b, TABLE_VIRTUSERS, "/virt", "sales@victim.example bob\n");
	t_true(tables_take(&tables, image_finish(b), 1));
	policy = cfg ? policy_new(cfg) : NULL;
	if (policy)
		policy_tables(policy, &tables);
	return policy ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	policy_free(policy);
	config_free(cfg);
	tables_done(&tables);
	return 0;
}

static const struct { const char *user, *addr; bool yes; } users[] = {
	{ "alice@victim.example", "alice@victim.example", true },
	{ "alice", "alice@victim.example", true },
	{ "alice", "ALICE@Victim.Example", true },
	{ "alice@victim.example", "alice+shop@victim.example", true },
	{ "alice@victim.example", "alice@mx.victim.example", true },
	{ "alice@victim.example", "postmaster@victim.example", true },
	{ "alice@victim.example", "al@victim.example", true },
	{ "alice@victim.example", "chain@victim.example", true },
	{ "alice@victim.example", "info@victim.example", true },
	{ "alice@victim.example", "info+x@victim.example", true },
	{ "alice@victim.example", "anything@brand.example", true },
	{ "alice@victim.example", "staff@victim.example", true },
	{ "bob@victim.example", "staff@victim.example", true },
	{ "bob@victim.example", "sales@victim.example", true },
	{ "carol@second.example", "old@victim.example", true },
	{ "carol@second.example", "carol@second.example", true },
	{ "bob@victim.example", "info@victim.example", false },
	{ "alice@victim.example", "bob@victim.example", false },
	{ "alice@victim.example", "alice@second.example", false },
	{ "alice@victim.example", "alicex@victim.example", false },
	{ "alice@victim.example", "alice@victim.example.evil.example", false },
	{ "alice@victim.example", "alice@sub.victim.example", false },
	{ "alice@victim.example", "x@sub.brand.example", false },
	{ "alice@victim.example", "loop1@victim.example", false },
	{ "alice@victim.example", "prog@victim.example", false },
	{ "alice@victim.example", "far@victim.example", false },
	{ "carol@second.example", "staff@victim.example", false },
	{ "carol@second.example", "alice@victim.example", false },
	{ "shared@victim.example", "alice@victim.example", false },
	{ "x@elsewhere.example", "x@elsewhere.example", true },
	{ "x@elsewhere.example", "far@victim.example", false },
	{ "", "alice@victim.example", false },
};

static void
test_S3_bindings_of_logins(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(users); i++) {
		struct facts f = { .id = { .user = str_of(users[i].user), .trusted = true } };
		struct str local, domain;

		T_CASE(users[i].addr);
		t_true(addr_split(str_of(users[i].addr), &local, &domain));
		t_int(binding_covers(policy, &f, local, domain),
		    users[i].yes ? FIND_YES : FIND_NO);
		/* a POP login is bound as AUTH is */
		f.id.pop_user = f.id.user;
		f.id.user = (struct str){};
		t_int(binding_covers(policy, &f, local, domain),
		    users[i].yes ? FIND_YES : FIND_NO);
	}
}

static const struct { uint32_t uid; const char *name, *addr; bool yes; } uids[] = {
	{ 0, "root", "root@victim.example", true }, { 0, "root", "any@victim.example", true },
	{ 0, "root", "any@mx.victim.example", true }, { 0, "root", "x@second.example", true },
	{ 0, "root", "x@elsewhere.example", false },
	{ 1001, "dave", "dave@mx.victim.example", true },
	{ 1001, "dave", "dave@victim.example", true },
	{ 1001, "dave", "dave+x@mx.victim.example", true },
	{ 1001, "dave", "root@victim.example", false },
	{ 1001, "dave", "alice@victim.example", false },
	{ 1001, "dave", "dave@second.example", false },
	/* of that name a mailbox is somebody's already: only the host's address is the user's */
	{ 1002, "alice", "alice@mx.victim.example", true },
	{ 1002, "alice", "alice@victim.example", false },
	{ 1002, "postmaster", "postmaster@victim.example", false },
	{ 33, "www-data", "web@victim.example", true },
	{ 33, "", "web@victim.example", true },
	{ 34, "backup", "reports@victim.example", true },
	{ 34, "backup", "web@victim.example", false },
	{ 1003, "", "x@victim.example", false },
};

static void
test_S4_bindings_of_uids(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(uids); i++) {
		struct facts f = { .listener = L_LOCAL, .id = { .local = true,
		    .uid = uids[i].uid, .uid_name = str_of(uids[i].name) } };
		struct str local, domain;

		T_CASE(uids[i].addr);
		t_true(addr_split(str_of(uids[i].addr), &local, &domain));
		t_int(binding_covers(policy, &f, local, domain),
		    uids[i].yes ? FIND_YES : FIND_NO);
	}
}

static const struct { const char *ip, *from; bool yes; } nets[] = {
	{ "203.0.113.9", "anyone@victim.example", true },
	{ "203.0.113.9", "anyone@sub.victim.example", true },
	{ "203.0.113.9", "x@elsewhere.example", false },	/* B6 */
	{ "198.18.5.1", "x@partner.example", true }, { "198.18.5.1", "bob@one.example", true },
	{ "198.18.5.1", "eve@one.example", false }, { "198.18.5.1", "x@victim.example", false },
	{ "198.18.5.1", "x@sub.partner.example", false },
	{ "198.18.6.1", "x@anything.example", true },
};

static void
test_B6_networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(nets); i++) {
		struct facts f = { .listener = L_MX, .have_ip = true };
		struct path from = {};

		T_CASE(nets[i].from);
		t_true(ip_parse(str_of(nets[i].ip), &f.ip));
		t_true(addr_split(str_of(nets[i].from), &from.local, &from.domain));
		f.sender = &from;
		t_true(grants_source(policy, &f, false).yes);
		t_int(grants_source(policy, &f, true).yes, nets[i].yes);
	}
}

static void
test_tables_down(void **state)
{
	static const struct tables none;
	struct facts f = { .id = { .user = STR("alice@victim.example"), .trusted = true } };

	(void)state;
	policy_tables(policy, &none);
	t_int(binding_covers(policy, &f, STR("alice"), STR("victim.example")), FIND_YES);
	t_int(binding_covers(policy, &f, STR("postmaster"), STR("victim.example")), FIND_LATER);
	t_int(binding_covers(policy, &f, STR("x"), STR("elsewhere.example")), FIND_NO);
	policy_tables(policy, &tables);
}

static const struct {
	const char *name, *user, *from;
	enum author_field field;
	const char *author;
	bool report;
	unsigned code;
} ends[] = {
	{ "own", "alice", "alice@victim.example", AUTHOR_FROM, "alice@victim.example", false, 250 },
	{ "other", "alice", "alice@victim.example", AUTHOR_FROM, "bob@victim.example", false, 550 },
	{ "sender", "alice", "alice@victim.example", AUTHOR_SENDER, "bob@victim.example", false,
	  550 },
	{ "resent", "alice", "alice@victim.example", AUTHOR_RESENT_FROM, "bob@victim.example",
	  false, 550 },
	{ "unreadable", "alice", "alice@victim.example", AUTHOR_FROM, "", false, 550 },
	{ "mdn", "alice", "", AUTHOR_FROM, "alice@victim.example", true, 250 },
	{ "null", "alice", "", AUTHOR_FROM, "alice@victim.example", false, 550 },
	{ "mdn as other", "alice", "", AUTHOR_FROM, "bob@victim.example", true, 550 },
	{ "stranger", "", "a@x.example", AUTHOR_FROM, "bob@victim.example", false, 550 },
};

static void
test_S3_authors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct author a = { .field = ends[i].field };
		struct path from = { .null = ends[i].from[0] == '\0' };
		struct facts f = { .listener = L_MX, .sender = &from, .nauthor = 1, .author = &a,
		    .id = { .user = str_of(ends[i].user), .trusted = true }, .have_ip = true,
		    .is_report = ends[i].report, .content = { .from = 1 } };

		T_CASE(ends[i].name);
		a.bad = !addr_split(str_of(ends[i].author), &a.local, &a.domain);
		if (!from.null)
			t_true(addr_split(str_of(ends[i].from), &from.local, &from.domain));
		t_int(decide_end(policy, &f).reply.code, ends[i].code);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_S3_bindings_of_logins),
		cmocka_unit_test(test_S4_bindings_of_uids), cmocka_unit_test(test_B6_networks),
		cmocka_unit_test(test_tables_down), cmocka_unit_test(test_S3_authors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

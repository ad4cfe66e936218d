/* SPDX-License-Identifier: ISC */
/*
 * decide_test: the rules one by one, their order, and what must hold for every
 * combination of facts.
 */
#include "base/test.h"

#include "conf/config.h"
#include "policy/decide.h"
#include "policy/entitle.h"

static const char text[] =
	"hostname mx.victim.example\n"
	"listen mx 192.0.2.25:25\n"
	"listen submission 192.0.2.25:587\n"
	"listen local /run/postern.sock\n"
	"certificate /tls/chain.pem /tls/key.pem\n"
	"domain victim.example {\n users file /users\n deliver maildir /m/{user}\n}\n"
	"relay from network 203.0.113.0/24 sending-as any\n"
	"relay from network 198.18.5.0/24 sending-as partner.example\n"
	"relay to domain backup.example via mx.backup.example\n";

static struct config *cfg;
static struct policy *policy;

static struct ip
ip(const char *z)
{
	struct ip out;

	t_true(ip_parse(str_of(z), &out));
	return out;
}

static struct path
path(const char *z)
{
	struct path p = { .null = z[0] == '\0' };

	if (!p.null && !addr_split(str_of(z), &p.local, &p.domain))
		p.local = str_of(z);
	return p;
}

static int
setup(void **state)
{
	struct conf_errors errs = {};

	(void)state;
	cfg = config_parse(str_of(text), "/p.conf", &errs);
	for (size_t i = 0; i < errs.n; i++)
		print_error("%u: " STR_F "\n", errs.e[i].line, STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	if (cfg)
		policy = policy_new(cfg);
	return cfg && policy ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	policy_free(policy);
	config_free(cfg);
	return 0;
}

/* (a call of its own, so that verdicts do not pile up on the stack) */
[[gnu::noinline]] static unsigned
code_of(struct verdict (*stage)(const struct policy *, const struct facts *),
    const struct facts *f)
{
	return stage(policy, f).reply.code;
}

[[gnu::noinline]] static struct str
rule_of(struct verdict (*stage)(const struct policy *, const struct facts *),
    const struct facts *f)
{
	return stage(policy, f).rule;
}

static struct facts
stranger(void)
{
	return (struct facts){
		.listener = L_MX, .have_ip = true, .ip = ip("198.51.100.66"),
		.server_ip = ip("192.0.2.25"), .helo = STR("client.example"),
	};
}

static const struct {
	const char *name;
	enum listener_kind listener;
	const char *ip, *from, *to;
	enum dest dest;
	uint64_t nrcpt, unknown;
	unsigned code;
	const char *rule;
} rcpt_cases[] = {
	{ "own", L_MX, "198.51.100.66", "a@x.example", "bob@victim.example", DEST_LOCAL, 0, 0,
	  250, "own-domain" },
	{ "remote", L_MX, "198.51.100.66", "a@x.example", "c@d.example", DEST_REMOTE, 0,
	  0, 550, "relaying-denied" },
	{ "remote from our own name", L_MX, "198.51.100.66", "bob@victim.example", "c@d.example",
	  DEST_REMOTE, 0, 0, 550, "relaying-denied" },
	{ "remote from loopback", L_MX, "127.0.0.1", "a@x.example", "c@d.example", DEST_REMOTE, 0,
	  0, 550, "relaying-denied" },
	{ "granted network", L_MX, "203.0.113.4", "a@x.example", "c@d.example", DEST_REMOTE, 0, 0,
	  250, "relay-granted" },
	{ "beside the network", L_MX, "203.0.114.4", "a@x.example", "c@d.example", DEST_REMOTE, 0,
	  0, 550, "relaying-denied" },
	{ "narrowed, fits", L_MX, "198.18.5.1", "a@partner.example", "c@d.example", DEST_REMOTE,
	  0, 0, 250, "relay-granted" },
	{ "narrowed, does not fit", L_MX, "198.18.5.1", "a@x.example", "c@d.example", DEST_REMOTE,
	  0, 0, 550, "sender-not-granted" },
	{ "narrowed, null sender", L_MX, "198.18.5.1", "", "c@d.example", DEST_REMOTE, 0,
	  0, 550, "relaying-denied" },
	{ "backup mx", L_MX, "198.51.100.66", "a@x.example", "u@backup.example", DEST_RELAYED, 0, 0,
	  250, "relay-destination" },
	{ "unknown", L_MX, "198.51.100.66", "a@x.example", "no@victim.example", DEST_UNKNOWN, 0, 0,
	  550, "unknown-recipient" },
	{ "percent", L_MX, "198.51.100.66", "a@x.example", "u%d.example@victim.example",
	  DEST_UNKNOWN, 0, 0, 550, "remote-tail" },
	{ "percent, granted", L_MX, "203.0.113.4", "a@x.example", "u%d.example@victim.example",
	  DEST_UNKNOWN, 0, 0, 550, "unknown-recipient" },
	{ "percent, a mailbox", L_MX, "198.51.100.66", "a@x.example", "u%d@victim.example",
	  DEST_LOCAL, 0, 0, 250, "own-domain" },
	{ "disabled", L_MX, "198.51.100.66", "a@x.example", "d@victim.example", DEST_DISABLED, 0, 0,
	  550, "recipient-disabled" },
	{ "full", L_MX, "198.51.100.66", "a@x.example", "d@victim.example", DEST_FULL, 0, 0,
	  452, "recipient-over-quota" },
	{ "later", L_MX, "198.51.100.66", "a@x.example", "d@victim.example", DEST_LATER, 0, 0,
	  451, "recipient-look-up" },
	{ "not asked", L_MX, "203.0.113.4", "a@x.example", "d@victim.example", DEST_NONE, 0, 0,
	  451, "recipient-look-up" },
	{ "hundred and first", L_MX, "198.51.100.66", "a@x.example", "bob@victim.example",
	  DEST_LOCAL, 100, 0, 452, "too-many-recipients" },
	{ "hundred and first, granted", L_MX, "203.0.113.4", "a@x.example", "c@d.example",
	  DEST_REMOTE, 100, 0, 452, "too-many-recipients" },
	{ "second of a bounce", L_MX, "198.51.100.66", "", "bob@victim.example", DEST_LOCAL, 1, 0,
	  452, "bounce-recipients" },
	{ "guessing", L_MX, "198.51.100.66", "a@x.example", "bob@victim.example", DEST_LOCAL, 1, 5,
	  450, "recipient-guessing" },
	{ "guessing, granted", L_MX, "203.0.113.4", "a@x.example", "bob@victim.example", DEST_LOCAL,
	  1, 5, 250, "own-domain" },
	{ "LMTP never relays", L_LMTP, "203.0.113.4", "a@x.example", "c@d.example", DEST_REMOTE, 0,
	  0, 550, "relaying-denied" },
};

static const struct {
	const char *name, *from;
	enum srs_fact srs;
	uint64_t nrcpt;
	unsigned code;
	const char *rule;
	bool taken;
} srs_cases[] = {
	{ "a bounce", "", SRSF_GOOD, 0, 250, "own-domain", false },
	{ "forged", "", SRSF_BAD, 0, 550, "bounce-address", false },
	{ "not from <>", "a@x.example", SRSF_GOOD, 0, 550, "bounce-address", false },
	{ "not alone", "", SRSF_GOOD, 1, 550, "bounce-address", false },
	{ "behind one", "", SRSF_NONE, 1, 550, "bounce-address", true },
	{ "vault is away", "", SRSF_LATER, 0, 451, "bounce-address-look-up", false },
};

/* Recipients that could get different verdicts do not share a transaction of a stranger's. */
static void
test_R8_recipients_differ(void **state)
{
	static const struct { const char *ip; bool first, second; unsigned code; } all[] = {
		{ "198.51.100.66", false, false, 250 }, { "198.51.100.66", true, true, 250 },
		{ "198.51.100.66", false, true, 452 }, { "198.51.100.66", true, false, 452 },
		{ "203.0.113.4", false, true, 250 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct path from = path("a@x.example"), to = path("bob@victim.example");
		struct facts f = stranger();

		f.listener = L_MX;
		f.ip = ip(all[i].ip);
		f.sender = &from;
		f.rcpt = &to;
		f.dest = DEST_LOCAL;
		f.nrcpt = 1;
		f.tx_leaves = all[i].first;
		f.leaves = all[i].second;
		t_int(decide_rcpt(policy, &f).reply.code, all[i].code);
		f.nrcpt = 0;
		t_int(decide_rcpt(policy, &f).reply.code, 250);
	}
}

static void
test_T_SRS_04_T_SRS_05_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(srs_cases); i++) {
		struct path from = path(srs_cases[i].from), to = path("srs0=a@victim.example");
		struct facts f = stranger();
		struct verdict v;

		T_CASE(srs_cases[i].name);
		f.listener = L_MX;
		f.ip = ip("198.51.100.66");
		f.sender = &from;
		f.rcpt = &to;
		f.dest = srs_cases[i].srs == SRSF_GOOD ? DEST_LOCAL : DEST_UNKNOWN;
		f.srs = srs_cases[i].srs;
		f.nrcpt = srs_cases[i].nrcpt;
		f.srs_taken = srs_cases[i].taken;
		v = decide_rcpt(policy, &f);
		t_str(v.rule, srs_cases[i].rule);
		t_int(v.reply.code, srs_cases[i].code);
	}
}

static void
test_A12_A13_A14_B4_recipients(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rcpt_cases); i++) {
		struct path from = path(rcpt_cases[i].from), to = path(rcpt_cases[i].to);
		struct facts f = stranger();
		struct verdict v;

		T_CASE(rcpt_cases[i].name);
		f.listener = rcpt_cases[i].listener;
		f.ip = ip(rcpt_cases[i].ip);
		f.sender = &from;
		f.rcpt = &to;
		f.dest = rcpt_cases[i].dest;
		f.nrcpt = rcpt_cases[i].nrcpt;
		f.unknown = rcpt_cases[i].unknown;
		v = decide_rcpt(policy, &f);
		t_str(v.rule, rcpt_cases[i].rule);
		t_int(v.reply.code, rcpt_cases[i].code);
		t_int(v.act == ACT_ACCEPT, rcpt_cases[i].code == 250);
	}
}

static void
test_sender_claims_us(void **state)
{
	struct path from = path("ghost@victim.example"), to = path("bob@victim.example");
	struct facts f = stranger();

	(void)state;
	f.sender = &from;
	f.rcpt = &to;
	f.dest = DEST_LOCAL;
	f.sender_dest = DEST_UNKNOWN;
	t_str(rule_of(decide_rcpt, &f), "sender-claims-us");
	f.sender_dest = DEST_LOCAL;
	t_str(rule_of(decide_rcpt, &f), "own-domain");
	f.sender_dest = DEST_UNKNOWN;
	f.ip = ip("203.0.113.1");
	t_str(rule_of(decide_rcpt, &f), "own-domain");
}

/* Every combination of listener, address, sender, class: nobody whom no grant covers gets a remote
 * recipient accepted, and the sender makes no difference. */
static void
test_A16_no_open_relay(void **state)
{
	static const char *const ips[] = { "198.51.100.66", "127.0.0.1", "10.0.0.1", "192.0.2.25",
	    "203.0.112.255", "203.0.114.0", "::1", "2001:db8::1" };
	static const char *const senders[] = { "", "a@x.example", "root@victim.example",
	    "a@partner.example", "bob", "a@sub.victim.example" };
	static const char *const rcpts[] = { "c@d.example", "c@victim.example.d.example",
	    "c%x@d.example", "c@[192.0.2.25]", "c@backup.example.org" };
	unsigned asked = 0;

	(void)state;
	for (int kind = L_MX; kind <= L_LMTP; kind++)
	for (size_t i = 0; i < COUNT(ips); i++)
	for (size_t j = 0; j < COUNT(senders); j++)
	for (size_t k = 0; k < COUNT(rcpts); k++)
	for (int d = DEST_NONE; d <= DEST_LATER; d++) {
		struct path from = path(senders[j]), to = path(rcpts[k]);
		struct facts f = stranger();
		struct verdict v;

		if (d == DEST_LOCAL)
			continue;
		f.listener = (enum listener_kind)kind;
		f.ip = ip(ips[i]);
		f.sender = &from;
		f.rcpt = &to;
		f.dest = (enum dest)d;
		v = decide_rcpt(policy, &f);
		T_CASE(rcpts[k]);
		t_true(v.act == ACT_REJECT || v.act == ACT_DEFER);
		t_true(v.reply.code >= 400);
		t_false(v.relay);
		asked++;
	}
	t_true(asked > 2000);
}

static void
test_B16_helo_lies(void **state)
{
	static const struct { const char *helo, *ip; bool lie; } cases[] = {
		{ "mx.victim.example", "198.51.100.66", true },
		{ "MX.Victim.Example", "198.51.100.66", true },
		{ "victim.example", "198.51.100.66", true },
		{ "sub.victim.example", "198.51.100.66", false },
		{ "client.example", "198.51.100.66", false },
		{ "mx.victim.example", "203.0.113.1", false },
		{ "mx.victim.example", "127.0.0.1", false },
		{ "mx.victim.example", "192.0.2.25", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct facts f = stranger();

		T_CASE(cases[i].helo);
		f.helo = str_of(cases[i].helo);
		f.ip = ip(cases[i].ip);
		t_int(code_of(decide_helo, &f), cases[i].lie ? 550 : 250);
	}
}

static void
test_A48_connect_and_end(void **state)
{
	static const struct { unsigned fault, code; const char *rule; bool close; } ends[] = {
		{ 0, 250, "no-objection", false },
		{ CONTENT_BARE, 550, "bare-line-end", true },
		{ CONTENT_NUL, 550, "nul", true },
		{ CONTENT_LONG_LINE, 550, "line-length", false },
		{ CONTENT_SIZE, 552, "size", false },
		{ CONTENT_HEADER, 552, "header-size", false },
		{ CONTENT_LOOP, 554, "loop", false },
		{ CONTENT_LOOP | CONTENT_BARE | CONTENT_SIZE, 550, "bare-line-end", true },
	};
	static const struct sender_facts known = { .judged = true, .verified = true };
	struct facts f = stranger();

	(void)state;
	t_int(code_of(decide_connect, &f), 220);
	f.early_talk = true;
	t_int(code_of(decide_connect, &f), 554);
	f.rate_ip = true;
	t_str(rule_of(decide_connect, &f), "connection-rate");
	f.full_ip = true;
	t_str(rule_of(decide_connect, &f), "sessions-per-address");
	f.full = true;
	t_str(rule_of(decide_connect, &f), "sessions");
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct verdict v;

		T_CASE(ends[i].rule);
		f = stranger();
		f.content.faults = ends[i].fault;
		f.who = &known;
		v = decide_end(policy, &f);
		t_str(v.rule, ends[i].rule);
		t_int(v.reply.code, ends[i].code);
		t_int(v.reply.close, ends[i].close);
	}
}

/* The switches open what they name and nothing else. */
static void
test_A50_accept_switches(void **state)
{
	static const struct { const char *from; enum dns_fact dns; bool unq, unres; unsigned code; }
	all[] = {
		{ "bare", DNSF_NONE, false, false, 553 }, { "bare", DNSF_NONE, false, true, 553 },
		{ "bare", DNSF_NONE, true, false, 250 },
		{ "a@x.example", DNSF_NXDOMAIN, false, false, 550 },
		{ "a@x.example", DNSF_NXDOMAIN, true, false, 550 },
		{ "a@x.example", DNSF_NXDOMAIN, false, true, 250 },
		{ "a@x.example", DNSF_TEMP, true, false, 451 },
		{ "a@x.example", DNSF_TEMP, false, true, 250 },
		{ "a@x.example", DNSF_NULL_MX, true, false, 550 },
	};
	struct path to = path("c@d.example");

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct path from = path(all[i].from);
		struct facts f = stranger();

		cfg->accept_unqualified = all[i].unq;
		cfg->accept_unresolvable = all[i].unres;
		f.sender = &from;
		f.sender_dns = all[i].dns;
		T_CASE(all[i].from);
		t_int(code_of(decide_mail, &f), all[i].code);
		f.rcpt = &to;
		f.dest = DEST_REMOTE;
		t_str(rule_of(decide_rcpt, &f), "relaying-denied");
	}
	cfg->accept_unqualified = cfg->accept_unresolvable = false;
}

/* A network that was seen to lie loses its grant, narrowed or not, and only that. */
static void
test_R4_suspended_network(void **state)
{
	static const struct { const char *ip, *from; } all[] = {
		{ "203.0.113.4", "a@x.example" }, { "198.18.5.1", "a@partner.example" },
	};
	struct path to = path("c@d.example"), own = path("bob@victim.example");

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct path from = path(all[i].from);
		struct facts f = stranger();

		T_CASE(all[i].ip);
		f.ip = ip(all[i].ip);
		f.sender = &from;
		f.rcpt = &to;
		f.dest = DEST_REMOTE;
		t_str(rule_of(decide_rcpt, &f), "relay-granted");
		f.suspended = true;
		t_str(rule_of(decide_rcpt, &f), "relaying-denied");
		f.rcpt = &own;
		f.dest = DEST_LOCAL;
		t_int(code_of(decide_rcpt, &f), 250);
	}
}

static void
test_A48_block_list(void **state)
{
	struct facts f = stranger();

	(void)state;
	f.blocked = true;
	t_str(rule_of(decide_connect, &f), "block-list");
	t_int(code_of(decide_connect, &f), 554);
	f.rate_ip = true;			/* limits come first: they cost us least */
	t_int(code_of(decide_connect, &f), 421);
}

static void
count_rule(void *ctx, const char *stage, const char *rule, enum match m,
    const struct verdict *v)
{
	unsigned *n = ctx;

	t_true(stage && rule && v);
	n[0]++;
	if (m == MATCH_YES)
		n[1]++;
}

static void
test_mail_and_trace(void **state)
{
	struct path bare = path("bob"), good = path("a@x.example"), null = path("");
	unsigned n[2] = {};
	struct policy_trace trace = { .rule = count_rule, .ctx = n };
	struct facts f = stranger();

	(void)state;
	f.trace = &trace;
	f.sender = &bare;
	t_int(code_of(decide_mail, &f), 553);
	t_true(n[0] >= 2 && n[1] == 1);
	f.sender = &null;
	t_int(code_of(decide_mail, &f), 250);
	f.sender = &good;
	f.size = cfg->lim.message_size + 1;
	t_int(code_of(decide_mail, &f), 552);
	f.size = 0;
	f.spool_full = true;
	t_int(code_of(decide_mail, &f), 452);
	f.spool_full = false;
	f.listener = L_SUBMISSION;
	t_int(code_of(decide_mail, &f), 530);
}

static void
test_entitlement_round_trip(void **state)
{
	(void)state;
	for (int d = DEST_NONE; d <= DEST_LATER; d++)
		for (int k = GRANT_AUTHENTICATED; k <= GRANT_DESTINATION; k++) {
			struct verdict v = { .relay = true, .grant = (enum grant_kind)k };
			uint32_t flags = entitle_flags((enum dest)d, &v);
			enum grant_kind got;

			t_int(entitle_dest(flags), d);
			t_true(entitle_grant(flags, &got));
			t_int(got, k);
			v.relay = false;
			t_false(entitle_grant(entitle_flags((enum dest)d, &v), &got));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A12_A13_A14_B4_recipients),
		cmocka_unit_test(test_T_SRS_04_T_SRS_05_decide),
		cmocka_unit_test(test_R8_recipients_differ),
		cmocka_unit_test(test_sender_claims_us),
		cmocka_unit_test(test_A16_no_open_relay),
		cmocka_unit_test(test_B16_helo_lies),
		cmocka_unit_test(test_A48_connect_and_end),
		cmocka_unit_test(test_A50_accept_switches),
		cmocka_unit_test(test_R4_suspended_network),
		cmocka_unit_test(test_A48_block_list),
		cmocka_unit_test(test_mail_and_trace),
		cmocka_unit_test(test_entitlement_round_trip),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

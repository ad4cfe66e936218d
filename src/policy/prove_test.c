/* SPDX-License-Identifier: ISC */
/*
 * prove_test: what is safe is proved, what was once an open relay somewhere is refused with the
 * right counterexample, and named properties hold or not.
 *
 * Grants and rules that the configuration language cannot say are built here by hand: the proof
 * must not rely on the language alone.
 */
#include "base/test.h"

#include <stdlib.h>

#include "conf/config.h"
#include "policy/grants.h"
#include "policy/prove.h"
#include "policy/rules.h"
#include "policy/walk.h"

static const char base_text[] =
	"hostname mx.victim.example\n"
	"listen mx 192.0.2.25:25\n"
	"listen submission 192.0.2.25:587\n"
	"listen local /run/postern.sock\n"
	"certificate /tls/chain.pem /tls/key.pem\n"
	"domain victim.example {\n users file /users\n deliver maildir /m/{user}\n}\n"
	"access file /access\n"
	"relay from authenticated\n"
	"relay from local-uid any\n"
	"relay from network 203.0.113.0/24\n"
	"relay to domain backup.example via mx.backup.example\n"
	"may-send alice news@victim.example\n";

static struct tables tables;
static struct config *cfg;
static struct policy *policy;
static struct proof *proof;

static void
open_policy(const char *text, const char *access)
{
	struct conf_errors errs = {};
	struct image_builder *b = image_builder_new();

	cfg = config_parse(str_of(text), "/p.conf", &errs);
	for (size_t i = 0; i < errs.n; i++)
		print_error("%u: " STR_F "\n", errs.e[i].line, STR_A(errs.e[i].text));
	t_true(cfg);
	t_true(table_build(b, TABLE_ACCESS, STR("/access"), str_of(access), &errs));
	conf_errors_done(&errs);
	t_true(tables_take(&tables, image_finish(b), 1));
	policy = policy_new(cfg);
	t_true(policy);
	policy_tables(policy, &tables);
	proof = calloc(1, sizeof *proof);
	t_true(proof);
	proof->policy = policy;
}

static void
close_policy(void)
{
	proof_done(proof);
	free(proof);
	policy_free(policy);
	config_free(cfg);
	tables_done(&tables);
}

static void
print_findings(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < proof->n; i++)
		prove_print(&proof->finding[i], &b);
	print_error(STR_F, STR_A(buf_str(&b)));
	buf_done(&b);
}

static const struct finding *
finding_of(enum theorem t)
{
	for (size_t i = 0; i < proof->n; i++)
		if (proof->finding[i].theorem == t)
			return &proof->finding[i];
	return NULL;
}

/* ---- what is safe ---- */

static void
test_B9_safe_configurations_are_proved(void **state)
{
	static const char *const access[] = {
		"",
		"Connect:192.0.2 REJECT\nFrom:bulk.example ERROR:5.7.1:550 no\nTo:old@ REJECT\n",
		"193.140 RELAY\nsendmail.org RELAY\nConnect:friend.example RELAY\n"
		"To:c@d.example REJECT\nTo:kept.example RELAY\nIPv6:2001:db8:1 RELAY\n"
		"Connect:193.140.7 REJECT\nSpam:victim.example FRIEND\n",
		("CertIssuer:/CN=Our+20CA SUBJECT\nCertSubject:/CN=Box RELAY\n"
		"TLS_Clt:example.org ENCR:128\n"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(access); i++) {
		T_CASE(access[i]);
		open_policy(base_text, access[i]);
		if (!prove(proof))
			print_findings();
		t_int(proof->n, 0);
		t_true(proof->leaves > 500 && proof->leaves < 2'000'000);
		close_policy();
	}
}

/* ---- what is not: lines ---- */

static const char *
bundle(struct str file)
{
	return str_eq(file, STR("/etc/ssl/certs/ca-certificates.crt")) ?
	    "is a bundle of public authorities" : NULL;
}

static const struct {
	const char *name;
	struct grant grant;		/* pushed behind those of the text */
	const char *net;
	enum theorem theorem;
	const char *says;
} bad_lines[] = {
	{ "everybody", { .kind = GRANT_NETWORK }, "0.0.0.0/0", PROVE_P6, "wider" },
	{ "everybody with IPv6", { .kind = GRANT_NETWORK }, "::/0", PROVE_P6, "wider" },
	{ "half the world", { .kind = GRANT_NETWORK }, "128.0.0.0/1", PROVE_P6, "wider" },
	{ "IPv4 mapped into IPv6", { .kind = GRANT_NETWORK }, "::ffff:0:0/96", PROVE_P6, "wider" },
	{ "private and more", { .kind = GRANT_NETWORK }, "10.0.0.0/7", PROVE_P6, "wider" },
	{ "T-RELAY-09: a public /16", { .kind = GRANT_NETWORK }, "193.140.0.0/16", PROVE_P6,
	  "193.140.0.0/16" },
	{ "a cloud's IPv6", { .kind = GRANT_NETWORK, .sending_any = true }, "2600::/24", PROVE_P6,
	  "wider" },
	{ "loopback", { .kind = GRANT_NETWORK }, "127.0.0.0/8", PROVE_P6, "this host itself" },
	{ "shared address space", { .kind = GRANT_NETWORK }, "100.64.0.0/10", PROVE_P6,
	  "shares among customers" },
	{ "the gateway", { .kind = GRANT_NETWORK }, "172.17.0.1/32", PROVE_P6, "gateway" },
	{ "everybody, in a test", { .kind = GRANT_NETWORK, .test = true }, "0.0.0.0/0", PROVE_P6,
	  "everybody" },
	{ "names of a whole top-level domain", { .kind = GRANT_HOSTNAME,
	  .domain = STR_INIT(".com") }, NULL, PROVE_P6, "top-level" },
	{ "a pin that is none", { .kind = GRANT_CERTIFICATE, .pin = STR_INIT("00ff") }, NULL,
	  PROVE_P7, "64 digits" },
	{ "an authority for every name", { .kind = GRANT_CERTIFICATE, .san = STR_INIT("*.example"),
	  .ca_file = STR_INIT("/ca.pem") }, NULL, PROVE_P7, "one name" },
	{ "an authority for no name", { .kind = GRANT_CERTIFICATE,
	  .ca_file = STR_INIT("/ca.pem") }, NULL, PROVE_P7, "one name" },
	{ "a bundle of authorities", { .kind = GRANT_CERTIFICATE, .san = STR_INIT("a.example"),
	  .ca_file = STR_INIT("/etc/ssl/certs/ca-certificates.crt") }, NULL, PROVE_P7, "bundle" },
	{ "neither pin nor authority", { .kind = GRANT_CERTIFICATE,
	  .san = STR_INIT("a.example") }, NULL, PROVE_P7, "neither" },
	{ "a whole top-level domain", { .kind = GRANT_DESTINATION, .domain = STR_INIT("com") },
	  NULL, PROVE_P8, "top-level" },
	{ "all below a top-level domain", { .kind = GRANT_DESTINATION,
	  .domain = STR_INIT(".com") }, NULL, PROVE_P8, "top-level" },
	{ "a domain twice", { .kind = GRANT_DESTINATION, .domain = STR_INIT("Backup.example") },
	  NULL, PROVE_P8, "never speaks" },
	{ "a network in a network", { .kind = GRANT_NETWORK }, "203.0.113.128/25", PROVE_P8,
	  "never speaks" },
	{ "authenticated twice", { .kind = GRANT_AUTHENTICATED }, NULL, PROVE_P8, "never speaks" },
	{ "a uid after any", { .kind = GRANT_LOCAL_UID, .uid = 7 }, NULL, PROVE_P8,
	  "never speaks" },
};

static void
test_T_PROOF_1_bad_lines_are_refused(void **state)
{
	static struct grant grants[32];
	static const struct ip gateway = { .b = { 172, 17, 0, 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(bad_lines); i++) {
		const struct finding *f;
		struct grant *was, *g;

		T_CASE(bad_lines[i].name);
		open_policy(base_text, "");
		was = cfg->grant;
		memcpy(grants, was, cfg->ngrant * sizeof *was);
		g = &grants[cfg->ngrant++];
		*g = bad_lines[i].grant;
		g->name = STR("/p.conf:99");
		if (bad_lines[i].net)
			t_true(net_parse(str_of(bad_lines[i].net), &g->net));
		cfg->grant = grants;
		proof->own = &gateway;
		proof->nown = 1;
		proof->ca_wrong = bundle;
		t_false(prove(proof));
		f = finding_of(bad_lines[i].theorem);
		if (!f || str_find(f->what, str_of(bad_lines[i].says)) < 0)
			print_findings();
		t_true(f);
		t_true(str_find(f->what, str_of(bad_lines[i].says)) >= 0);
		t_str(f->where, "/p.conf:99");
		cfg->grant = was;
		close_policy();
	}
}

/* Two lines that together cover a third. */
static void
test_T_PROOF_1_shadowed_by_two(void **state)
{
	static const char more[] =
	    "relay from network 198.18.4.0/25\nrelay from network 198.18.4.128/25\n"
	    "relay from network 198.18.4.0/24\n";
	static char text[4096];

	(void)state;
	(void)snprintf(text, sizeof text, "%s%s", base_text, more);
	open_policy(text, "");
	t_false(prove(proof));
	t_true(finding_of(PROVE_P8));
	t_true(str_find(finding_of(PROVE_P8)->where, STR(":18")) > 0);
	close_policy();
	/* ... and not when one of them is narrowed. */
	(void)snprintf(text, sizeof text,
	    "%srelay from network 198.18.4.0/25 sending-as a.example\n"
	    "relay from network 198.18.4.128/25\nrelay from network 198.18.4.0/24\n", base_text);
	open_policy(text, "");
	t_true(prove(proof));
	close_policy();
}

/* ---- what is not: rules ---- */

#define RULE(name_) \
	static enum match \
	name_(__attribute__((unused)) const struct policy *p, const struct facts *f, \
	    struct verdict *v)

static enum match
relay_if(bool yes, struct verdict *v)
{
	v->relay = true;
	v->grant = GRANT_NETWORK;
	return yes ? MATCH_YES : MATCH_NO;
}

static struct net
net_of_text(const char *z)
{
	struct net n = {};

	t_true(net_parse(str_of(z), &n));
	return n;
}

RULE(own_sender) { return relay_if(!f->sender->null && policy_own(p, f->sender->domain), v); }
RULE(null_sender) { return relay_if(f->sender->null, v); }
RULE(friend_sender) { return relay_if(domain_under(f->sender->domain, STR("backup.example")), v); }
RULE(anybody) { return relay_if(f->dest == DEST_REMOTE, v); }
RULE(not_trusted) { return relay_if(!grants_source(p, f, true).yes, v); }
RULE(percent) { return relay_if(str_chr(f->rcpt->local, '%') >= 0, v); }
RULE(literal) { return relay_if(f->rcpt->literal, v); }
RULE(private_client) { return relay_if(f->have_ip && ip_is_private(f->ip), v); }
RULE(loopback) { return relay_if(f->have_ip && ip_is_loopback(f->ip), v); }
RULE(any_login) { return relay_if(f->id.user.n > 0, v); }
RULE(any_cert) { return relay_if(f->peer != NULL, v); }
RULE(verified_cert) { return relay_if(f->verify == TV_OK, v); }
RULE(under_tls) { return relay_if(f->tls, v); }
RULE(below_backup) { return relay_if(domain_under(f->rcpt->domain, STR("backup.example")), v); }
RULE(neighbours) { return relay_if(f->have_ip && net_has(net_of_text("203.0.0.0/8"), f->ip), v); }
RULE(mx_login)
{
	(void)relay_if(true, v);
	v->grant = GRANT_AUTHENTICATED;
	return f->listener == L_MX && f->id.trusted && f->dest == DEST_REMOTE ?
	    MATCH_YES : MATCH_NO;
}
RULE(without_grant)
{
	(void)v;
	return f->dest == DEST_REMOTE && grants_source(p, f, true).yes ? MATCH_YES : MATCH_NO;
}

static const struct {
	const char *name;
	enum match (*first)(const struct policy *p, const struct facts *f, struct verdict *v);
	int stage;
	const char *without;		/* rule that is missing */
	enum theorem theorem;
	const char *says;		/* in the dialogue */
} bad_rules[] = {
	{ "relay_local_from", own_sender, STAGE_RCPT, NULL, PROVE_P2,
	  "C: MAIL FROM:<proof-fresh@victim.example>" },
	{ "the null sender may", null_sender, STAGE_RCPT, NULL, PROVE_P2, "C: MAIL FROM:<>" },
	{ "a friend's sender may", friend_sender, STAGE_RCPT, NULL, PROVE_P2, "backup.example>" },
	{ "order: everything first", anybody, STAGE_RCPT, NULL, PROVE_P1, "S: 250 2.1.5" },
	{ "a negation too many", not_trusted, STAGE_RCPT, NULL, PROVE_P1, "S: 250 2.1.5" },
	{ "percent hack", percent, STAGE_RCPT, NULL, PROVE_P1, "%proof-fresh@" },
	{ "address literals", literal, STAGE_RCPT, NULL, PROVE_P1, "@[203.0.113.1]>" },
	{ "private is trusted", private_client, STAGE_RCPT, NULL, PROVE_P1, "client 10." },
	{ "loopback is trusted", loopback, STAGE_RCPT, NULL, PROVE_P1, "client 127." },
	{ "every login", any_login, STAGE_RCPT, NULL, PROVE_P1, "AUTH as" },
	{ "every certificate", any_cert, STAGE_RCPT, NULL, PROVE_P1, "certificate" },
	{ "every authority", verified_cert, STAGE_RCPT, NULL, PROVE_P1, "verified certificate" },
	{ "TLS is trust", under_tls, STAGE_RCPT, NULL, PROVE_P1, "under TLS" },
	{ "names below a destination", below_backup, STAGE_RCPT, NULL, PROVE_P1,
	  "RCPT TO:<proof-fresh@proof-fresh.backup.example>" },
	{ "a border in the wrong place", neighbours, STAGE_RCPT, NULL, PROVE_P1, "client 203." },
	{ "logins on mx", mx_login, STAGE_RCPT, NULL, PROVE_P5, "AUTH as proof-user" },
	{ "a grant that is not named", without_grant, STAGE_RCPT, NULL, PROVE_P1, "S: 250" },
	{ "no last rule", NULL, STAGE_RCPT, "*", PROVE_P1, "S: 250" },
	{ "submission without login", NULL, STAGE_MAIL, "must-login", PROVE_P5, "submission" },
	{ "submission in the clear", NULL, STAGE_MAIL, "must-encrypt", PROVE_P5, "submission" },
	{ "nobody is bound", NULL, STAGE_MAIL, "sender-binding", PROVE_P4, "AUTH as" },
	{ "the null sender of somebody bound", NULL, STAGE_END, "null-sender-content", PROVE_P4,
	  "MAIL FROM:<>" },
	{ "own addresses for everybody", NULL, STAGE_RCPT, "sender-claims-us", PROVE_P3,
	  "@victim.example>" },
	{ "own addresses without a proof", NULL, STAGE_END, "own-domain-claim", PROVE_P3,
	  "@victim.example>" },
};

static void
add_names(void *ctx, enum field field, const struct atom *a, struct buf *sig)
{
	(void)ctx;
	/* What the rules above ask besides the configuration's constants. */
	if (field == FIELD_CERT)
		buf_putc(sig, a->peer ? '1' : '0');
	if (field == FIELD_CLIENT) {
		buf_putc(sig, ip_is_private(a->ip) ? '1' : '0');
		buf_putc(sig, net_has(net_of_text("203.0.0.0/8"), a->ip) ? '1' : '0');
	}
	if (field == FIELD_SENDER || field == FIELD_RCPT)
		buf_putc(sig, domain_under(a->path.domain, STR("backup.example")) ? '1' : '0');
}

static void
test_T_PROOF_1_bad_rules_are_refused(void **state)
{
	const struct net near = net_of_text("203.0.0.0/8");
	const struct more_predicates more = { .net = &near, .nnet = 1, .sign = add_names };

	(void)state;
	for (size_t i = 0; i < COUNT(bad_rules); i++) {
		const struct stage *all[7], *was;
		static struct rule rule[64];
		struct stage changed;
		const struct finding *f;

		T_CASE(bad_rules[i].name);
		open_policy(base_text, "");
		memcpy(all, stages_all, sizeof all);
		was = all[bad_rules[i].stage];
		changed = (struct stage){ .name = was->name, .rule = rule,
		    .otherwise = { .code = 250, .c = 2, .s = 1, .d = 5 } };
		if (bad_rules[i].first)
			rule[changed.n++] = (struct rule){ "bad", bad_rules[i].first, ACT_ACCEPT,
			    REPLY(250, 2, 1, 5, "recipient ok"), FIRM };
		for (size_t k = 0; k < was->n; k++)
			if (!bad_rules[i].without || (bad_rules[i].without[0] != '*' &&
			    strcmp(was->rule[k].name, bad_rules[i].without) != 0))
				rule[changed.n++] = was->rule[k];
		all[bad_rules[i].stage] = &changed;
		policy->stages = all;
		proof->more = &more;
		t_false(prove(proof));
		f = finding_of(bad_rules[i].theorem);
		if (!f || str_find(f->dialogue, str_of(bad_rules[i].says)) < 0)
			print_findings();
		t_true(f && f->has_facts);
		t_true(str_find(f->dialogue, str_of(bad_rules[i].says)) >= 0);
		t_true(f->lines.n > 0);
		/* The counterexample is a request that the rules really let through. */
		t_true(request_ask(policy, &f->facts).accepted);
		close_policy();
	}
	t_true(COUNT(bad_rules) + COUNT(bad_lines) >= 30);
}

/* What the languages refuse already, so that no proof is needed. */
static void
test_T_PROOF_1_bad_maps_are_no_maps(void **state)
{
	static const char *const bad[] = { "From:victim.example RELAY", "Connect:com RELAY",
	    "To:com RELAY", "193 RELAY", "Connect:0.0.0.0/0 RELAY", "user@ RELAY" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct image_builder *b = image_builder_new();
		struct conf_errors errs = {};

		T_CASE(bad[i]);
		t_false(table_build(b, TABLE_ACCESS, STR("/access"), str_of(bad[i]), &errs));
		image_builder_free(b);
		conf_errors_done(&errs);
	}
}

/* ---- the rest ---- */

static void
test_A60_require_named_properties(void **state)
{
	static const struct { const char *name; bool holds; const char *says; } cases[] = {
		{ "relay only by auth", false, "/p.conf:1" },
		{ "relay only by auth or network or destination", true, NULL },
		{ "relay only by auth, destination, network", true, NULL },
		{ "relay only by auth or destination", false, "/p.conf:13" },
		{ "no relay by pop", true, NULL },
		{ "no relay by local", false, "local user id" },
		{ "no relay by certificate or host", true, NULL },
		{ "no relay", false, "S: 250" },
		{ "auth only under tls", true, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str name = str_of(cases[i].name);
		const struct finding *f;
		struct buf b;

		T_CASE(cases[i].name);
		open_policy(base_text, "");
		proof->require = &name;
		proof->nrequire = 1;
		t_true(prove_property_wrong(name) == NULL);
		t_int(prove(proof), cases[i].holds);
		f = finding_of(PROVE_REQUIRED);
		t_int(f != NULL, !cases[i].holds);
		if (f) {
			buf_init(&b, 1 << 16);
			prove_print(f, &b);
			if (str_find(buf_str(&b), str_of(cases[i].says)) < 0)
				print_findings();
			t_true(str_find(buf_str(&b), str_of(cases[i].says)) >= 0);
			buf_done(&b);
		}
		close_policy();
	}
	t_true(prove_property_wrong(STR("relay by magic")) != NULL);
	t_true(prove_property_wrong(STR("relay only by magic")) != NULL);
	t_true(prove_property_wrong(STR("relay only by ")) != NULL);
}

static void
test_B9_too_complex_is_refused(void **state)
{
	(void)state;
	open_policy(base_text, "");
	proof->budget = 100;
	t_false(prove(proof));
	t_true(finding_of(PROVE_TOO_COMPLEX));
	close_policy();
}

static void
test_observed_rules_are_said(void **state)
{
	static char text[4096];

	(void)state;
	(void)snprintf(text, sizeof text, "%spolicy observe sender-binding\n", base_text);
	open_policy(text, "");
	t_true(prove(proof));
	t_str(proof->observed, "sender-binding");
	close_policy();
}

/* POP logins, certificates, narrowed networks: all kinds of grants are walked, and hold. */
static void
test_B4_every_kind_of_grant(void **state)
{
	static char text[4096];
	const struct finding *f;
	struct str none = STR("relay only by auth");

	(void)state;
	(void)snprintf(text, sizeof text, "%s"
	    "relay from pop-login\n"
	    "relay from network 198.18.5.0/24 sending-as partner.example bob@other.example\n"
	    "relay from network 198.18.6.0/24 sending-as any\n"
	    "relay from certificate pin %064d sending-as cert.example\n"
	    "relay from certificate pin %064d\n", base_text, 1, 2);
	open_policy(text, "Connect:friend.example RELAY\n");
	if (!prove(proof))
		print_findings();
	t_int(proof->n, 0);
	proof_done(proof);
	*proof = (struct proof){ .policy = policy, .require = &none, .nrequire = 1 };
	t_false(prove(proof));
	f = finding_of(PROVE_REQUIRED);
	t_true(f && str_find(f->dialogue, STR("RCPT TO")) > 0);
	close_policy();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_B9_safe_configurations_are_proved),
		cmocka_unit_test(test_T_PROOF_1_bad_lines_are_refused),
		cmocka_unit_test(test_T_PROOF_1_shadowed_by_two),
		cmocka_unit_test(test_T_PROOF_1_bad_rules_are_refused),
		cmocka_unit_test(test_T_PROOF_1_bad_maps_are_no_maps),
		cmocka_unit_test(test_A60_require_named_properties),
		cmocka_unit_test(test_B9_too_complex_is_refused),
		cmocka_unit_test(test_observed_rules_are_said),
		cmocka_unit_test(test_B4_every_kind_of_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

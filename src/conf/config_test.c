/* SPDX-License-Identifier: ISC */
/*
 * config_test: whole files: the example of the manual, every kind of mistake with its place,
 * the defaults, and that what is printed is read back.
 *
 * A mistake's case is a file body behind four good lines, and where and how it must be reported.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/test.h"
#include "conf/config.h"
#include "conf/print.h"

static const char example[] =
	"hostname   mail.example.org\n"
	"listen     mx          0.0.0.0:25\n"
	"listen     submission  0.0.0.0:465\n"
	"certificate            /etc/postern/tls/fullchain.pem  /etc/postern/tls/privkey.pem\n"
	"\n"
	"domain example.org {\n"
	"    users    file /etc/postern/users          # Dovecot passwd-file format\n"
	"    aliases  file /etc/postern/aliases\n"
	"    deliver  maildir /var/mail/{domain}/{user}\n"
	"    dkim     s2026 /etc/postern/dkim/example.org.s2026.pem\n"
	"}\n"
	"\n"
	"relay from authenticated                                      # three examples of grants\n"
	"relay from network 192.0.2.0/24 sending-as example.org\n"
	"relay to   domain partner.example via mx.partner.example\n";

static struct config *
must_parse(const char *text)
{
	struct conf_errors errs = {};
	struct config *cfg = config_parse(str_of(text), "/etc/postern/postern.conf", &errs);

	for (size_t i = 0; i < errs.n; i++)
		print_error("%u:%u: " STR_F "\n", errs.e[i].line, errs.e[i].col,
		    STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	t_true(cfg != NULL);
	return cfg;
}

static void
test_example(void **state)
{
	struct config *cfg = must_parse(example);
	const struct domain *d = config_domain(cfg, STR("EXAMPLE.org"));

	(void)state;
	t_str(cfg->hostname, "mail.example.org");
	t_int(cfg->nlistener, 2);
	t_int(cfg->listener[0].kind, L_MX);
	t_int(cfg->listener[0].port, 25);
	t_int(cfg->listener[0].tls, LTLS_STARTTLS);
	t_int(cfg->listener[1].tls, LTLS_IMPLICIT);
	t_true(d != NULL && d == &cfg->domain[0]);
	t_str(d->users_file, "/etc/postern/users");
	t_str(d->maildir, "/var/mail/{domain}/{user}");
	t_int(d->detail, '+');
	t_int(d->ndkim, 1);
	t_int(cfg->ngrant, 3);
	t_int(cfg->grant[1].kind, GRANT_NETWORK);
	t_int(cfg->grant[1].net.bits, 24);
	t_int(cfg->grant[1].nsending_as, 1);
	t_str(cfg->grant[1].sending_as[0], "example.org");
	t_str(cfg->grant[2].via, "mx.partner.example");
	t_str(cfg->spool_dir, "/var/spool/postern");
	t_str(cfg->data_dir, "/var/spool/postern/data");
	t_true(config_domain(cfg, STR("example.com")) == NULL);
	config_free(cfg);
}

static void
test_defaults(void **state)
{
	struct config *cfg = config_minimal("mx.example.org", "example.org");
	const struct limits *l = &cfg->lim;

	(void)state;
	t_int(l->cmd_line, 4096);
	t_int(l->message_size, 50 << 20);
	t_int(l->rcpt_max_mx, 100);
	t_int(l->rcpt_max_submission, 1000);
	t_int(l->cmd_ms, 300'000);
	t_int(l->cmd_early_ms, 60'000);
	t_int(l->data_rate, 500);
	t_int(l->sessions_mx, 2000);
	t_int(l->sessions_ip, 50);
	t_int(l->received_max, 50);
	t_int(l->client_dot_ms, 600'000);
	t_int(l->nretry, 9);
	t_int(l->retry_ms[0], 120'000);
	t_int(l->retry_ms[8], 7'200'000);
	t_int(l->give_up_ms, 432'000'000);
	t_int(l->dest_parallel, 20);
	t_int(l->spool_reserve, 1 << 30);
	t_int(cfg->role[ROLE_SMTPD].uid, ROLE_UID_BASE + ROLE_SMTPD);
	t_false(l->early_pipelining);
	config_free(cfg);
}

/* Four good lines stand before each of these: the body begins in line 5. */
#define HEAD "hostname mx.example.org\nlisten mx 127.0.0.1:25\n" \
	"domain example.org { users none; catch-all bob; deliver discard }\n# body\n"

static const struct { const char *body; unsigned line, col; const char *text; } mistakes[] = {
	{ "hostnam x.example\n", 5, 1, "did you mean 'hostname'?" },
	{ "frobnicate\n", 5, 1, "unknown word 'frobnicate'" },
	{ "message-size 5M\n", 5, 1, "it belongs inside 'limits'" },
	{ "hostname b.example\n", 5, 1, "'hostname' was already given in line 1" },
	{ "limits {\n  message-size 5X\n}\n", 6, 16, "'5X' has an unknown unit" },
	{ "limits {\n  message-size 1\n}\n", 6, 16, "'1' is out of range (64K to 4G)" },
	{ "limits {\n  mesage-size 1M\n}\n", 6, 3, "did you mean 'message-size'?" },
	{ "limits {\n  command-timeout 5\n}\n", 6, 19, "needs a unit" },
	{ "limits {\n soft-errors 10; hard-errors 9\n}\n", 6, 1,
	    "soft-errors is above hard-errors" },
	{ "limits {\n", 5, 8, "block without its closing '}'" },
	{ "limits{\n}\n", 5, 7, "put a blank before '{'" },
	{ "}\n", 5, 1, "'}' without a '{'" },
	{ "greeting \"abc\n", 5, 10, "string without its closing" },
	{ "listen smtp 127.0.0.1:26\n", 5, 8, "is no kind of listener" },
	{ "listen mx 127.0.0.1\n", 5, 11, "lacks a port" },
	{ "listen mx 127.0.0.1:25\n", 5, 1, "the same place as in line 2" },
	{ "listen mx 0.0.0.0:25\n", 5, 1, "the same place as in line 2" },
	{ "listen local 127.0.0.1:26\n", 5, 14, "is a Unix socket" },
	{ "listen submission 192.0.2.1:587\n", 5, 1, "needs a certificate" },
	{ "domain example.org { users none; catch-all x }\n", 5, 1, "was already given in line 3" },
	{ "domain b.example { }\n", 5, 1, "users is missing" },
	{ "domain b.example { users file /u }\n", 5, 1, "deliver is missing" },
	{ "domain b.example { users none }\n", 5, 1, "nobody can receive" },
	{ "domain b.example { users file /u; deliver maildir /m }\n", 5, 51, "one Maildir" },
	{ "domain b.example { users file /u; deliver maildir /{who} }\n", 5, 51, "knows only" },
	{ "relay from bob@example.org\n", 5, 12, "a sender can never be a grant" },
	{ "relay from sender example.org\n", 5, 12, "a sender can never be a grant" },
	{ "relay from domain example.org\n", 5, 12, "a sender can never be a grant" },
	{ "relay from host mail.example.org\n", 5, 12, "access map" },
	{ "relay from network bob@example.org\n", 5, 20, "a sender can never be a grant" },
	{ "relay from network 0.0.0.0/0\n", 5, 20, "wider than anybody's own" },
	{ "relay from network ::/0\n", 5, 20, "wider than anybody's own" },
	{ "relay from network 127.0.0.0/8\n", 5, 20, "is this host itself" },
	{ "relay from network 192.0.2.1/24\n", 5, 20, "bits set beyond its length" },
	{ "relay from everybody\n", 5, 12, "is no kind of grant" },
	{ "relay from authenticated sending\n", 5, 26, "is not expected here" },
	{ "relay from pop-login for 2h\n", 5, 26, "at most 30m" },
	{ "relay from certificate ca /x\n", 5, 12, "a CA alone is no grant" },
	{ "relay to domain *\n", 5, 17, "open relay" },
	{ "relay to domain com\n", 5, 17, "top-level domain" },
	{ "relay to domain example.org\n", 5, 1, "is a domain of this server" },
	{ "route example.org via x.example\n", 5, 1, "is a domain of this server" },
	{ "route * via\n", 5, 1, "write: route DOMAIN via HOP" },
	{ "route * via a..b\n", 5, 13, "is not a domain name" },
	{ "route a.example via b.example\nroute a.example via c.example\n", 6, 1,
	    "a second route" },
	{ "roles { smtpd 0 }\n", 5, 15, "is root" },
	{ "roles { smtpd 5; queue 5 }\n", 5, 1, "have the same uid" },
	{ "dns { server 127.0.0.1:53 }\n", 0, 0, "query-localhost" },
	{ "listen mx 192.0.2.1:25\ntest { }\n", 5, 1, "not a loopback address" },
	{ "privacy goawy\n", 5, 9, "did you mean 'goaway'?" },
	{ "exempt 10.0.0.0/8\n", 5, 1, "write: exempt from NETWORK" },
	{ "workers two\n", 5, 9, "is not a number" },
	{ "workers 1 2\n", 5, 1, "takes one value" },
	{ "senders { unverified maybe }\n", 5, 22, "none of the words" },
	{ "protect\n", 5, 1, "write: protect DOMAIN" },
	{ "vip Jane\n", 5, 1, "write: vip" },
	{ "vip Jane jane\n", 5, 10, "is no address" },
	{ "forwarder f.example\n", 5, 1, "write: forwarder DOMAIN via" },
	{ "forwarder f.example via trust\n", 5, 25, "none of spf-host" },
	{ "forwarder f.example via net\n", 5, 25, "needs one more word" },
	{ "forwarder f.example via cert 12\n", 5, 30, "is not a SHA-256 pin" },
	{ "forwarder f.example via dkim for inbox\n", 5, 30, "for names nobody" },
	{ "forwarder f.example via dkim until 2027-02-29\n", 5, 36, "no day of the calendar" },
	{ "forwarder f.example via dkim until tomorrow\n", 5, 36, "is no day" },
	{ "forwarder f.example via dkim owner\n", 5, 30, "says nothing" },
	{ "outside-sender a.example inbox\n", 5, 26, "is not expected here" },
	{ "outside-sender b.example\n", 5, 1, "is no domain of this server" },
	{ "allow-author bob\n", 5, 14, "is no address" },
	{ "allow-author @example.org\n", 5, 1, "is one of our domains" },
	{ "announce-binarymime maybe\n", 5, 21, "neither yes nor no" },
};

static void
test_mistakes(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct conf_errors errs = {};
		bool found = false;

		T_CASE(mistakes[i].body);
		(void)snprintf(text, sizeof text, "%s%s", HEAD, mistakes[i].body);
		t_true(config_parse(str_of(text), "f", &errs) == NULL);
		for (size_t k = 0; k < errs.n; k++) {
			found = found || (errs.e[k].line == mistakes[i].line &&
			    errs.e[k].col == mistakes[i].col &&
			    str_find(errs.e[k].text, str_of(mistakes[i].text)) >= 0);
		}
		for (size_t k = 0; k < errs.n && !found; k++)
			print_error("%u:%u: " STR_F "\n", errs.e[k].line, errs.e[k].col,
			    STR_A(errs.e[k].text));
		t_true(found);
		conf_errors_done(&errs);
	}
}

static void
test_all_at_once(void **state)
{
	struct conf_errors errs = {};

	(void)state;
	t_true(config_parse(STR("hostnam a.example\nlisten mx\ndomain x { users }\nfoo\n"), "f",
	    &errs) == NULL);
	t_true(errs.n >= 5);			/* hostname missing comes first, then by line */
	t_int(errs.e[0].line, 0);
	for (size_t i = 1; i < errs.n; i++)
		t_true(errs.e[i].line >= errs.e[i - 1].line);
	conf_errors_done(&errs);
}

static const char rich[] =
	"hostname mx.example.org\nspool spool\nrun run\nprivacy goaway nobodyreturn\n"
	"listen mx 127.0.0.1:2525 { xclient from 127.0.0.1; proxy from 10.0.0.0/8; name in }\n"
	"listen mx [::1]:2525\nlisten lmtp /run/l { mode 600 }\nlisten local sub\n"
	"greeting \"ready when you are\"\ncertificate c.pem k.pem\n"
	"exempt from 192.0.2.0/24 2001:db8::/32\nnormalise from 192.0.2.9\n"
	"domain a.example { users system; detail none; mail-user 1000:8; catch-all x@b.example }\n"
	"domain b.example { users file u; aliases file a; virtusers file v; deliver lmtp h:24 }\n"
	"relay from certificate ca ca.pem san h.example\nrelay from pop-login for 5m\n"
	"relay from local-uid any\nrelay from local-uid 5 6 sending-as a.example bob@b.example\n"
	"relay to domain .c.example d.example via [h.example]:26 recipients r\n"
	"route .e.example via lmtp:/run/x\nroute * via smart.example\n"
	"route f.example via \"error:5.7.1:550 not here; go\"\nroutes file mt\n"
	"limits { retry 1m 2m; message-size 10M; data-rate 0 }\n"
	"senders { unverified inbox; dmarc-reject never; own-strict yes; own-dkim local-keys;\n"
	"  must-sign any }\n"
	"protect bank.example office.example\narc-trust list.example\n"
	"vip \"Jane \\\"J\\\" Doe\" jane@a.example @jane.example\n"
	"forwarder f.example via net 192.0.2.0/24 for bob@b.example @a.example inbox owner bob\n"
	"forwarder g.example via dkim reason \"old school\" until 2027-02-28\n"
	"outside-sender a.example owner \"the shop\" reason newsletters until 2028-02-29\n"
	"allow-author @h.example for bob@b.example\n"
	"dns { server 127.0.0.1:5300 [::1]:53; query-localhost yes; stub t.example 127.0.0.1;\n"
	"  trust-anchor \". DS 1 2 3 ab\"; validate no }\n"
	"log { json yes; level debug; file log/p }\nroles { vault 500:600 }\n"
	"test { accepted-file acc; peer-address 198.51.100.66; auth-on-mx yes; relay-from "
	    "127.0.0.0/8 }\n";

static struct str
without_origins(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] == '#')
			while (i < b->n && b->p[i] != '\n')
				i++;
		b->p[to++] = b->p[i];
	}
	return (struct str){ b->p, to };
}

static void
test_printed_is_read(void **state)
{
	struct config *a = must_parse(rich), *b;
	struct buf ta, tb, json;
	char *text;

	(void)state;
	buf_init(&ta, 1 << 20);
	buf_init(&tb, 1 << 20);
	buf_init(&json, 1 << 20);
	config_print(a, &ta);
	text = strndup(ta.p, ta.n);
	b = must_parse(text);
	config_print(b, &tb);
	t_streq(without_origins(&tb), without_origins(&ta));
	t_str(a->spool_dir, "/etc/postern/spool");
	t_true(config_loosened(b, &json) >= 5);
	config_print_json(a, &json);
	t_true(str_find(buf_str(&json), STR("\"from\":\"default\"")) > 0);
	config_free(a);
	config_free(b);
	free(text);
	buf_done(&ta);
	buf_done(&tb);
	buf_done(&json);
}

static void
test_manual_names_everything(void **state)
{
	static const char *const some[] = { "hostname", "client-dot-timeout", "relay", "sending-as",
		"virtusers", "query-localhost", "peer-address", "Range: 64K to 4G" };
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	config_manual(&b);
	for (size_t i = 0; i < COUNT(some); i++) {
		T_CASE(some[i]);
		/* roff wants its hyphens escaped */
		t_true(b.n > 1000);
		if (strchr(some[i], '-') == NULL)
			t_true(str_find(buf_str(&b), str_of(some[i])) >= 0);
	}
	t_false(b.failed);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_printed_is_read),
		cmocka_unit_test(test_manual_names_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * vault_dkim_test: what vault signs, and what a worker that lies does not get from it.
 */
#include "base/test.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "main/vault_dkim.h"
#include "rt/clock.h"

static const char conf[] =
    "hostname mx.example.org\n"
    "listen mx 127.0.0.1:2525\n"
    "spool /tmp/spool\n"
    "domain example.org {\n"
    "    dkim k1 /keys/k1\n"
    "    dkim k2 /keys/k2 next\n"
    "    users system\n"
    "}\n"
    "domain example.net {\n"
    "    users system\n"
    "    dkim k1 /keys/k1\n"
    "}\n"
    "relay from authenticated\n";

static const char network[] =
    "relay from network 192.0.2.0/24 sending-as printer@example.org\n";
static const char local[] = "listen local /tmp/submit\nrelay from local-uid any\n";

static const char key_text[] =
    "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

struct house {
	struct config *cfg;
	struct vault_dkim *v;
	struct arena a;
};

static struct str
new_key(struct arena *a)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_mem());
	struct str pem;
	char *p = NULL;
	long n;

	t_true(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_get_mem_data(bio, &p);
	pem = str_dup(a, str_from(p, (size_t)n));
	BIO_free(bio);
	EVP_PKEY_free(key);
	return pem;
}

static struct house
open_house(const char *more)
{
	struct conf_errors errs = {};
	struct house h = {};

	arena_init(&h.a, 4 << 20);
	h.cfg = config_parse(str_cat(&h.a, str_of(conf), str_of(more)), "/etc/t.conf", &errs);
	if (errs.n > 0)
		print_error(STR_F "\n", STR_A(errs.e[0].text));
	conf_errors_done(&errs);
	t_true(h.cfg != NULL);
	h.v = vault_dkim_new(h.cfg, str_of(key_text));
	t_true(vault_dkim_add(h.v, STR("/keys/k1"), new_key(&h.a)));
	t_true(vault_dkim_add(h.v, STR("/keys/k2"), new_key(&h.a)));
	t_false(vault_dkim_add(h.v, STR("/keys/other"), new_key(&h.a)));
	return h;
}

static void
close_house(struct house *h)
{
	vault_dkim_free(h->v);
	config_free(h->cfg);
	arena_done(&h->a);
}

static struct str
token(const char *identity, int64_t age_ms, struct arena *a)
{
	struct token_keys keys;
	struct buf b;
	struct str out;

	buf_init(&b, 200);
	t_true(token_keys_parse(&keys, str_of(key_text)));
	t_true(token_mint(&keys, str_of(identity), 7, wall_ms() - age_ms, &b));
	out = str_dup(a, buf_str(&b));
	buf_done(&b);
	return out;
}

/* A block of that head, and our field with what the row changes in it. */
static struct str
block(const char *head, const char *selector, const char *canon, long long life_s,
    const char *more, struct arena *a)
{
	return str_cat(a, str_of(head), str_fmt(a, "dkim-signature:v=1; a=ed25519-sha256; c=%s; "
	    "d=example.org; s=%s; t=%lld; x=%lld;%s h=from; bh=AAAA; b=", canon, selector,
	    (long long)(wall_ms() / 1000), (long long)(wall_ms() / 1000) + life_s, more));
}

static const struct vault_asker worker = { .role = ROLE_SMTPD }, queue = { .role = ROLE_QUEUE };

static bool
signs(struct house *h, struct msg_dkim_sign m)
{
	const char *why;

	if (m.domain.n == 0)
		m.domain = STR("example.org");
	if (m.selector.n == 0)
		m.selector = STR("k1");
	why = vault_dkim_forbids(h->v, &worker, &m, &h->a);
	return why == NULL;
}

#define WEEK (7 * 86'400ll)

static struct msg_dkim_sign
of_alice(struct house *h, struct str text)
{
	return (struct msg_dkim_sign){ .identity = STR("alice@example.org"),
		.token = token("alice@example.org", 0, &h->a), .block = text };
}

static void
test_T_SIGN_02_blocks(void **state)
{
	static const struct {
		const char *name, *head, *selector, *canon;
		long long life_s;
		const char *more;
		bool good;
	} row[] = {
#define HEAD "from:Alice <alice@example.org>\r\nsubject:x\r\n"
		{ "plain", HEAD, "k1", "relaxed/relaxed", WEEK, "", true },
		{ "simple body", HEAD, "k1", "relaxed/simple", WEEK, "", true },
		{ "detail", "from:alice+x@example.org\r\n", "k1", "relaxed/relaxed", WEEK, "",
		  true },
		{ "the host's name", "from:alice@mx.example.org\r\n", "k1", "relaxed/relaxed", WEEK,
		  "", true },
		{ "below, and not his", "from:alice@b.example.org\r\n", "k1", "relaxed/relaxed",
		  WEEK, "", false },
		{ "not below", "from:alice@badexample.org\r\n", "k1", "relaxed/relaxed", WEEK, "",
		  false },
		{ "simple header", HEAD, "k1", "simple/relaxed", WEEK, "", false },
		{ "l=", HEAD, "k1", "relaxed/relaxed", WEEK, " l=0;", false },
		{ "for ever", HEAD, "k1", "relaxed/relaxed", 400 * 86'400ll, "", false },
		{ "another selector in it", HEAD, "k9", "relaxed/relaxed", WEEK, "", false },
		{ "somebody else", "from:bob@example.org\r\n", "k1", "relaxed/relaxed", WEEK, "",
		  false },
		{ "somebody else's name", "from:\"alice@example.org\" <bob@example.org>\r\n",
		  "k1", "relaxed/relaxed", WEEK, "", false },
		{ "two", HEAD "from:bob@example.org\r\n", "k1", "relaxed/relaxed", WEEK, "",
		  false },
		{ "two in one", "from:alice@example.org, bob@example.org\r\n", "k1",
		  "relaxed/relaxed", WEEK, "", false },
		{ "one in other letters", "From:bob@example.org\r\n" HEAD, "k1",
		  "relaxed/relaxed", WEEK, "", false },
		{ "one with a blank", "from :bob@example.org\r\n" HEAD, "k1", "relaxed/relaxed",
		  WEEK, "", false },
		{ "none", "subject:x\r\n", "k1", "relaxed/relaxed", WEEK, "", false },
		{ "another domain", "from:alice@example.net\r\n", "k1", "relaxed/relaxed", WEEK,
		  "", false },
		{ "folded", "from:alice@example.org\r\n bob\r\n", "k1", "relaxed/relaxed", WEEK,
		  "", false },
#undef HEAD
	};
	struct house h = open_house("");

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		T_CASE(row[i].name);
		t_int(signs(&h, of_alice(&h, block(row[i].head, row[i].selector, row[i].canon,
		    row[i].life_s, row[i].more, &h.a))), row[i].good);
	}
	close_house(&h);
}

static const char alice[] = "from:alice@example.org\r\n";

static void
test_T_SIGN_03_nothing_without_a_token(void **state)
{
	struct house h = open_house("");
	struct str text = block(alice, "k1", "relaxed/relaxed", WEEK, "", &h.a);
	struct msg_dkim_sign m = of_alice(&h, text);

	(void)state;
	t_true(signs(&h, m));
	T_CASE("no token");
	m.token = STR("");
	t_false(signs(&h, m));
	T_CASE("somebody else's token");
	m.token = token("bob@example.org", 0, &h.a);
	t_false(signs(&h, m));
	T_CASE("an old one");
	m.token = token("alice@example.org", TOKEN_LIFE_MS + 60'000, &h.a);
	t_false(signs(&h, m));
	T_CASE("a good one of somebody else");
	m.identity = STR("bob@example.org");
	m.token = token("bob@example.org", 0, &h.a);
	t_false(signs(&h, m));
	T_CASE("a key that is not active");
	m = of_alice(&h, block(alice, "k2", "relaxed/relaxed", WEEK, "", &h.a));
	m.selector = STR("k2");
	t_false(signs(&h, m));
	T_CASE("no header field at all");
	m = of_alice(&h, STR("\x16\x03\x01 a handshake"));
	t_false(signs(&h, m));
	T_CASE("no grant of the configuration replaces it");
	m = (struct msg_dkim_sign){ .identity = STR("alice@example.org"), .block = text };
	for (unsigned grant = 1; grant < 256; grant++) {
		m.grant = (uint8_t)grant;
		t_false(signs(&h, m));
	}
	close_house(&h);
}

static void
test_T_SIGN_03_static_grants(void **state)
{
	static const struct { const char *name; uint32_t uid; bool local, good; } user[] = {
		{ "alice", 1000, true, true },
		{ "root", 0, true, true },
		{ "bob", 1001, true, false },
		{ "", 1000, true, false },
		{ "alice", 1000, false, false },
	};
	struct house h = open_house(network);
	struct msg_dkim_sign m = { .grant = 1 + GRANT_NETWORK };

	(void)state;
	T_CASE("the network's sender");
	m.block = block("from:printer@example.org\r\n", "k1", "relaxed/relaxed", WEEK, "", &h.a);
	t_true(signs(&h, m));
	T_CASE("not by another kind");
	m.grant = 1 + GRANT_LOCAL_UID;
	t_false(signs(&h, m));
	T_CASE("another sender");
	m.grant = 1 + GRANT_NETWORK;
	m.block = block(alice, "k1", "relaxed/relaxed", WEEK, "", &h.a);
	t_false(signs(&h, m));
	close_house(&h);
	h = open_house(local);
	m = (struct msg_dkim_sign){ .grant = 1 + GRANT_LOCAL_UID,
		.domain = STR("example.org"), .selector = STR("k1"),
		.block = block(alice, "k1", "relaxed/relaxed", WEEK, "", &h.a) };
	for (size_t i = 0; i < COUNT(user); i++) {
		T_CASE(user[i].name);
		t_int(vault_dkim_forbids(h.v, &(struct vault_asker){ ROLE_SMTPD, user[i].local,
		    user[i].uid, str_of(user[i].name) }, &m, &h.a) == NULL, user[i].good);
	}
	close_house(&h);
}

static void
test_T_SIGN_03_queue_is_postmaster(void **state)
{
	static const struct { const char *from; bool good; } row[] = {
		{ "from:postmaster@mx.example.org\r\n", true },
		{ "from:\"Mail\" <postmaster@example.org>\r\n", true },
		{ "from:postmaster@b.example.org\r\n", false },
		{ "from:alice@example.org\r\n", false },
		{ "from:postmaster@example.net\r\n", false },
	};
	struct house h = open_house("");

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct msg_dkim_sign m = { .domain = STR("example.org"), .selector = STR("k1"),
			.block = block(row[i].from, "k1", "relaxed/relaxed", WEEK, "", &h.a) };

		T_CASE(row[i].from);
		t_int(vault_dkim_forbids(h.v, &queue, &m, &h.a) == NULL, row[i].good);
		t_true(vault_dkim_forbids(h.v, &worker, &m, &h.a) != NULL);
	}
	close_house(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_T_SIGN_02_blocks),
		cmocka_unit_test(test_T_SIGN_03_nothing_without_a_token),
		cmocka_unit_test(test_T_SIGN_03_static_grants),
		cmocka_unit_test(test_T_SIGN_03_queue_is_postmaster),
	};

	clock_refresh();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

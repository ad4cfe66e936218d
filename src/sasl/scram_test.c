/* SPDX-License-Identifier: ISC */
/*
 * scram_test: the examples of RFC 5802 5 and RFC 7677 3, word for word, and what must be refused.
 */
#include "base/test.h"

#include "sasl/scheme.h"
#include "sasl/scram.h"

static const struct vector {
	bool sha1;
	const char *salt, *first, *nonce, *challenge, *final, *server;
} vectors[] = {
	{ true, "\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76",
	  "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j",
	  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ false, "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81",
	  "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void
test_A19_rfc_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct vector *t = &vectors[i];
		struct verifier v = { .iterations = 4096, .salt = str_of(t->salt) };
		struct scram s = { .sha1 = t->sha1 };
		struct arena a;
		struct buf out;
		bool down;

		arena_init(&a, 16384);
		buf_init(&out, 4096);
		assert_true(scram_derive(t->sha1, STR("pencil"), &a, &v));
		assert_true(scram_check(t->sha1, STR("pencil"), &v));
		assert_false(scram_check(t->sha1, STR("pencil "), &v));
		assert_true(scram_first(&s, str_of(t->first), &a, &down));
		assert_true(scram_challenge(&s, &v, str_of(t->nonce), &a, &out));
		assert_true(str_eq(buf_str(&out), str_of(t->challenge)));
		buf_reset(&out);
		assert_int_equal(scram_final(&s, &v, str_of(t->final), &a, &out), SCRAM_RIGHT);
		assert_true(str_eq(buf_str(&out), str_of(t->server)));
		buf_done(&out);
		arena_done(&a);
	}
}

static void
test_A4_downgrades(void **state)
{
	static const struct { const char *in; bool plus, offered, good, down; } cases[] = {
		{ "n,,n=u,r=abc", false, true, true, false },
		{ "y,,n=u,r=abc", false, false, true, false },
		{ "y,,n=u,r=abc", false, true, false, true },
		{ "n,,n=u,r=abc", true, true, false, false },
		{ "p=tls-exporter,,n=u,r=abc", true, true, true, false },
		{ "p=tls-unique,,n=u,r=abc", true, true, false, false },
		{ "p=tls-exporter,,n=u,r=abc", false, true, false, false },
		{ "n,,m=x,n=u,r=abc", false, true, false, false },
		{ "n,,n=,r=abc", false, true, false, false },
		{ "n,,n=u=2,r=abc", false, true, false, false },
		{ "n,,n=u,r=", false, true, false, false },
		{ "n,b=x,n=u,r=abc", false, true, false, false },
		{ "", false, true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scram s = {
			.plus = cases[i].plus, .plus_offered = cases[i].offered,
			.binding = { STR("12345678") },
		};
		struct arena a;
		bool down;

		arena_init(&a, 16384);
		assert_int_equal(scram_first(&s, str_of(cases[i].in), &a, &down), cases[i].good);
		assert_int_equal(down, cases[i].down);
		arena_done(&a);
	}
}

/* The RFC's and libraries' own examples; an empty entry is nobody's password. */
static void
test_A59_schemes(void **state)
{
	static const struct { const char *stored, *password; enum cred want; } cases[] = {
		{ "{PLAIN}secret", "secret", CRED_OK }, { "{PLAIN}secret", "Secret", CRED_FAILED },
		{ "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password", CRED_OK },
		{ "{SHA256}5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
		  "password", CRED_OK },
		{ "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!",
		  CRED_OK },
		{ "{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
		  "Hello world", CRED_FAILED },
		{ "{PLAIN}", "x", CRED_IMPOSSIBLE }, { "{PLAIN}", "", CRED_IMPOSSIBLE },
		{ "{NTLM}abc", "abc", CRED_IMPOSSIBLE }, { "", "", CRED_IMPOSSIBLE },
		{ "*", "*", CRED_IMPOSSIBLE }, { "!", "!", CRED_IMPOSSIBLE },
		{ "{SCRAM-SHA-256}1,AA==,AA==,AA==", "x", CRED_IMPOSSIBLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct str scheme, hash;

		scheme_split(str_of(cases[i].stored), &scheme, &hash);
		if (scheme_check(scheme, hash, STR(""), str_of(cases[i].password)) !=
		    cases[i].want)
			fail_msg("case %zu: %s", i, cases[i].stored);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A19_rfc_vectors), cmocka_unit_test(test_A4_downgrades),
		cmocka_unit_test(test_A59_schemes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * keys_test: what needs no connection: shapes of what is signed, names in slash form, the check of
 * certificates.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>

#include "base/test.h"
#include "rt/log.h"
#include "tls/check.h"
#include "tls/keyring.h"
#include "tls/provider.h"
#include "tls/shape.h"
#include "tls/tls_made.h"

static struct keyring *ring;

static const char profile[] =
	"hostname mx.example.test\n"
	"listen mx 127.0.0.1:2525\n"
	"domain example.test {\n    users file /users\n    deliver discard\n}\n";

static struct config *
configure(const char *certs)
{
	struct conf_errors errs = {};
	struct config *cfg;
	struct buf b;

	buf_init(&b, 8192);
	(void)buf_put(&b, str_of(profile));
	(void)buf_put(&b, str_of(certs));
	cfg = config_parse(buf_str(&b), "/test.conf", &errs);
	conf_errors_done(&errs);
	buf_done(&b);
	t_true(cfg != NULL);
	return cfg;
}

/* vault signs what TLS servers sign, and nothing else. */
static void
test_F9_shapes(void **state)
{
	unsigned char t13[64 + 34 + 32], t12[64 + 4 + 65], sig[TLS_SIGNATURE_MAX];
	struct tls_sign ask = { .kind = TLS_SIGN_ECDSA, .hash = 256 };
	struct str pin;
	size_t n;

	(void)state;
	memset(t13, ' ', 64);
	memcpy(t13 + 64, "TLS 1.3, server CertificateVerify", 34);
	memset(t13 + 98, 7, 32);
	memset(t12, 9, sizeof t12);
	t12[64] = 3, t12[65] = 0, t12[66] = 23, t12[67] = 65;
	t_true(tls_spki_hash(made_ec.pkey, ask.key));
	pin = str_from(ask.key, 32);

	T_CASE("TLS 1.3");
	ask.tbs = str_from(t13, sizeof t13);
	t_int(tls_shape_of(ask.tbs), SHAPE_TLS13);
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_SIGNED);
	T_CASE("TLS 1.2");
	ask.tbs = str_from(t12, sizeof t12);
	t_int(tls_shape_of(ask.tbs), SHAPE_TLS12);
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_SIGNED);
	T_CASE("client's context");
	memcpy(t13 + 64 + 9, "client", 6);
	ask.tbs = str_from(t13, sizeof t13);
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_REFUSED);
	T_CASE("wrong point length");
	t12[67] = 64;
	ask.tbs = str_from(t12, sizeof t12);
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_REFUSED);
	T_CASE("a message");
	ask.tbs = STR("from: alice@example.test\r\n");
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_REFUSED);
	T_CASE("SHA-1");
	t12[67] = 65;
	ask.tbs = str_from(t12, sizeof t12);
	ask.hash = 160;
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_REFUSED);
	T_CASE("wrong kind for the key");
	ask.hash = 256;
	ask.kind = TLS_SIGN_PKCS1;
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_REFUSED);
	T_CASE("TLS 1.3 never takes PKCS#1");
	memcpy(t13 + 64 + 9, "server", 6);
	ask.tbs = str_from(t13, sizeof t13);
	t_true(tls_spki_hash(made_rsa.pkey, ask.key));
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_REFUSED);
	ask.kind = TLS_SIGN_PSS;
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_SIGNED);
	T_CASE("unknown key");
	memset(ask.key, 1, 32);
	t_int(keyring_sign(ring, &ask, sig, &n), KEYRING_UNKNOWN);
	t_int(pin.n, 32);
}

/* Names in slash form: there and back, and no spoofing by a value with "/CN=" in it. */
static void
test_A65_dn(void **state)
{
	static const char issuer[] = "/C=US/ST=California/O=endmail.org/OU=private/"
	    "CN=Darth+20Mail+20+28Cert+29/Email=darth+2Bcert@endmail.org";
	static const struct { const char *text, *why; } bad[] = {
		{ "", "empty" }, { "CN=x", "no slash" }, { "/CN", "no value" },
		{ "/CN=a+2", "short escape" }, { "/CN=a+zz", "no hex" }, { "/=x", "no type" },
	};
	struct dn dn, spoof, other;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1000);
	t_true(dn_parse(str_of(issuer), &a, &dn));
	t_int(dn.n, 6);
	t_str(dn_get(&dn, STR("CN")), "Darth Mail (Cert)");
	t_str(dn_get(&dn, STR("emailAddress")), "darth+cert@endmail.org");
	t_true(dn_format(&b, &dn));
	t_str(buf_str(&b), issuer);
	spoof = (struct dn){ .part = (struct dn_part[]){
	    { STR("O"), STR("evil/CN=DeathStar") } }, .n = 1 };
	t_true(dn_parse(STR("/O=evil/CN=DeathStar"), &a, &other));
	t_int(other.n, 2);
	t_false(dn_eq(&spoof, &other));
	buf_reset(&b);
	t_true(dn_format(&b, &spoof));
	t_str(buf_str(&b), "/O=evil+2FCN=DeathStar");
	t_true(dn_parse(buf_str(&b), &a, &other) && dn_eq(&spoof, &other));
	t_true(dn_parse(STR("/O=a/b"), &a, &other));
	t_str(other.part[0].value, "a/b");
	for (size_t i = 0; i < COUNT(bad); i++) {
		T_CASE(bad[i].why);
		t_false(dn_parse(str_of(bad[i].text), &a, &other));
	}
	T_CASE("all octets");
	for (unsigned c = 0; c < 256; c++) {
		char one = (char)c;

		buf_reset(&b);
		(void)buf_puts(&b, "/CN=");
		t_true(dn_value_encode(&b, str_from(&one, 1)));
		t_true(dn_parse(buf_str(&b), &a, &other));
		t_int((unsigned char)other.part[0].value.p[0], c);
	}
	buf_done(&b);
	arena_done(&a);
}

/* ---- check ---- */

struct finding_test {
	const char *name, *certs;
	const struct made *cert, *key;
	const struct made *above;
	const char *host;
	enum tls_level want;
	const char *says;
};

static const struct finding_test *now_testing;
static char heard[4000];

static bool
checked_source(void *ctx, const char *name, struct buf *out)
{
	const struct finding_test *f = now_testing;

	(void)ctx;
	if (str_starts(str_of(name), STR("chain:")))
		return buf_put(out, f->cert->cert) && (!f->above || buf_put(out, f->above->cert));
	return f->key && buf_put(out, f->key->key);
}

static void
hear(void *ctx, const struct tls_finding *f)
{
	size_t n = strlen(heard);

	(void)ctx;
	(void)snprintf(heard + n, sizeof heard - n, "%s " STR_F ": " STR_F "\n",
	    tls_level_name(f->level), STR_A(f->path), STR_A(f->text));
}

static void
test_A62_check(void **state)
{
	static const char one[] = "certificate /c.pem /c.key\n";
	static struct made old, soon;
	struct made broken = { .cert = STR("-----BEGIN CERTIFICATE-----\nMIIB\n"),
	    .key = made_ec.key };
	struct finding_test cases[] = {
		{ "good", one, &made_ec, &made_ec, NULL, NULL, TLS_NOTE, "" },
		{ "good with chain", one, &made_rsa, &made_rsa, &made_ca, NULL, TLS_NOTE, "" },
		{ "key of another", one, &made_ec, &made_rsa, NULL, NULL, TLS_BAD,
		  "does not belong" },
		{ "no key", one, &made_ec, NULL, NULL, NULL, TLS_BAD, "cannot be read" },
		{ "no certificate", one, &broken, &made_ec, NULL, NULL, TLS_BAD,
		  "no whole certificate" },
		{ "order", one, &made_ec, &made_ec, &made_other_ca, NULL, TLS_BAD, "out of order" },
		{ "expired", one, &old, &old, NULL, NULL, TLS_EXPIRED, "expired 1 days ago" },
		{ "soon", one, &soon, &soon, NULL, NULL, TLS_WARN, "expires in" },
		{ "other name", one, &made_second, &made_second, NULL, NULL, TLS_UNNAMED,
		  "no certificate is for the hostname mx.example.test" },
	};

	old = made_cert("EC", "mx.example.test", &made_ca, -1);
	soon = made_cert("EC", "mx.example.test", &made_ca, 3);
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config *cfg = configure(cases[i].certs);
		struct tls_checker c = { .say = hear, .source = { .read = checked_source },
		    .now_s = time(NULL) };
		enum tls_level worst;

		T_CASE(cases[i].name);
		now_testing = &cases[i];
		heard[0] = '\0';
		worst = tls_check(cfg, &c);
		if (worst != cases[i].want || !strstr(heard, cases[i].says))
			print_error("%s", heard);
		t_int(worst, cases[i].want);
		t_true(strstr(heard, cases[i].says) != NULL);
		config_free(cfg);
	}
}

static void
test_tls_show(void **state)
{
	struct tls_shown s;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	t_true(tls_show(made_ec.cert, time(NULL), &a, &s));
	t_str(s.subject, "/O=endmail.org/CN=mx.example.test");
	t_str(s.issuer, "/O=endmail.org/CN=Test+20CA");
	t_str(s.key, "EC 256");
	t_int(s.nname, 1);
	t_str(s.name[0], "mx.example.test");
	t_true(s.days_left == 89 || s.days_left == 90);
	t_false(tls_show(STR("nothing"), 0, &a, &s));
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_F9_shapes),
		cmocka_unit_test(test_A65_dn),
		cmocka_unit_test(test_A62_check),
		cmocka_unit_test(test_tls_show),
	};
	int failed;

	if (!tls_init() || !tls_provider_load())
		return 1;
	log_sink(-1);
	made_all();
	ring = keyring_new();
	if (!keyring_add(ring, made_ec.key) || !keyring_add(ring, made_rsa.key))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keyring_free(ring);
	return failed;
}

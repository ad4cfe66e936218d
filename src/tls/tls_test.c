/* SPDX-License-Identifier: ISC */
/*
 * tls_test: handshakes of our server side with an OpenSSL client in one loop, over a socketpair;
 * keys behind the provider; shapes; words; names; tickets.
 */
#include "tls/server.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "rt/co.h"
#include "rt/conn.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "tls/keyring.h"
#include "tls/provider.h"
#include "tls/tls_made.h"

static bool
source(void *ctx, const char *name, struct buf *out)
{
	static const struct { const char *name; const struct made *m; bool key; } files[] = {
		{ "chain:/rsa.pem", &made_rsa, false }, { "chain:/ec.pem", &made_ec, false },
		{ "chain:/second.pem", &made_second, false }, { "ca:/ca.pem", &made_ca, false },
		{ "secret:/rsa.key", &made_rsa, true }, { "secret:/ec.key", &made_ec,
		  true },
		{ "secret:/second.key", &made_second, true },
	};

	(void)ctx;
	for (size_t i = 0; i < COUNT(files); i++)
		if (str_eq(str_of(name), str_of(files[i].name)))
			return buf_put(out, files[i].key ? files[i].m->key : files[i].m->cert);
	return false;
}

static const char profile[] =
	"hostname mx.example.test\n"
	"listen mx 127.0.0.1:2525\n"
	"listen submission 127.0.0.1:4650 {\n"
	"    client-certificates request\n"
	"    client-ca /ca.pem\n"
	"}\n"
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
	for (size_t i = 0; i < errs.n; i++)
		print_error("config: " STR_F "\n", STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	buf_done(&b);
	t_true(cfg != NULL);
	return cfg;
}

/* ---- a signer without IPC that suspends as the real one does ---- */

static struct keyring *ring;
static size_t signatures;
static bool vault_away;

static bool
sign(void *ctx, const struct tls_sign *ask, int64_t deadline_ms, unsigned char *sig, size_t *n)
{
	(void)ctx, (void)deadline_ms;
	(void)co_sleep(1);
	signatures++;
	return !vault_away && keyring_sign(ring, ask, sig, n) == KEYRING_SIGNED;
}

static void
setup_keys(void)
{
	ring = keyring_new();
	t_true(keyring_add(ring, made_rsa.key));
	t_true(keyring_add(ring, made_ec.key));
	t_true(keyring_add(ring, made_second.key));
	tls_provider_signer(&(struct tls_signer){ .sign = sign });
}

/* ---- one connection ---- */

struct talk {
	struct tls_server *srv;
	size_t listener;
	/* the client */
	int version;
	const char *sigalgs, *ciphers, *sni;
	const struct made *cert;
	SSL_SESSION *session;		/* to resume; replaced by the new one */
	struct str alpn;
	bool half;			/* the client says close_notify, then one byte more */
	/* what came of it */
	struct tls_outcome out;
	struct tls_facts facts;		/* without peer */
	bool have_peer, client_ok, bindings;
	char pin[TLS_PIN_TEXT + 1], subject[200], shown[100], read[100];
	enum io second_read, write_after;
	int fd[2];
};

static int
on_session(SSL *ssl, SSL_SESSION *s)
{
	struct talk *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = s;
	return 1;
}

static SSL *
client_new(struct talk *t, SSL_CTX *ctx)
{
	SSL *ssl;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	if (t->cert) {
		SSL_CTX_use_certificate(ctx, t->cert->x);
		SSL_CTX_use_PrivateKey(ctx, t->cert->pkey);
	}
	if (t->sigalgs)
		SSL_CTX_set1_sigalgs_list(ctx, t->sigalgs);
	if (t->ciphers)
		SSL_CTX_set_cipher_list(ctx, t->ciphers);
	if (t->version) {
		SSL_CTX_set_min_proto_version(ctx, t->version);
		SSL_CTX_set_max_proto_version(ctx, t->version);
	}
	ssl = SSL_new(ctx);
	SSL_set_app_data(ssl, t);
	SSL_set_fd(ssl, t->fd[1]);
	SSL_set_connect_state(ssl);
	if (t->sni)
		SSL_set_tlsext_host_name(ssl, t->sni);
	if (t->session)
		SSL_set_session(ssl, t->session);
	if (t->alpn.n > 0)
		SSL_set_alpn_protos(ssl, (const unsigned char *)t->alpn.p, (unsigned)t->alpn.n);
	return ssl;
}

/* One step of OpenSSL over the non-blocking socket. */
static bool
again(struct talk *t, SSL *ssl, int r)
{
	int e = SSL_get_error(ssl, r);

	ERR_clear_error();
	return (e == SSL_ERROR_WANT_READ &&
	    fd_wait(t->fd[1], FD_READ, deadline_in(5000)) == WAKE_OK) ||
	    (e == SSL_ERROR_WANT_WRITE &&
	    fd_wait(t->fd[1], FD_WRITE, deadline_in(5000)) == WAKE_OK);
}

static void
note_server_cert(struct talk *t, SSL *ssl)
{
	X509 *x = SSL_get0_peer_certificate(ssl);

	if (x)
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, t->shown,
		    sizeof t->shown);
}

static void
client_run(void *arg)
{
	struct talk *t = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = client_new(t, ctx);
	char buf[64];
	int r;

	ERR_clear_error();
	while ((r = SSL_connect(ssl)) != 1 && again(t, ssl, r))
		;
	t->client_ok = r == 1;
	note_server_cert(t, ssl);
	if (r == 1) {
		(void)SSL_write(ssl, "hello", 5);
		if (t->half) {
			(void)SSL_shutdown(ssl);
			(void)!write(t->fd[1], "x", 1);
		}
		while ((r = SSL_read(ssl, buf, sizeof buf)) <= 0 && again(t, ssl, r))
			;
		if (!t->half)
			(void)SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	fd_forget(t->fd[1]);
	close(t->fd[1]);
	ERR_clear_error();
}

static void
note_facts(struct talk *t, struct stream *st)
{
	const struct tls_facts *f = tls_stream_facts(st);
	unsigned char bind[64];
	size_t n;

	t->facts = *f;
	t->facts.peer = NULL;
	t->have_peer = f->peer != NULL;
	if (f->peer) {
		memcpy(t->pin, f->peer->pin, TLS_PIN_TEXT);
		(void)snprintf(t->subject, sizeof t->subject, STR_F, STR_A(f->peer->subject_text));
	}
	t->bindings = tls_exporter_binding(st, bind) && tls_end_point_binding(st, bind, &n);
}

static void
server_run(void *arg)
{
	struct talk *t = arg;
	struct conn *c = conn_new(t->fd[0]);
	struct stream *st = tls_server_stream(t->srv, t->listener, conn_stream(c),
	    (struct str){});
	struct str bytes;

	conn_set_stream(c, st);
	conn_deadline(c, deadline_in(5000));
	t->out = tls_handshake(st, tls_server_asks(t->srv, t->listener), deadline_in(5000));
	if (t->out.io == IO_OK) {
		note_facts(t, st);
		if (conn_block(c, &bytes) == IO_OK) {
			(void)snprintf(t->read, sizeof t->read, STR_F, STR_A(bytes));
			conn_consume(c, bytes.n);
		}
		if (!t->half && conn_write(c, STR("welcome")) != IO_OK)
			t->read[0] = '!';
		t->second_read = conn_block(c, &bytes);
		t->write_after = conn_write(c, STR("more"));
	} else {
		t->second_read = conn_block(c, &bytes);
		t->write_after = conn_write(c, STR("clear text"));
	}
	conn_close(c);
}

static void
talk_run(struct talk *t)
{
	t_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, t->fd), 0);
	t_true(co_spawn("server", server_run, t) != NULL);
	t_true(co_spawn("client", client_run, t) != NULL);
	t_true(loop_run_until(deadline_in(20'000)));
}

static struct tls_server *
server_for(struct config *cfg)
{
	struct tls_source src = { .read = source };
	struct tls_server *srv;
	struct buf why;

	buf_init(&why, 1000);
	srv = tls_server_new(cfg, &src, &why);
	if (!srv)
		print_error("tls_server_new: " STR_F "\n", STR_A(buf_str(&why)));
	t_true(srv != NULL);
	buf_done(&why);
	return srv;
}

static const char both[] = "certificate /rsa.pem /rsa.key\ncertificate /ec.pem /ec.key\n"
	"certificate /second.pem /second.key\n";

/* ---- tests ---- */

/* RSA and ECDSA, TLS 1.2 and 1.3, SNI: the private key is only in the keyring. */
static void
test_A62_remote_keys_sni(void **state)
{
	static const struct {
		const char *name;
		int version;
		const char *sigalgs, *ciphers, *sni, *shown;
		size_t signs;
	} cases[] = {
		{ "ec 1.3", TLS1_3_VERSION, NULL, NULL, NULL, "mx.example.test", 1 },
		{ "rsa 1.3", TLS1_3_VERSION, "RSA-PSS+SHA256:RSA+SHA256", NULL, NULL,
		  "mx.example.test", 1 },
		{ "rsa sha512 1.3", TLS1_3_VERSION, "RSA-PSS+SHA512:RSA+SHA256", NULL, NULL,
		  "mx.example.test", 1 },
		{ "ec 1.2", TLS1_2_VERSION, NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL,
		  "mx.example.test", 1 },
		{ "rsa pss 1.2", TLS1_2_VERSION, "RSA-PSS+SHA256:RSA+SHA256",
		  "ECDHE-RSA-AES256-GCM-SHA384", NULL, "mx.example.test", 1 },
		{ "rsa pkcs1 1.2", TLS1_2_VERSION, "RSA+SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
		  NULL,
		  "mx.example.test", 1 },
		{ "sni", TLS1_3_VERSION, NULL, NULL, "second.example.test",
		  "second.example.test", 1 },
		{ "sni unknown", TLS1_3_VERSION, NULL, NULL, "nobody.example",
		  "mx.example.test", 1 },
		{ "sni 1.2", TLS1_2_VERSION, NULL, NULL, "second.example.test",
		  "second.example.test", 1 },
	};
	struct config *cfg = configure(both);
	struct tls_server *srv = server_for(cfg);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct talk t = { .srv = srv, .version = cases[i].version,
		    .sigalgs = cases[i].sigalgs, .ciphers = cases[i].ciphers, .sni = cases[i].sni };

		T_CASE(cases[i].name);
		signatures = 0;
		talk_run(&t);
		t_str(t.out.why, "");
		t_int(t.out.io, IO_OK);
		t_true(t.client_ok);
		t_str(str_of(t.shown), cases[i].shown);
		t_str(str_of(t.read), "hello");
		t_int(signatures, cases[i].signs);
		t_str(t.facts.version, cases[i].version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
		t_true(t.facts.bits >= 128);
		t_int(t.facts.verify, TV_NOT);
		t_true(t.bindings);
		SSL_SESSION_free(t.session);
	}
	tls_server_free(srv);
	config_free(cfg);
}

/* What clients' certificates are worth, in sendmail's words. */
static void
test_A63_verify_words(void **state)
{
	static const struct made *const nobody = NULL;
	struct { const char *name; const struct made *cert; size_t listener; enum tls_verify want; }
	cases[] = {
		{ "NOT", &made_client, 0, TV_NOT }, { "NO", nobody, 1, TV_NO },
		{ "OK", &made_client, 1, TV_OK }, { "FAIL", &made_stranger, 1, TV_FAIL },
	};
	struct config *cfg = configure(both);
	struct tls_server *srv = server_for(cfg);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			struct talk t = { .srv = srv, .listener = cases[i].listener,
			    .cert = cases[i].cert, .version = version };
			enum tls_verify back;

			T_CASE(cases[i].name);
			talk_run(&t);
			t_int(t.out.io, IO_OK);
			t_int(t.facts.verify, cases[i].want);
			t_str(tls_verify_name(t.facts.verify), cases[i].name);
			t_true(tls_verify_parse(str_of(cases[i].name), &back) &&
			    back == cases[i].want);
			t_int(t.have_peer, cases[i].listener == 1 && cases[i].cert);
			if (cases[i].want == TV_OK)
				t_str(str_of(t.subject), "/O=endmail.org/CN=client.example.test");
			SSL_SESSION_free(t.session);
		}
	tls_server_free(srv);
	config_free(cfg);
}

static void
test_A63_verify_of(void **state)
{
	(void)state;
	t_int(tls_verify_of(false, true, X509_V_OK), TV_NOT);
	t_int(tls_verify_of(true, false, X509_V_OK), TV_NO);
	t_int(tls_verify_of(true, true, X509_V_OK), TV_OK);
	t_int(tls_verify_of(true, true, X509_V_ERR_CERT_HAS_EXPIRED), TV_FAIL);
	t_int(tls_verify_of(true, true, X509_V_ERR_OUT_OF_MEM), TV_TEMP);
	for (unsigned v = 0; v < TV_COUNT; v++) {
		enum tls_verify back;

		t_true(tls_verify_parse(tls_verify_name((enum tls_verify)v), &back));
		t_int(back, v);
	}
	t_str(tls_verify_name(TV_NONE), "NONE");
	t_str(tls_verify_name(TV_PROTOCOL), "PROTOCOL");
	t_str(tls_verify_name(TV_SOFTWARE), "SOFTWARE");
}

/* A vault that is away is TEMP, a client without common ground SOFTWARE; nothing goes out in
 * clear. */
static void
test_A63_temp_and_software(void **state)
{
	struct config *cfg = configure(both);
	struct tls_server *srv = server_for(cfg);
	struct talk away = { .srv = srv }, old = { .srv = srv, .version = TLS1_2_VERSION,
	    .ciphers = "AES128-SHA" };

	(void)state;
	T_CASE("TEMP");
	vault_away = true;
	talk_run(&away);
	vault_away = false;
	t_int(away.out.verify, TV_TEMP);
	t_int(away.out.io != IO_OK, 1);
	t_int(away.write_after, IO_BROKEN);
	T_CASE("SOFTWARE");
	talk_run(&old);
	t_int(old.out.verify, TV_SOFTWARE);
	t_true(old.out.why.n > 0);
	t_int(old.write_after, IO_BROKEN);
	t_int(old.second_read, IO_BROKEN);
	tls_server_free(srv);
	config_free(cfg);
}

/* close_notify and then a byte: the end of input, and no way to write. */
static void
test_P5_TLS_EOF(void **state)
{
	struct config *cfg = configure(both);
	struct tls_server *srv = server_for(cfg);
	struct talk t = { .srv = srv, .half = true };

	(void)state;
	talk_run(&t);
	t_int(t.out.io, IO_OK);
	t_str(str_of(t.read), "hello");
	t_int(t.second_read, IO_EOF);
	t_int(t.write_after, IO_BROKEN);
	SSL_SESSION_free(t.session);
	tls_server_free(srv);
	config_free(cfg);
}

/* A ticket is good on its own listener, at any worker with the keys, and on no other. */
static void
test_P8_ticket(void **state)
{
	struct config *cfg = configure(both);
	struct tls_server *one = server_for(cfg), *two = server_for(cfg);
	struct ticket_pair mx, submission;

	(void)state;
	keyring_tickets(ring, STR("mx"), 5000, &mx);
	keyring_tickets(ring, STR("submission"), 5000, &submission);
	t_true(memcmp(&mx.now, &submission.now, sizeof mx.now) != 0);
	t_true(memcmp(&mx.now, &mx.before, sizeof mx.now) != 0);
	tls_server_tickets(one, 0, &mx);
	tls_server_tickets(two, 0, &mx);
	tls_server_tickets(two, 1, &submission);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t = { .srv = one, .version = version };

		T_CASE("first");
		talk_run(&t);
		t_true(t.session != NULL);
		t_false(t.facts.resumed);
		T_CASE("the other worker");
		t.srv = two;
		signatures = 0;
		talk_run(&t);
		t_true(t.facts.resumed);
		t_int(signatures, 0);
		T_CASE("the other listener");
		t.listener = 1;
		talk_run(&t);
		t_int(t.out.io, IO_OK);
		t_false(t.facts.resumed);
		SSL_SESSION_free(t.session);
	}
	T_CASE("no keys, no tickets");
	{
		struct talk t = { .srv = one, .listener = 1, .version = TLS1_3_VERSION };

		talk_run(&t);
		t_int(t.out.io, IO_OK);
		t_true(t.session == NULL);
	}
	tls_server_free(one);
	tls_server_free(two);
	config_free(cfg);
}

/* The hour before is still taken, the one before that is not. */
static void
test_P8_ticket_rotation(void **state)
{
	struct ticket_pair a, b, c;

	(void)state;
	keyring_tickets(ring, STR("mx"), 1000, &a);
	keyring_tickets(ring, STR("mx"), 1000 + TICKET_HOUR_MS, &b);
	keyring_tickets(ring, STR("mx"), 1000 + 2 * (int64_t)TICKET_HOUR_MS, &c);
	t_true(memcmp(&b.before, &a.now, sizeof a.now) == 0);
	t_true(memcmp(&c.before, &b.now, sizeof a.now) == 0);
	t_true(memcmp(&c.before, &a.now, sizeof a.now) != 0);
	t_int(a.left_ms, TICKET_HOUR_MS - 1000);
}

static void
test_P8_alpn(void **state)
{
	static const struct { const char *name; struct str list; enum tls_alpn want; } cases[] = {
		{ "none", STR_INIT(""), ALPN_IGNORED },
		{ "smtp", STR_INIT("\4smtp"), ALPN_SMTP },
		{ "http", STR_INIT("\10http/1.1"), ALPN_FOREIGN },
		{ "h2, http", STR_INIT("\2h2\10http/1.1"), ALPN_FOREIGN },
		{ "h2, smtp", STR_INIT("\2h2\4smtp"), ALPN_SMTP },
		{ "unknown", STR_INIT("\3foo"), ALPN_IGNORED },
		{ "unknown and http", STR_INIT("\3foo\10http/1.1"), ALPN_IGNORED },
		{ "broken", STR_INIT("\40h2"), ALPN_IGNORED },
	};
	struct config *cfg = configure(both);
	struct tls_server *srv = server_for(cfg);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].name);
		t_int(tls_alpn_judge(cases[i].list), cases[i].want);
	}
	struct talk http = { .srv = srv, .alpn = STR("\2h2\10http/1.1") };
	struct talk smtp = { .srv = srv, .alpn = STR("\4smtp") };

	T_CASE("handshake h2");
	talk_run(&http);
	t_false(http.client_ok);
	t_int(http.out.verify, TV_SOFTWARE);
	T_CASE("handshake smtp");
	talk_run(&smtp);
	t_true(smtp.client_ok);
	SSL_SESSION_free(smtp.session);
	tls_server_free(srv);
	config_free(cfg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A62_remote_keys_sni),
		cmocka_unit_test(test_A63_verify_words),
		cmocka_unit_test(test_A63_verify_of),
		cmocka_unit_test(test_A63_temp_and_software),
		cmocka_unit_test(test_P5_TLS_EOF),
		cmocka_unit_test(test_P8_ticket),
		cmocka_unit_test(test_P8_ticket_rotation),
		cmocka_unit_test(test_P8_alpn),
	};
	int failed;

	if (!tls_init() || !tls_provider_load())
		return 1;
	log_sink(-1);
	loop_init();
	made_all();
	setup_keys();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keyring_free(ring);
	loop_done();
	return failed;
}

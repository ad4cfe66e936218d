/* SPDX-License-Identifier: ISC */
/*
 * tls_test: handshakes between our server side and an OpenSSL client in one loop, over a socketpair;
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
#include "tls/check.h"
#include "tls/keyring.h"
#include "tls/pem.h"
#include "tls/provider.h"
#include "tls/shape.h"

/* ---- certificates made for the test ---- */

struct made { struct str cert, key; EVP_PKEY *pkey; X509 *x; };

static struct str
pem_text(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	char *copy = malloc((size_t)n);

	memcpy(copy, p, (size_t)n);
	BIO_free(b);
	return str_from(copy, (size_t)n);
}

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

/* by NULL: self-signed, an authority. */
static struct made
make_cert(const char *type, const char *cn, const struct made *by, long days)
{
	static long serial = 1;
	struct made m = { .x = X509_new() };
	X509_NAME *name;
	char san[200];
	BIO *b;

	m.pkey = strcmp(type, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509_set_version(m.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m.x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(m.x), -86400L * 30);
	X509_gmtime_adj(X509_getm_notAfter(m.x), 86400L * days);
	X509_set_pubkey(m.x, m.pkey);
	name = X509_get_subject_name(m.x);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const unsigned char *)"endmail.org", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(m.x, by ? X509_get_subject_name(by->x) : name);
	add_ext(m.x, by ? by->x : m.x, NID_basic_constraints, by ? "CA:FALSE" : "critical,CA:TRUE");
	if (by) {
		(void)snprintf(san, sizeof san, "DNS:%s,email:postmaster@%s", cn, cn);
		add_ext(m.x, by->x, NID_subject_alt_name, san);
	}
	X509_sign(m.x, by ? by->pkey : m.pkey, EVP_sha256());
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(b, m.x);
	m.cert = pem_text(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(b, m.pkey, NULL, NULL, 0, NULL, NULL);
	m.key = pem_text(b);
	return m;
}

static struct made ca, other_ca, rsa, ec, second, client, stranger;

static void
make_all(void)
{
	ca = make_cert("EC", "Test CA", NULL, 100);
	other_ca = make_cert("EC", "Other CA", NULL, 100);
	rsa = make_cert("RSA", "mx.example.test", &ca, 90);
	ec = make_cert("EC", "mx.example.test", &ca, 90);
	second = make_cert("EC", "second.example.test", &ca, 90);
	client = make_cert("EC", "client.example.test", &ca, 90);
	stranger = make_cert("EC", "stranger.example.test", &other_ca, 90);
}

static bool
source(void *ctx, const char *name, struct buf *out)
{
	static const struct { const char *name; const struct made *m; bool key; } files[] = {
		{ "chain:/rsa.pem", &rsa, false }, { "chain:/ec.pem", &ec, false },
		{ "chain:/second.pem", &second, false }, { "ca:/ca.pem", &ca, false },
		{ "secret:/rsa.key", &rsa, true }, { "secret:/ec.key", &ec, true },
		{ "secret:/second.key", &second, true },
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
	t_true(keyring_add(ring, rsa.key));
	t_true(keyring_add(ring, ec.key));
	t_true(keyring_add(ring, second.key));
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
		{ "rsa pkcs1 1.2", TLS1_2_VERSION, "RSA+SHA256", "ECDHE-RSA-AES128-GCM-SHA256", NULL,
		  "mx.example.test", 1 },
		{ "sni", TLS1_3_VERSION, NULL, NULL, "second.example.test", "second.example.test", 1 },
		{ "sni unknown", TLS1_3_VERSION, NULL, NULL, "nobody.example", "mx.example.test", 1 },
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
		{ "NOT", &client, 0, TV_NOT }, { "NO", nobody, 1, TV_NO },
		{ "OK", &client, 1, TV_OK }, { "FAIL", &stranger, 1, TV_FAIL },
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
	t_true(tls_spki_hash(ec.pkey, ask.key));
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
	t_true(tls_spki_hash(rsa.pkey, ask.key));
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
	struct made old = make_cert("EC", "mx.example.test", &ca, -1);
	struct made soon = make_cert("EC", "mx.example.test", &ca, 3);
	struct made broken = { .cert = STR("-----BEGIN CERTIFICATE-----\nMIIB\n"), .key = ec.key };
	struct finding_test cases[] = {
		{ "good", one, &ec, &ec, NULL, NULL, TLS_NOTE, "" },
		{ "good with chain", one, &rsa, &rsa, &ca, NULL, TLS_NOTE, "" },
		{ "key of another", one, &ec, &rsa, NULL, NULL, TLS_BAD, "does not belong" },
		{ "no key", one, &ec, NULL, NULL, NULL, TLS_BAD, "cannot be read" },
		{ "no certificate", one, &broken, &ec, NULL, NULL, TLS_BAD, "no whole certificate" },
		{ "order", one, &ec, &ec, &other_ca, NULL, TLS_BAD, "out of order" },
		{ "expired", one, &old, &old, NULL, NULL, TLS_STALE, "expired 1 days ago" },
		{ "soon", one, &soon, &soon, NULL, NULL, TLS_WARN, "expires in" },
		{ "other name", one, &second, &second, NULL, NULL, TLS_STALE,
		  "no certificate is for the hostname mx.example.test" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config *cfg = configure(cases[i].certs);
		struct tls_checker c = { .say = hear, .source = { .read = checked_source },
		    .now_s = time(NULL) };
		enum tls_level worst;

		/* The listener's client-ca is not this test's affair. */
		cfg->listener[1].client_ca = (struct str){};
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
	t_true(tls_show(ec.cert, time(NULL), &a, &s));
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
		cmocka_unit_test(test_A62_remote_keys_sni),
		cmocka_unit_test(test_A63_verify_words),
		cmocka_unit_test(test_A63_verify_of),
		cmocka_unit_test(test_A63_temp_and_software),
		cmocka_unit_test(test_P5_TLS_EOF),
		cmocka_unit_test(test_P8_ticket),
		cmocka_unit_test(test_P8_ticket_rotation),
		cmocka_unit_test(test_P8_alpn),
		cmocka_unit_test(test_F9_shapes),
		cmocka_unit_test(test_A65_dn),
		cmocka_unit_test(test_A62_check),
		cmocka_unit_test(test_tls_show),
	};
	int failed;

	if (!tls_init() || !tls_provider_load())
		return 1;
	log_sink(-1);
	loop_init();
	make_all();
	setup_keys();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keyring_free(ring);
	loop_done();
	return failed;
}

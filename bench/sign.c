/* SPDX-License-Identifier: ISC */
/*
 * sign: what a DKIM signature costs, vault included, beside what `openssl speed` signs.
 *
 *	bench-sign [SECONDS]
 *
 * One process on one core has both ends: workers that hash a message of 4 KB and ask, over a socket
 * pair and in the words of msg.def, and a vault that judges token, author and block, and signs.
 * Rates are per second of the process's own CPU time, so that a busy machine does not count.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/num.h"
#include "main/vault_dkim.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/loop.h"
#include "trust/bodyhash.h"
#include "trust/dkim_sign.h"

enum { WORKERS = 32, MESSAGE = 4000, CALL_MS = 60'000 };

static const char conf[] =
    "hostname mx.example.org\nlisten mx 127.0.0.1:2525\nspool /tmp/spool\n"
    "domain example.org {\n    users system\n    dkim rsa /rsa\n    dkim ed /ed\n}\n"
    "relay from authenticated\n";
static const char key_text[] =
    "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
static const char head[] =
    "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: a message of 4 KB\r\n"
    "Date: Tue, 10 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@mx.example.org>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";

static double seconds = 2.0, until;
static struct ipc *to_vault;
static struct buf token, mail;
static uint64_t made;
static unsigned left;
static bool ed25519;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench-sign: %s\n", what);
	exit(1);
}

static double
cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static EVP_PKEY *
add_key(struct vault_dkim *v, const char *path, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	must(key && bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1,
	    "key");
	n = BIO_get_mem_data(bio, &p);
	must(vault_dkim_add(v, str_of(path), str_from(p, (size_t)n)), "key");
	BIO_free(bio);
	return key;
}

/* ---- the worker's side ---- */

static bool
ask(void *ctx, struct str block, struct buf *signature)
{
	struct msg_dkim_sign m = { .domain = STR("example.org"),
		.selector = ed25519 ? STR("ed") : STR("rsa"), .identity = STR("alice@example.org"),
		.token = buf_str(&token), .block = block };
	struct msg_dkim_signed answer = {};

	return ipc_call(to_vault, MSG_dkim_sign, &m, MSG_dkim_signed, &answer, ctx,
	    now_ms() + CALL_MS) == IO_OK && answer.ok && buf_put(signature, answer.signature);
}

static void
sign_one(void)
{
	struct dkim_signer s = { .domain = STR("example.org"),
		.selector = ed25519 ? STR("ed") : STR("rsa"), .ed25519 = ed25519,
		.identity = STR("alice@example.org"), .relaxed_header = true,
		.relaxed_body = true, .now_s = wall_ms() / 1000,
		.expires_s = wall_ms() / 1000 + 86'400, .sign = ask };
	struct body_hashes b = {};
	struct arena a;
	struct header h;
	struct buf field;
	uint64_t len;
	int number;

	arena_init(&a, 4 << 20);
	buf_init(&field, 64 << 10);
	s.ctx = &a;
	must(header_parse(buf_str(&mail), &a, 0, &h), "header");
	number = body_hash_want(&b, (struct body_wish){ .relaxed = true });
	body_hash_feed(&b, str_skip(buf_str(&mail), h.body_at));
	body_hash_end(&b);
	must(dkim_sign(&s, &h, body_hash_get(&b, number, &len), &a, &field), "not signed");
	body_hashes_done(&b);
	buf_done(&field);
	arena_done(&a);
	made++;
}

static void
work(void *arg)
{
	(void)arg;
	while (cpu() < until)
		sign_one();
	if (--left == 0)
		loop_stop();
}

/* ---- vault's ---- */

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call, const union msg *m, int fd)
{
	(void)fd;
	must(vault_dkim_msg(ipc_arg(ch), ch, type, call, m), "question");
}

static void
on_answer(struct ipc *ch, enum msg_type type, uint64_t call, const union msg *m, int fd)
{
	(void)ch, (void)type, (void)call, (void)m, (void)fd;
}

/* ---- both ---- */

static double
rate_whole(void)
{
	double begin = cpu();

	until = begin + seconds;
	made = 0;
	for (left = 0; left < WORKERS; left++)
		must(co_spawn("sign", work, NULL) != NULL, "co");
	loop_hold();
	loop_run();
	return (double)made / (cpu() - begin);
}

/* Signs per second, as openssl speed says. */
static double
rate_openssl(const char *name, const char *line)
{
	char text[512], command[128];
	double rate = 0;
	FILE *f;

	(void)snprintf(command, sizeof command, "openssl speed -seconds %d %s 2>/dev/null",
	    (int)MAX(seconds, 1.0), name);
	f = popen(command, "re");
	must(f != NULL, "openssl");
	while (fgets(text, sizeof text, f)) {
		char *at = strstr(text, line);
		char *end = at ? at + strlen(line) : NULL;

		/* "0.000352s 0.000019s 2844.0 52705.0": the third is signatures a second. */
		for (int i = 0; end && i < 3; i++) {
			rate = strtod(end, &end);
			end += *end == 's';
		}
	}
	(void)pclose(f);
	return rate;
}

static void
report(const char *what, double ours, double theirs)
{
	(void)printf("%-10s %8.0f signatures/s per core, vault included; "
	    "openssl speed %8.0f: %3.0f %%  (%.1f us beyond it)\n", what, ours, theirs,
	    100 * ours / theirs, 1e6 / ours - 1e6 / theirs);
}

int
main(int argc, char **argv)
{
	static const struct ipc_ops vault_ops = { .on_msg = on_msg }, ops = { .on_msg = on_answer };
	struct conf_errors errs = {};
	struct config *cfg = config_parse(str_of(conf), "/etc/bench.conf", &errs);
	struct token_keys keys;
	struct vault_dkim *v;
	int pair[2];

	if (argc > 1)
		seconds = atof(argv[1]);
	must(cfg != NULL && seconds > 0, "configuration");
	loop_init();
	v = vault_dkim_new(cfg, str_of(key_text));
	EVP_PKEY_free(add_key(v, "/rsa", EVP_RSA_gen(2048)));
	EVP_PKEY_free(add_key(v, "/ed", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")));
	buf_init(&token, 256);
	buf_init(&mail, 8192);
	must(token_keys_parse(&keys, str_of(key_text)) && token_mint(&keys,
	    STR("alice@example.org"), 1, wall_ms(), &token), "token");
	(void)buf_put(&mail, str_of(head));
	while (mail.n < MESSAGE)
		(void)buf_puts(&mail, "A line of text of the usual length, as people write.\r\n");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0,
	    "pair");
	must(ipc_new_between(pair[0], ROLE_VAULT, "smtpd 0", &vault_ops, v) != NULL, "channel");
	to_vault = ipc_new_between(pair[1], ROLE_SMTPD, "vault 0", &ops, NULL);
	must(to_vault != NULL, "channel");
	report("RSA-2048", rate_whole(), rate_openssl("rsa2048", "rsa 2048 bits"));
	ed25519 = true;
	report("Ed25519", rate_whole(), rate_openssl("ed25519", "(Ed25519)"));
	return 0;
}

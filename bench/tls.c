/* SPDX-License-Identifier: ISC */
/*
 * tls: clients that say STARTTLS, and a null server that answers them: what TLS costs.
 *
 *	bench-tls load --port P [--clients N] [--messages M]
 *		[--login plain|scram] [--user U --pass W]
 *	bench-tls null --port P --chain FILE --key FILE [--seconds N]
 *
 * load: N threads, each one message (or one login) a connection, every handshake a full one; prints
 * one JSON line.  null: parses the first letter of a command, writes nothing, keeps its key in the
 * process: the ceiling of any server with that TLS on this machine.  Loopback only.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096, BODY = 4096 };

static struct {
	const char *login, *user, *pass, *chain, *key;
	unsigned port, clients, seconds;
	long messages;
} opt = { .clients = 64, .messages = 2000, .seconds = 120, .user = "alice", .pass = "secret" };

static SSL_CTX *ctx;
static atomic_long started, done, failed;
static char body[BODY + 128];
static size_t body_n;

/* One connection, in clear or inside TLS. */
struct wire {
	int fd;
	SSL *ssl;
	char in[LINE];
	size_t n;
};

static double
now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
wire_put(struct wire *w, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = w->ssl ? SSL_write(w->ssl, p, (int)n) : send(w->fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool
wire_say(struct wire *w, const char *text)
{
	return wire_put(w, text, strlen(text));
}

/* The next line without its CR LF, NUL behind; NULL: the other side ended. */
static char *
wire_line(struct wire *w, char line[LINE])
{
	for (;;) {
		char *end = memchr(w->in, '\n', w->n);
		ssize_t k;

		if (end) {
			size_t len = (size_t)(end - w->in) + 1;

			memcpy(line, w->in, len);
			line[len >= 2 && line[len - 2] == '\r' ? len - 2 : len - 1] = '\0';
			w->n -= len;
			memmove(w->in, w->in + len, w->n);
			return line;
		}
		if (w->n == sizeof w->in)
			return NULL;
		k = w->ssl ? SSL_read(w->ssl, w->in + w->n, (int)(sizeof w->in - w->n)) :
		    recv(w->fd, w->in + w->n, sizeof w->in - w->n, 0);
		if (k <= 0)
			return NULL;
		w->n += (size_t)k;
	}
}

/* A whole reply begins with that digit; the last line is in line. */
static bool
expect(struct wire *w, char digit, char line[LINE])
{
	do {
		if (!wire_line(w, line))
			return false;
	} while (strlen(line) > 3 && line[3] == '-');
	return line[0] == digit;
}

static bool
command(struct wire *w, const char *text, char digit)
{
	char line[LINE];

	return wire_say(w, text) && expect(w, digit, line);
}

/* ---- AUTH ---- */

static bool
put_b64(char *to, size_t cap, const char *head, const void *p, size_t n)
{
	size_t at = strlen(head);

	if (at + (n + 2) / 3 * 4 + 3 > cap)
		return false;
	memcpy(to, head, at);
	at += (size_t)EVP_EncodeBlock((unsigned char *)to + at, p, (int)n);
	memcpy(to + at, "\r\n", 3);
	return true;
}

static bool
login_plain(struct wire *w)
{
	char plain[512], line[1024];
	int n = snprintf(plain, sizeof plain, "%c%s%c%s", 0, opt.user, 0, opt.pass);

	return put_b64(line, sizeof line, "AUTH PLAIN ", plain, (size_t)n) && command(w, line, '2');
}

static void
mac(const unsigned char key[32], const char *text, size_t n, unsigned char out[32])
{
	(void)HMAC(EVP_sha256(), key, 32, (const unsigned char *)text, n, out, NULL);
}

/* Derived once for all clients: what is measured is the server. */
static void
salted(const char *salt_b64, int iterations, unsigned char out[32])
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char of[256];
	static unsigned char known[32];
	unsigned char salt[192];

	(void)pthread_mutex_lock(&lock);
	if (strcmp(of, salt_b64) != 0 && strlen(salt_b64) < sizeof of) {
		int n = EVP_DecodeBlock(salt, (const unsigned char *)salt_b64,
		    (int)strlen(salt_b64));

		for (size_t i = strlen(salt_b64); i > 0 && salt_b64[i - 1] == '='; i--)
			n--;
		(void)PKCS5_PBKDF2_HMAC(opt.pass, (int)strlen(opt.pass), salt, n, iterations,
		    EVP_sha256(), 32, known);
		(void)snprintf(of, sizeof of, "%s", salt_b64);
	}
	memcpy(out, known, 32);
	(void)pthread_mutex_unlock(&lock);
}

static bool
proof(const char *challenge, const char *bare, char out[LINE])
{
	const char *s = strstr(challenge, ",s="), *i = s ? strstr(s, ",i=") : NULL;
	char r[256], salt[192], text[LINE], final[LINE], b64[64];
	unsigned char key[32], client[32], stored[32], sig[32], p[32];
	int n;

	if (!i || s - challenge - 2 >= (ssize_t)sizeof r || i - s - 3 >= (ssize_t)sizeof salt)
		return false;
	(void)snprintf(r, sizeof r, "%.*s", (int)(s - challenge - 2), challenge + 2);
	(void)snprintf(salt, sizeof salt, "%.*s", (int)(i - s - 3), s + 3);
	salted(salt, (int)strtol(i + 3, NULL, 10), key);
	mac(key, "Client Key", 10, client);
	(void)EVP_Digest(client, 32, stored, NULL, EVP_sha256(), NULL);
	n = snprintf(text, sizeof text, "%s,%s,c=biws,r=%s", bare, challenge, r);
	mac(stored, text, (size_t)n, sig);
	for (int k = 0; k < 32; k++)
		p[k] = client[k] ^ sig[k];
	(void)EVP_EncodeBlock((unsigned char *)b64, p, 32);
	n = snprintf(final, sizeof final, "c=biws,r=%s,p=%s", r, b64);
	return put_b64(out, LINE, "", final, (size_t)n);
}

/* RFC 5802 3 */
static bool
login_scram(struct wire *w)
{
	char bare[256], first[300], line[LINE], challenge[LINE];
	int n;

	(void)snprintf(bare, sizeof bare, "n=%s,r=%08x%08x", opt.user, (unsigned)random(),
	    (unsigned)random());
	n = snprintf(first, sizeof first, "n,,%s", bare);
	if (!put_b64(line, sizeof line, "AUTH SCRAM-SHA-256 ", first, (size_t)n) ||
	    !wire_say(w, line) || !expect(w, '3', line))
		return false;
	n = EVP_DecodeBlock((unsigned char *)challenge, (unsigned char *)line + 4,
	    (int)strlen(line + 4));
	if (n <= 0)
		return false;
	for (size_t i = strlen(line); i > 0 && line[i - 1] == '='; i--)
		n--;
	challenge[n] = '\0';
	return proof(challenge, bare, line) && command(w, line, '3') && command(w, "\r\n", '2');
}

/* ---- load ---- */

static bool
message(struct wire *w)
{
	char line[LINE];

	return command(w, "MAIL FROM:<load@client.example>\r\n", '2') &&
	    command(w, "RCPT TO:<sink@example.test>\r\n", '2') && command(w, "DATA\r\n", '3') &&
	    wire_put(w, body, body_n) && expect(w, '2', line);
}

static bool
visit(struct wire *w)
{
	char line[LINE];

	if (!expect(w, '2', line) || !command(w, "EHLO client.example\r\n", '2') ||
	    !command(w, "STARTTLS\r\n", '2'))
		return false;
	w->ssl = SSL_new(ctx);
	if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1 || SSL_connect(w->ssl) != 1 ||
	    !command(w, "EHLO client.example\r\n", '2'))
		return false;
	if (!opt.login ? !message(w) :
	    strcmp(opt.login, "scram") == 0 ? !login_scram(w) : !login_plain(w))
		return false;
	return command(w, "QUIT\r\n", '2');
}

static void *
client(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	(void)arg;
	while (atomic_fetch_add(&started, 1) < opt.messages) {
		struct wire w = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
		bool good;

		(void)setsockopt(w.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		good = connect(w.fd, (struct sockaddr *)&to, sizeof to) == 0 && visit(&w);
		(void)atomic_fetch_add(good ? &done : &failed, 1);
		SSL_free(w.ssl);
		(void)close(w.fd);
		ERR_clear_error();
	}
	return NULL;
}

static int
load(void)
{
	pthread_t *t = calloc(opt.clients, sizeof *t);
	double begun = now_s(), took;

	while (body_n + 74 < BODY) {
		const char *line = body_n == 0 ? "Subject: load\r\n\r\n" :
		    "the quick brown fox jumps over the lazy dog and then does it once more\r\n";

		memcpy(body + body_n, line, strlen(line));
		body_n += strlen(line);
	}
	memcpy(body + body_n, ".\r\n", 3);
	body_n += 3;
	ctx = SSL_CTX_new(TLS_client_method());
	if (!t || !ctx)
		return 2;
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	for (unsigned i = 0; i < opt.clients; i++)
		if (pthread_create(&t[i], NULL, client, NULL) != 0)
			return 2;
	for (unsigned i = 0; i < opt.clients; i++)
		(void)pthread_join(t[i], NULL);
	took = now_s() - begun;
	(void)printf("{\"messages\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"rate\":%.1f}\n",
	    atomic_load(&done), atomic_load(&failed), took, (double)atomic_load(&done) / took);
	return atomic_load(&failed) == 0 ? 0 : 1;
}

/* ---- null ---- */

static bool
answer(struct wire *w, char line[LINE], bool *secured)
{
	switch (line[0] | 0x20) {
	case 'e':
		return wire_say(w, w->ssl ? "250 null\r\n" : "250-null\r\n250 STARTTLS\r\n");
	case 's':
		*secured = true;
		return wire_say(w, "220 go\r\n");
	case 'd':
		if (!wire_say(w, "354 go\r\n"))
			return false;
		do {
			if (!wire_line(w, line))
				return false;
		} while (strcmp(line, ".") != 0);
		return wire_say(w, "250 ok\r\n");
	default:
		return wire_say(w, line[0] == 'Q' ? "221 bye\r\n" : "250 ok\r\n");
	}
}

static void
serve(struct wire *w)
{
	char line[LINE];
	bool secured = false;

	if (!wire_say(w, "220 null\r\n"))
		return;
	while (wire_line(w, line) && answer(w, line, &secured) && line[0] != 'Q') {
		if (!secured || w->ssl)
			continue;
		w->ssl = SSL_new(ctx);
		if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1 || SSL_accept(w->ssl) != 1)
			return;
	}
}

static void *
server(void *arg)
{
	int listener = *(int *)arg, one = 1;

	for (;;) {
		struct wire w = { .fd = accept(listener, NULL, NULL) };

		if (w.fd == -1)
			return NULL;
		(void)setsockopt(w.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		serve(&w);
		SSL_free(w.ssl);
		(void)close(w.fd);
		ERR_clear_error();
	}
}

static int
null(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static int fd;
	int one = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ctx = SSL_CTX_new(TLS_server_method());
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (!ctx || !opt.chain || !opt.key ||
	    SSL_CTX_use_certificate_chain_file(ctx, opt.chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, opt.key, SSL_FILETYPE_PEM) != 1 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) == -1 || listen(fd, 512) == -1) {
		(void)fprintf(stderr, "bench-tls null: cannot listen with that certificate\n");
		return 2;
	}
	for (unsigned i = 0; i < opt.clients; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, server, &fd) != 0)
			return 2;
	}
	(void)sleep(opt.seconds);
	return 0;
}

int
main(int argc, char **argv)
{
	(void)signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i + 1 < argc; i += 2) {
		const char *o = argv[i], *v = argv[i + 1];

		if (strcmp(o, "--port") == 0)
			opt.port = (unsigned)strtoul(v, NULL, 10);
		else if (strcmp(o, "--clients") == 0)
			opt.clients = (unsigned)strtoul(v, NULL, 10);
		else if (strcmp(o, "--messages") == 0)
			opt.messages = strtol(v, NULL, 10);
		else if (strcmp(o, "--seconds") == 0)
			opt.seconds = (unsigned)strtoul(v, NULL, 10);
		else if (strcmp(o, "--login") == 0)
			opt.login = v;
		else if (strcmp(o, "--user") == 0)
			opt.user = v;
		else if (strcmp(o, "--pass") == 0)
			opt.pass = v;
		else if (strcmp(o, "--chain") == 0)
			opt.chain = v;
		else if (strcmp(o, "--key") == 0)
			opt.key = v;
		else
			argc = 0;
	}
	if (argc > 3 && strcmp(argv[1], "load") == 0)
		return load();
	if (argc > 3 && strcmp(argv[1], "null") == 0)
		return null();
	(void)fprintf(stderr, "usage: bench-tls load|null --port P ...\n");
	return 64;
}

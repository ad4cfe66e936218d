/* SPDX-License-Identifier: ISC */
/*
 * vault: the role that holds private keys: reads them at start from descriptors that keeper opened,
 * keeps them in locked memory, and answers whether it is well.
 *
 * 1. It opens no file and has no network: a new secret comes with a new generation of the process.
 * 2. A secret never leaves the process, not in a log, a core or an answer; it is wiped at the end.
 *
 * Keys of certificates live in a keyring that signs what TLS servers sign; those of tokens and of
 * rewritten senders in the modules that use them.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "conf/config.h"
#include "ipc/role.h"
#include "main/bodies.h"
#include "main/vault_dkim.h"
#include "main/vault_srs.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "sasl/vault_int.h"
#include "tls/keyring.h"
#include "tls/remote.h"

enum { SECRET_MAX = 65536, KEY_HEAP = 4 << 20, KEY_HEAP_BLOCK = 64 };

struct held {
	const char *name;		/* of the role file: "secret:/path" */
	size_t n;
	struct held *next;
	char bytes[SECRET_MAX];
};

struct vault {
	struct held *held;
	uint32_t nheld;
	struct keyring *keys;
	struct auth_vault *auth;
	struct vault_srs srs;
	struct vault_dkim *dkim;
};

static struct held *
read_secret(const struct role_file *f)
{
	struct held *h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n = 1;

	if (h == MAP_FAILED)
		abort();
	(void)mlock(h, sizeof(*h));		/* best effort: the limit may be small */
	(void)madvise(h, sizeof(*h), MADV_DONTDUMP);
	h->name = f->name;
	while (n > 0 && h->n < SECRET_MAX) {
		n = pread(f->fd, h->bytes + h->n, SECRET_MAX - h->n, (off_t)h->n);
		if (n > 0)
			h->n += (size_t)n;
	}
	return h;
}

static void
forget(struct held *h)
{
	explicit_bzero(h, sizeof(*h));
	munmap(h, sizeof(*h));
}

static bool
is_certificate_key(const struct config *cfg, const char *name)
{
	struct str path = str_skip(str_of(name), sizeof("secret:") - 1);

	for (size_t i = 0; i < cfg->ncert; i++)
		if (str_eq(cfg->cert[i].key, path))
			return true;
	return false;
}

static bool
is_dkim_key(const struct config *cfg, struct str path)
{
	for (size_t i = 0; i < cfg->ndomain; i++)
		for (size_t j = 0; j < cfg->domain[i].ndkim; j++)
			if (str_eq(cfg->domain[i].dkim[j].file, path))
				return true;
	return false;
}

/* The text is not needed any more once the key is in the ring. */
static void
take_key(struct vault *v, struct held *h)
{
	if (!keyring_add(v->keys, str_from(h->bytes, h->n))) {
		log_begin(LOG_ERROR, "key_unusable");
		log_s("file", str_of(h->name));
		log_end();
	}
	forget(h);
}

static void
gather(struct vault *v, struct role_env *env)
{
	for (struct role_file *f = env->file; f; f = f->next) {
		struct held *h;

		if (!str_starts(str_of(f->name), STR("secret:")))
			continue;
		h = read_secret(f);
		close(f->fd);
		f->fd = -1;
		v->nheld++;
		if (is_certificate_key(env->cfg, h->name)) {
			take_key(v, h);
			continue;
		}
		h->next = v->held;
		v->held = h;
	}
	log_begin(LOG_INFO, "vault_ready");
	log_u("secrets", v->nheld);
	log_u("tls_keys", keyring_count(v->keys));
	log_end();
}

static struct str
held(const struct vault *v, struct str name)
{
	for (const struct held *h = v->held; h; h = h->next)
		if (str_eq(str_of(h->name), name))
			return str_from(h->bytes, h->n);
	return (struct str){};
}

static void
auth_open(struct vault *v, struct role_env *env)
{
	struct arena a;
	struct str jwks;

	arena_init(&a, 8192);
	jwks = held(v, str_cat(&a, STR("secret:"), env->cfg->auth.oauth.keys_file));
	v->auth = auth_vault_new(env->cfg, held(v, STR("secret:token-keys")), jwks);
	vault_srs_open(&v->srs, held(v, STR("secret:token-keys")));
	arena_done(&a);
}

/* suspends */
static struct str
uid_name(void *ctx, uint32_t uid, struct arena *a)
{
	struct vault *v = ctx;
	struct ipc *ch = auth_lookup_channel(v->auth);
	struct msg_uid_answer answer = {};

	return ch && ipc_call(ch, MSG_uid_ask, &(struct msg_uid_ask){ .uid = uid },
	    MSG_uid_answer, &answer, a, deadline_in(LOOKUP_MS)) == IO_OK ? answer.name :
	    (struct str){};
}

static void
on_image(void *ctx, int fd, uint64_t generation)
{
	vault_dkim_tables(ctx, fd, generation);
}

/* What else keeper gave us are keys of DKIM; those that are none stay held for the others. */
static void
dkim_open(struct vault *v, const struct config *cfg)
{
	v->dkim = vault_dkim_new(cfg, held(v, STR("secret:token-keys")));
	for (const struct held *h = v->held; h; h = h->next) {
		struct str path = str_skip(str_of(h->name), sizeof("secret:") - 1);

		if (!is_dkim_key(cfg, path) ||
		    vault_dkim_add(v->dkim, path, str_from(h->bytes, h->n)))
			continue;
		log_begin(LOG_ERROR, "key_unusable");
		log_s("file", path);
		log_end();
	}
	auth_vault_images(v->auth, on_image, v->dkim);
	vault_dkim_names(v->dkim, uid_name, v);
}

static void
wipe(struct vault *v)
{
	while (v->held) {
		struct held *h = v->held;

		v->held = h->next;
		forget(h);
	}
	keyring_free(v->keys);
	explicit_bzero(&v->srs, sizeof v->srs);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct vault *v = ipc_arg(ch);

	if (type == MSG_dkim_local)
		vault_dkim_local(v->dkim, ch, fd);
	if (fd != -1)
		close(fd);
	if (type == MSG_vault_ping)
		ipc_reply(ch, call_id, MSG_vault_pong, &(struct msg_vault_pong){
		    .cookie = m->vault_ping.cookie, .nsecrets = v->nheld });
	else if (!tls_remote_answer(v->keys, ch, call_id, type, m) &&
	    !vault_srs_msg(&v->srs, ch, type, call_id, m) &&
	    !vault_dkim_msg(v->dkim, ch, type, call_id, m))
		(void)auth_vault_msg(v->auth, ch, type, call_id, m);
}

static void
on_close(struct ipc *ch)
{
	struct vault *v = ipc_arg(ch);

	auth_vault_gone(v->auth, ch);
	ipc_close(ch);
}

static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	struct vault *v = env->arg;

	if (peer->role == ROLE_LOOKUP)
		auth_vault_lookup(v->auth, fd, peer->name);
	else
		(void)ipc_new(fd, peer->name, &ops, v);
}

/* Before the sandbox: a heap for keys that is locked, wiped and in no core. */
bool
vault_role_setup(struct role_env *env)
{
	(void)env;
	return tls_init() && CRYPTO_secure_malloc_init(KEY_HEAP, KEY_HEAP_BLOCK) != 0;
}

void
vault_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer };
	struct vault v = {};

	v.keys = keyring_new();
	gather(&v, env);
	auth_open(&v, env);
	dkim_open(&v, env->cfg);
	role_attach(env, &hooks, &v);
	role_wait_drain(env);
	auth_vault_free(v.auth);
	vault_dkim_free(v.dkim);
	wipe(&v);
}

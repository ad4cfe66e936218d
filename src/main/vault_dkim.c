/* SPDX-License-Identifier: ISC */
/*
 * vault_dkim: see vault_dkim.h.
 */
#include "main/vault_dkim.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/num.h"
#include "mail/addr.h"
#include "policy/binding.h"
#include "policy/grants.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "table/tables.h"
#include "trust/dkim_sign.h"
#include "trust/tags.h"

enum { KEYS_MAX = 128, BLOCK_MEMORY = 1 << 20, RAW_ED25519 = 32 };
enum { LIFE_MAX_S = 8 * 86'400, SHOWN_MAX = 64 };

struct key {
	const struct domain *domain;
	const struct dkim_key *conf;
	EVP_PKEY *pkey;
	struct buf public;		/* SubjectPublicKeyInfo, or 32 octets */
};

/* Whose socket a worker showed last; good for one question. */
struct shown {
	uint64_t channel;
	uint32_t uid;
	bool fresh;
};

struct vault_dkim {
	const struct config *cfg;
	struct policy *policy;
	struct tables tables;
	struct token_keys tokens;
	struct key key[KEYS_MAX];
	size_t n;
	struct shown shown[SHOWN_MAX];
	size_t next_shown;
	struct str (*name)(void *ctx, uint32_t uid, struct arena *a);
	void *ctx;
};

struct vault_dkim *
vault_dkim_new(const struct config *cfg, struct str token_keys)
{
	struct vault_dkim *v = calloc(1, sizeof *v);

	if (!v)
		abort();
	v->cfg = cfg;
	v->policy = policy_new(cfg);
	if (!v->policy)
		abort();
	policy_tables(v->policy, &v->tables);
	(void)token_keys_parse(&v->tokens, token_keys);
	return v;
}

void
vault_dkim_free(struct vault_dkim *v)
{
	for (size_t i = 0; i < v->n; i++) {
		EVP_PKEY_free(v->key[i].pkey);
		buf_done(&v->key[i].public);
	}
	policy_free(v->policy);
	tables_done(&v->tables);
	OPENSSL_cleanse(&v->tokens, sizeof v->tokens);
	free(v);
}

void
vault_dkim_tables(struct vault_dkim *v, int fd, uint64_t generation)
{
	(void)tables_take(&v->tables, fd, generation);
}

/* ---- keys ---- */

static EVP_PKEY *
read_pem(struct str pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
	int kind = key ? EVP_PKEY_get_base_id(key) : 0;

	BIO_free(in);
	if (key && kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static void
public_half(struct key *k)
{
	unsigned char raw[RAW_ED25519], *der = NULL;
	size_t n = sizeof raw;
	int len;

	buf_init(&k->public, 4096);
	if (EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_ED25519) {
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) == 1)
			(void)buf_put(&k->public, str_from(raw, n));
		return;
	}
	len = i2d_PUBKEY(k->pkey, &der);
	if (len > 0)
		(void)buf_put(&k->public, str_from(der, (size_t)len));
	OPENSSL_free(der);
}

bool
vault_dkim_add(struct vault_dkim *v, struct str path, struct str pem)
{
	bool known = false;

	for (size_t i = 0; i < v->cfg->ndomain; i++) {
		const struct domain *d = &v->cfg->domain[i];

		for (size_t j = 0; j < d->ndkim && v->n < KEYS_MAX; j++) {
			struct key *k = &v->key[v->n];

			if (!str_eq(d->dkim[j].file, path))
				continue;
			*k = (struct key){ .domain = d, .conf = &d->dkim[j],
				.pkey = read_pem(pem) };
			if (!k->pkey)
				return false;
			public_half(k);
			v->n++;
			known = true;
		}
	}
	return known;
}

static const struct key *
find_key(const struct vault_dkim *v, struct str domain, struct str selector)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_ieq(v->key[i].domain->name, domain) &&
		    str_ieq(v->key[i].conf->selector, selector))
			return &v->key[i];
	return NULL;
}

/* ---- what is asked to be signed ---- */

/* The one mailbox of the block's only From line.  Names are in small letters, as relaxed
 * canonicalization has them: nothing else is looked at, so nothing else may be there. */
static bool
block_author(struct str block, struct arena *a, struct str *local, struct str *domain)
{
	struct addr_list from;
	struct str rest = block, value = {};
	size_t n = 0;

	while (rest.n > 0) {
		struct str line = str_split(&rest, '\n');
		ssize_t colon = str_chr(line, ':');

		if (colon <= 0)
			return false;
		for (ssize_t i = 0; i < colon; i++)
			if (line.p[i] <= ' ' || ascii_lower(line.p[i]) != line.p[i])
				return false;
		if (!str_starts(line, STR("from:")))
			continue;
		value = str_skip(line, 5);
		n++;
	}
	if (n != 1 || !addr_list_parse(value, a, &from) || from.n != 1)
		return false;
	*local = from.addr[0].local;
	*domain = from.addr[0].domain;
	return true;
}

/* It ends, and soon: what we sign cannot be sent again for ever. */
static bool
expires_soon(const struct tags *t)
{
	const struct tag *x = tags_find(t, "x");
	int64_t at;

	return x && num_parse_i64(x->value, &at) && at - wall_ms() / 1000 <= LIFE_MAX_S;
}

/* Its last line is our own field, for that key. */
static bool
block_field(struct str block, const struct key *k, struct arena *a)
{
	static const struct str name = STR_INIT("dkim-signature:");
	ssize_t nl = str_rchr(block, '\n');
	struct str line = str_skip(block, (size_t)(nl + 1));
	const struct tag *c, *d, *s;
	struct tags t;

	if (!str_starts(line, name) || !tags_parse(str_skip(line, name.n), a, &t))
		return false;
	c = tags_find(&t, "c");
	d = tags_find(&t, "d");
	s = tags_find(&t, "s");
	return c && d && s && !tags_find(&t, "l") && str_starts(c->value, STR("relaxed/")) &&
	    expires_soon(&t) && str_ieq(d->value, k->domain->name) &&
	    str_ieq(s->value, k->conf->selector);
}

/* A line of the configuration of that kind lets somebody write so, or hands the question to the
 * access map. */
static bool
line_covers(const struct vault_dkim *v, enum grant_kind kind, struct str local, struct str domain)
{
	const struct config *cfg = v->cfg;

	for (size_t i = 0; i < cfg->ngrant; i++) {
		struct grant_hit hit = { .yes = true, .kind = kind, .line_of = &cfg->grant[i] };

		if (cfg->grant[i].kind == kind && binding_narrow(v->policy, &hit, local, domain))
			return true;
	}
	return cfg->access_file.n > 0 && kind != GRANT_POP;
}

/* What stands for a token where there is none.  A login always has one. */
static bool
static_grant(const struct vault_dkim *v, const struct msg_dkim_sign *m, struct str local,
    struct str domain)
{
	enum grant_kind kind = (enum grant_kind)(m->grant - 1);

	switch (kind) {
	case GRANT_NETWORK:
	case GRANT_HOSTNAME:
	case GRANT_CERTIFICATE:
		return line_covers(v, kind, local, domain);
	case GRANT_POP:
		return line_covers(v, kind, local, domain) &&
		    binding_user_covers(v->policy, m->identity, local, domain) == FIND_YES;
	case GRANT_LOCAL_UID:
	case GRANT_AUTHENTICATED:
	case GRANT_DESTINATION:
		break;
	}
	return false;
}

/* The kernel's word for who it is, and the binding of that user. */
static bool
local_user(const struct vault_dkim *v, const struct vault_asker *who, struct str local,
    struct str domain)
{
	const struct facts f = { .listener = L_LOCAL,
		.id = { .local = true, .uid = who->uid, .uid_name = who->uid_name } };

	return who->local && binding_covers(v->policy, &f, local, domain) == FIND_YES;
}

/* As whom queue writes. */
static bool
is_postmaster(const struct vault_dkim *v, struct str local, struct str domain)
{
	return str_eq(local, STR("postmaster")) && (domain_eq(domain, v->cfg->hostname) ||
	    (v->cfg->ndomain > 0 && domain_eq(domain, v->cfg->domain[0].name)));
}

const char *
vault_dkim_forbids(const struct vault_dkim *v, const struct vault_asker *who,
    const struct msg_dkim_sign *m, struct arena *a)
{
	const struct key *k = find_key(v, m->domain, m->selector);
	struct str local, domain;

	if (!k)
		return "no such key";
	if (k->conf->stage != DKIM_ACTIVE)
		return "the key is not active";
	if (!block_author(m->block, a, &local, &domain))
		return "no single author";
	if (!domain_under(domain, k->domain->name))
		return "the author is of another domain";
	if (!block_field(m->block, k, a))
		return "not a signature of that key";
	if (who->role == ROLE_QUEUE)
		return is_postmaster(v, local, domain) ? NULL : "queue is not the author";
	if (m->grant == 1 + GRANT_LOCAL_UID)
		return local_user(v, who, local, domain) ? NULL : "not an author of that user";
	if (m->grant != 0)
		return static_grant(v, m, local, domain) ? NULL : "no grant covers the author";
	if (token_judge(&v->tokens, m->token, m->identity, wall_ms()) != TOKEN_GOOD)
		return "the token is not good";
	return binding_user_covers(v->policy, m->identity, local, domain) == FIND_YES ? NULL :
	    "the login does not cover the author";
}

void
vault_dkim_names(struct vault_dkim *v, struct str (*name)(void *ctx, uint32_t uid,
    struct arena *a), void *ctx)
{
	v->name = name;
	v->ctx = ctx;
}

static struct shown *
shown_of(struct vault_dkim *v, uint64_t channel)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		if (v->shown[i].channel == channel)
			return &v->shown[i];
	return NULL;
}

void
vault_dkim_local(struct vault_dkim *v, struct ipc *ch, int fd)
{
	struct shown *s = shown_of(v, ipc_id(ch));
	struct ucred cred;
	socklen_t n = sizeof cred;

	if (!s)
		s = &v->shown[v->next_shown++ % SHOWN_MAX];
	*s = (struct shown){ .channel = ipc_id(ch) };
	if (fd != -1 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && cred.pid > 0) {
		s->uid = cred.uid;
		s->fresh = true;
	}
}

/* suspends where a user's name is to be asked for */
static struct vault_asker
asker(struct vault_dkim *v, struct ipc *ch, struct arena *a)
{
	struct vault_asker who = { .role = ipc_peer(ch) };
	struct shown *s = shown_of(v, ipc_id(ch));

	if (!s || !s->fresh)
		return who;
	s->fresh = false;
	who.local = true;
	who.uid = s->uid;
	if (v->name)
		who.uid_name = v->name(v->ctx, who.uid, a);
	return who;
}

static void
sign(struct vault_dkim *v, struct ipc *ch, uint64_t call, const struct msg_dkim_sign *m)
{
	struct msg_dkim_signed answer = {};
	uint64_t channel = ipc_id(ch);
	struct vault_asker who;
	struct buf signature;
	const char *why;
	struct arena a;

	arena_init(&a, BLOCK_MEMORY);
	who = asker(v, ch, &a);
	buf_init(&signature, 1024);
	why = vault_dkim_forbids(v, &who, m, &a);
	if (!why && dkim_sign_locally(find_key(v, m->domain, m->selector)->pkey, m->block,
	    &signature)) {
		answer.ok = true;
		answer.signature = buf_str(&signature);
	} else {
		log_begin(LOG_WARN, "not_signed");
		log_s("domain", m->domain);
		log_s("selector", m->selector);
		log_s("identity", m->identity);
		log_cstr("why", why ? why : "the key does not sign");
		log_end();
	}
	if ((ch = ipc_by_id(channel)) != NULL)
		(void)ipc_reply(ch, call, MSG_dkim_signed, &answer);
	buf_done(&signature);
	arena_done(&a);
}

bool
vault_dkim_msg(struct vault_dkim *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m)
{
	struct msg_dkim_public_key key = {};
	const struct key *k;

	if (type == MSG_dkim_sign) {
		sign(v, ch, call, &m->dkim_sign);
		return true;
	}
	if (type != MSG_dkim_public)
		return false;
	if (m->dkim_public.index < v->n) {
		k = &v->key[m->dkim_public.index];
		key = (struct msg_dkim_public_key){ .there = true, .domain = k->domain->name,
			.selector = k->conf->selector, .stage = (uint8_t)k->conf->stage,
			.key = buf_str(&k->public) };
	}
	(void)ipc_reply(ch, call, MSG_dkim_public_key, &key);
	return true;
}

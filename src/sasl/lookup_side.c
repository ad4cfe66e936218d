/* SPDX-License-Identifier: ISC */
/*
 * lookup_side: see lookup_side.h.
 *
 * Every question is answered on a coroutine of its own, so that a slow directory holds up nobody
 * else.  Passwords of files are checked on worker threads, or in a child where memory is needed.
 */
#include "sasl/lookup_side.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/role.h"
#include "rt/co.h"
#include "rt/group.h"
#include "rt/log.h"
#include "rt/work.h"
#include "sasl/nursery.h"
#include "sasl/scheme.h"
#include "sasl/scram.h"
#include "table/tables.h"

enum { QUESTIONS_MAX = 400, MEMORY = 64 << 10, DEFAULT_ITERATIONS = 4096 };

struct auth_lookup {
	const struct config *cfg;
	struct tables tables;		/* passwords */
	struct nursery *nursery;
	struct group *group;
};

/* One question, copied out of its datagram. */
struct question {
	struct auth_lookup *l;
	uint64_t channel, call;
	enum msg_type type;
	enum auth_mech need;
	bool probe, first;
	uint64_t exchange;
	struct ip peer;
	struct str user, password, data, salt;
	struct arena mem;
};

/* ---- files ---- */

static enum find
file_entry(struct question *q, const struct domain *d, struct str local, struct user_entry *u)
{
	enum find f = tables_password(&q->l->tables, d->passwords_at, local, u);

	if (f == FIND_NO && local.n > 0)
		f = tables_password(&q->l->tables, d->passwords_at,
		    sasl_identity_of(local, d, &q->mem), u);
	if (f == FIND_YES) {				/* the image may be replaced under us */
		u->scheme = str_dup(&q->mem, u->scheme);
		u->hash = str_dup(&q->mem, u->hash);
	}
	return f;
}

struct checking { struct str scheme, hash, user, password; enum cred answer; };

static void
check_work(void *arg)
{
	struct checking *c = arg;

	c->answer = scheme_check(c->scheme, c->hash, c->user, c->password);
}

/* suspends */
static enum cred
check_entry(struct question *q, const struct user_entry *u, struct str local)
{
	struct checking c = {
		.scheme = u->scheme, .hash = u->hash, .user = local, .password = q->password,
	};

	if (scheme_is_heavy(u->scheme))
		return nursery_hash(q->l->nursery, u->scheme, u->hash, q->password);
	work_call(check_work, &c);
	return c.answer;
}

/* suspends */
static enum cred
check_file(struct question *q, const struct domain *d, struct str local)
{
	struct user_entry u, decoy;
	enum find f = file_entry(q, d, local, &u);

	if (f == FIND_LATER)
		return CRED_UNAVAILABLE;
	if (f == FIND_YES && !u.disabled)
		return check_entry(q, &u, local);
	/* Nobody of that name: the same work for the first user of the file, and no. */
	if (file_entry(q, d, STR(""), &decoy) == FIND_YES &&
	    check_entry(q, &decoy, local) == CRED_UNAVAILABLE)
		return CRED_UNAVAILABLE;
	return f == FIND_YES ? CRED_FAILED : CRED_UNKNOWN;
}

/* ---- what is stored, for mechanisms that prove knowledge of it ---- */

struct deriving { bool sha1; struct str password; struct arena *a; struct verifier *v; bool good; };

static void
derive_work(void *arg)
{
	struct deriving *d = arg;

	d->good = scram_derive(d->sha1, d->password, d->a, d->v);
}

/* A password in clear becomes keys; its salt, vault's, is always the same, as a stored one is. */
static enum cred
derive(struct question *q, struct verifier *v)
{
	struct deriving d = {
		.sha1 = q->need == MECH_SCRAM_SHA_1 || q->need == MECH_SCRAM_SHA_1_PLUS,
		.password = v->password, .a = &q->mem, .v = v,
	};

	v->salt = q->salt;
	v->iterations = DEFAULT_ITERATIONS;
	work_call(derive_work, &d);
	v->password = (struct str){};
	return d.good ? CRED_OK : CRED_UNAVAILABLE;
}

static enum cred
verifier_of(struct question *q, const struct user_entry *u, struct verifier *v)
{
	bool clear;
	enum cred c = scheme_verifier(u->scheme, u->hash, q->need, &q->mem, v, &clear);

	return c == CRED_OK && clear ? derive(q, v) : c;
}

/* How others' entries look, so that an unknown user's looks alike. */
static void
like_others(struct question *q, const struct domain *d, struct verifier *v)
{
	struct verifier other = {};
	struct user_entry u;
	bool clear;

	v->iterations = DEFAULT_ITERATIONS;
	if (d->passwords == PW_FILE && file_entry(q, d, STR(""), &u) == FIND_YES &&
	    scheme_verifier(u.scheme, u.hash, q->need, &q->mem, &other, &clear) == CRED_OK &&
	    other.iterations > 0)
		v->iterations = other.iterations;
}

static enum cred
find(struct question *q, struct verifier *v)
{
	struct user_entry u = {};
	const struct domain *d;
	struct str local, stored;
	enum cred c = CRED_UNAVAILABLE;
	enum find f;

	v->iterations = DEFAULT_ITERATIONS;
	if (!sasl_name(q->l->cfg, q->user, &q->mem, &local, &d) || d->passwords == PW_NONE)
		return CRED_UNKNOWN;
	v->identity = sasl_identity_of(local, d, &q->mem);
	if (d->passwords == PW_FILE) {
		f = file_entry(q, d, local, &u);
		c = f == FIND_YES ? CRED_OK : f == FIND_NO ? CRED_UNKNOWN : CRED_UNAVAILABLE;
	} else {
		c = nursery_find(q->l->nursery, d, local, &q->mem, &stored);
		if (c == CRED_OK)
			scheme_split(stored, &u.scheme, &u.hash);
	}
	if (c == CRED_OK)
		c = u.disabled ? CRED_FAILED : verifier_of(q, &u, v);
	if (c != CRED_OK && c != CRED_UNAVAILABLE)
		like_others(q, d, v);
	return c;
}

/* suspends */
static enum cred
check(struct question *q, struct str *identity)
{
	const struct domain *d;
	struct str local;

	if (q->password.n == 0 || q->password.n > SASL_PASSWORD_MAX ||
	    !sasl_name(q->l->cfg, q->user, &q->mem, &local, &d) || d->passwords == PW_NONE) {
		d = q->l->cfg->ndomain > 0 ? &q->l->cfg->domain[0] : NULL;
		if (d != NULL && d->passwords == PW_FILE)
			(void)check_file(q, d, STR("?"));	/* as long as the others */
		return CRED_UNKNOWN;
	}
	*identity = sasl_identity_of(local, d, &q->mem);
	return d->passwords == PW_FILE ? check_file(q, d, local) :
	    nursery_check(q->l->nursery, d, local, q->password, &q->peer);
}

/* ---- questions ---- */

static void
answer(struct question *q)
{
	struct ipc *ch;

	if (q->type == MSG_cred_ask) {
		struct verifier v = {};
		enum cred c = find(q, &v);

		if ((ch = ipc_by_id(q->channel)) != NULL)
			(void)ipc_reply(ch, q->call, MSG_cred_answer, &(struct msg_cred_answer){
			    .answer = (uint8_t)c, .iterations = v.iterations, .salt = v.salt,
			    .stored = v.stored, .server = v.server, .password = v.password,
			    .identity = v.identity });
	} else if (q->type == MSG_pass_ask) {
		struct str identity = {};
		enum cred c = check(q, &identity);

		if ((ch = ipc_by_id(q->channel)) != NULL)
			(void)ipc_reply(ch, q->call, MSG_pass_answer, &(struct msg_pass_answer){
			    .answer = (uint8_t)c, .identity = identity });
	} else {
		struct msg_krb_answer m = {};

		nursery_krb(q->l->nursery, q->exchange, q->first, q->data, &q->mem, &m);
		if ((ch = ipc_by_id(q->channel)) != NULL)
			(void)ipc_reply(ch, q->call, MSG_krb_answer, &m);
	}
}

static void
question_run(void *arg)
{
	struct question *q = arg;

	answer(q);
	if (q->password.n > 0)
		OPENSSL_cleanse((char *)(uintptr_t)q->password.p, q->password.n);
	arena_done(&q->mem);
	free(q);
}

static bool
on_msg(void *ctx, struct ipc *ch, enum msg_type type, uint64_t call, const union msg *m)
{
	struct auth_lookup *l = ctx;
	struct question *q;

	if (type == MSG_krb_end) {
		nursery_krb_end(l->nursery, m->krb_end.exchange);
		return true;
	}
	if (type != MSG_cred_ask && type != MSG_pass_ask && type != MSG_krb_step)
		return false;
	q = group_count(l->group) < QUESTIONS_MAX ? calloc(1, sizeof *q) : NULL;
	if (q == NULL)
		return true;				/* vault's wait ends as "unavailable" */
	*q = (struct question){ .l = l, .channel = ipc_id(ch), .call = call, .type = type };
	arena_init(&q->mem, MEMORY);
	if (type == MSG_cred_ask) {
		q->need = (enum auth_mech)m->cred_ask.need;
		q->user = str_dup(&q->mem, m->cred_ask.user);
		q->salt = str_dup(&q->mem, m->cred_ask.salt);
	} else if (type == MSG_pass_ask) {
		q->user = str_dup(&q->mem, m->pass_ask.user);
		q->password = str_dup(&q->mem, m->pass_ask.password);
		q->peer = m->pass_ask.peer;
	} else {
		q->exchange = m->krb_step.exchange;
		q->first = m->krb_step.first;
		q->data = str_dup(&q->mem, m->krb_step.data);
	}
	if (!group_go(l->group, "auth-question", question_run, q)) {
		arena_done(&q->mem);
		free(q);
	}
	return true;
}

static void
on_passwords(void *ctx, int fd)
{
	struct auth_lookup *l = ctx;

	if (!tables_take(&l->tables, fd, l->tables.generation + 1)) {
		log_begin(LOG_ERROR, "password_table_bad");
		log_end();
	}
}

static void
start(void *ctx, struct role_env *env)
{
	struct auth_lookup *l = ctx;

	(void)env;
	l->group = group_open(FOREVER);
}

static void
end(void *ctx)
{
	struct auth_lookup *l = ctx;

	group_cancel(l->group);
	(void)group_wait(&l->group);
	nursery_free(l->nursery);
	tables_done(&l->tables);
}

bool
auth_lookup_setup(struct role_env *env)
{
	static struct auth_lookup one;

	one.cfg = env->cfg;
	one.nursery = nursery_new(env->cfg);
	lookup_role_extend(&(struct lookup_extra){
		.start = start, .on_passwords = on_passwords, .on_msg = on_msg, .end = end,
		.ctx = &one,
	});
	return true;
}

/* SPDX-License-Identifier: ISC */
/*
 * vault_side: see vault_side.h.
 *
 * Each step runs on a coroutine of its own: it may wait for lookup, and failures wait on purpose.
 */
#include "sasl/vault_int.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#include "rt/log.h"
#include "sasl/exchange.h"
#include "sasl/oauth.h"

enum { LIVE_MAX = 4000, SILENCE_MS = 300'000, GUARD_ROOM = 65'536, SWEEP_MS = 10'000 };

/* ---- the store, as exchanges see it: lookup, behind a channel ---- */

struct ipc *
auth_lookup_channel(const struct auth_vault *v)
{
	struct ipc *ch = v->lookup ? ipc_by_id(v->lookup) : NULL;

	return ch != NULL && ipc_is_open(ch) ? ch : NULL;
}

static struct guard_try
try_of(struct live *l, struct str user, struct str password, struct arena *a)
{
	struct guard_try t = { .ip = l->peer, .password = password, .now_ms = now_ms() };
	const struct domain *d;
	struct str local;

	t.user = user;
	if (user.n > 0 && sasl_name(l->v->cfg, user, a, &local, &d))
		t.user = sasl_identity_of(local, d, a);
	return t;
}

static bool
admit(void *ctx, struct str user, struct str password)
{
	struct live *l = ctx;
	struct guard_try t;
	struct arena a;
	enum guard_why why;

	arena_init(&a, 8192);
	t = try_of(l, user, password, &a);
	why = guard_ask(l->v->guard, &t);
	arena_done(&a);
	l->why = why;
	return why == GUARD_GO;
}

static bool
is_proven(const struct auth_vault *v, struct str user, struct arena *a)
{
	const struct domain *d;
	struct str local;

	return !v->broken && (!sasl_name(v->cfg, user, a, &local, &d) ||
	    d->passwords == PW_NONE || v->proven[d - v->cfg->domain]);
}

static enum cred
find(void *ctx, struct str user, enum auth_mech need, struct arena *a, struct verifier *out)
{
	struct auth_vault *v = ((struct live *)ctx)->v;
	struct ipc *ch = auth_lookup_channel(v);
	struct verifier salt = {};
	struct msg_cred_answer m;
	const struct domain *d;
	struct str local;

	if (ch == NULL || !is_proven(v, user, a))
		return CRED_UNAVAILABLE;
	if (sasl_name(v->cfg, user, a, &local, &d) &&
	    !scram_decoy(false, v->house.decoy, sasl_identity_of(local, d, a), a, &salt))
		return CRED_UNAVAILABLE;
	if (ipc_call(ch, MSG_cred_ask, &(struct msg_cred_ask){ .need = (uint8_t)need,
	    .user = user, .salt = salt.salt }, MSG_cred_answer, &m, a,
	    now_ms() + LOOKUP_MS) != IO_OK || m.answer >= CRED_ANSWERS)
		return CRED_UNAVAILABLE;
	*out = (struct verifier){
		.iterations = m.iterations, .salt = m.salt, .stored = m.stored,
		.server = m.server, .password = m.password, .identity = m.identity,
	};
	return (enum cred)m.answer;
}

static enum cred
check(void *ctx, struct str user, struct str password, struct arena *a, struct str *identity)
{
	struct live *l = ctx;
	struct ipc *ch = auth_lookup_channel(l->v);
	struct msg_pass_answer m;

	if (ch == NULL || !is_proven(l->v, user, a))
		return CRED_UNAVAILABLE;
	if (ipc_call(ch, MSG_pass_ask, &(struct msg_pass_ask){ .user = user,
	    .password = password, .peer = l->peer }, MSG_pass_answer, &m, a,
	    now_ms() + LOOKUP_MS) != IO_OK || m.answer >= CRED_ANSWERS)
		return CRED_UNAVAILABLE;
	*identity = m.identity;
	return (enum cred)m.answer;
}

static enum sasl
krb(void *ctx, bool first, struct str in, struct arena *a, struct str *out, struct str *name,
    struct str *authzid)
{
	struct live *l = ctx;
	struct ipc *ch = auth_lookup_channel(l->v);
	struct msg_krb_answer m;

	if (ch == NULL || ipc_call(ch, MSG_krb_step, &(struct msg_krb_step){ .exchange = l->id,
	    .first = first, .data = in }, MSG_krb_answer, &m, a, now_ms() + LOOKUP_MS) != IO_OK ||
	    m.answer >= SASL_ANSWERS)
		return SASL_LATER;
	*out = m.data;
	*name = m.name;
	*authzid = m.authzid;
	return (enum sasl)m.answer;
}

/* ---- exchanges ---- */

static void
live_end(struct live *l)
{
	struct ipc *ch = auth_lookup_channel(l->v);

	if (l->krb && ch != NULL)
		(void)ipc_send(ch, MSG_krb_end, &(struct msg_krb_end){ .exchange = l->id });
	(void)idmap_del(&l->v->live, l->id);
	sasl_end(l->x);
	free(l);
}

static void
note(const struct live *l, enum sasl answer)
{
	static const char *const words[] = {
		[GUARD_GO] = "", [GUARD_ADDRESS] = "address", [GUARD_NETWORK] = "network",
		[GUARD_USER] = "user", [GUARD_SPRAY] = "spray",
	};

	if (answer != SASL_BLOCKED || !log_wants(LOG_INFO))
		return;
	log_begin(LOG_WARN, "auth_blocked");
	log_ip("client", l->peer);
	log_cstr("limit", words[l->why]);
	log_end();
}

/* Failures are counted, and wait; good ones are remembered for that address. */
static int64_t
account(struct live *l, enum sasl answer)
{
	struct guard_try t;
	struct arena a;
	int64_t wait = 0;

	arena_init(&a, 8192);
	t = try_of(l, sasl_claimed(l->x), sasl_tried(l->x), &a);
	if (answer == SASL_OK) {
		t.user = sasl_identity(l->x);
		guard_good(l->v->guard, &t);
	} else if (answer == SASL_BAD || answer == SASL_MALFORMED) {
		wait = guard_failed(l->v->guard, &t);
	}
	arena_done(&a);
	return wait;
}

struct work { struct live *l; uint64_t channel, call; struct buf in; bool has; };

static void
work_free(struct work *w)
{
	if (w->in.p != NULL)
		OPENSSL_cleanse(w->in.p, w->in.cap);
	buf_done(&w->in);
	free(w);
}

static void
step_run(void *arg)
{
	struct work *w = arg;
	struct live *l = w->l;
	struct msg_auth_answer m = { .exchange = l->id };
	enum sasl answer;
	struct buf out, token;
	struct ipc *ch;
	int64_t wait;

	buf_init(&out, SASL_MESSAGE_MAX);
	buf_init(&token, 256);
	answer = sasl_step(l->x, w->has ? str_from(w->in.n ? w->in.p : "", w->in.n) :
	    (struct str){}, &out);
	if (out.failed)
		answer = SASL_LATER;
	if (answer == SASL_OK && !token_mint(&l->v->keys, sasl_identity(l->x), l->session,
	    wall_ms(), &token))
		answer = SASL_LATER;
	note(l, answer);
	wait = account(l, answer);
	if (wait > 0)
		(void)co_sleep(wait);
	m.answer = (uint8_t)answer;
	m.data = buf_str(&out);
	if (answer == SASL_OK) {
		m.identity = sasl_identity(l->x);
		m.token = buf_str(&token);
	}
	if ((ch = ipc_by_id(w->channel)) != NULL)
		(void)ipc_reply(ch, w->call, MSG_auth_answer, &m);
	l->busy = false;
	l->touched_ms = now_ms();
	if (answer != SASL_MORE || l->gone)
		live_end(l);
	buf_done(&out);
	buf_done(&token);
	work_free(w);
}

static void
refuse(struct ipc *ch, uint64_t call, enum sasl answer)
{
	(void)ipc_reply(ch, call, MSG_auth_answer,
	    &(struct msg_auth_answer){ .answer = (uint8_t)answer });
}

static void
go(struct live *l, struct ipc *ch, uint64_t call, const struct str *in)
{
	struct work *w = calloc(1, sizeof *w);

	if (w == NULL)
		abort();
	*w = (struct work){ .l = l, .channel = ipc_id(ch), .call = call, .has = in != NULL };
	buf_init(&w->in, SASL_MESSAGE_MAX + 1);
	if (in != NULL)
		(void)buf_put(&w->in, *in);
	l->busy = true;
	if (w->in.failed || !group_go(l->v->group, "auth-step", step_run, w)) {
		l->busy = false;
		refuse(ch, call, SASL_LATER);
		live_end(l);
		work_free(w);
	}
}

static void
on_begin(struct auth_vault *v, struct ipc *ch, uint64_t call, const struct msg_auth_begin *m)
{
	struct guard_try t = { .ip = m->peer, .now_ms = now_ms() };
	struct sasl_ask ask = {
		.mech = (enum auth_mech)m->mech, .plus = m->plus, .exporter = m->exporter,
		.end_point = m->end_point, .certs = m->certs,
	};
	struct live *l;

	if (m->mech >= MECH_COUNT || v->broken || v->live.n >= LIVE_MAX) {
		refuse(ch, call, m->mech >= MECH_COUNT ? SASL_BAD : SASL_LATER);
		return;
	}
	if ((l = calloc(1, sizeof *l)) == NULL)
		abort();
	*l = (struct live){
		.v = v, .id = ++v->serial, .channel = ipc_id(ch), .session = m->session,
		.peer = m->peer, .touched_ms = now_ms(), .krb = ask.mech == MECH_GSSAPI,
	};
	l->why = guard_ask(v->guard, &t);
	if (l->why != GUARD_GO) {
		note(l, SASL_BLOCKED);
		refuse(ch, call, SASL_BLOCKED);
		free(l);
		return;
	}
	l->x = sasl_begin(&v->house, &ask, &(struct sasl_store){
	    .find = find, .check = check, .admit = admit, .krb = krb, .ctx = l });
	if (l->x == NULL)
		abort();
	(void)idmap_put(&v->live, l->id, l);
	go(l, ch, call, m->has_initial ? &m->initial : NULL);
}

static void
on_step(struct auth_vault *v, struct ipc *ch, uint64_t call, const struct msg_auth_step *m)
{
	struct live *l = idmap_get(&v->live, m->exchange);

	if (l == NULL || l->channel != ipc_id(ch) || l->busy)
		refuse(ch, call, SASL_LATER);
	else
		go(l, ch, call, &m->data);
}

static void
leave(struct live *l)
{
	l->gone = true;
	if (!l->busy)
		live_end(l);
}

static void
on_token(struct auth_vault *v, struct ipc *ch, uint64_t call, const struct msg_token_ask *m)
{
	(void)ipc_reply(ch, call, MSG_token_answer, &(struct msg_token_answer){
	    .answer = (uint8_t)token_judge(&v->keys, m->token, m->identity, m->at_ms) });
}

bool
auth_vault_msg(struct auth_vault *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m)
{
	if (type == MSG_auth_begin) {
		on_begin(v, ch, call, &m->auth_begin);
	} else if (type == MSG_auth_step) {
		on_step(v, ch, call, &m->auth_step);
	} else if (type == MSG_auth_abort) {
		struct live *l = idmap_get(&v->live, m->auth_abort.exchange);

		if (l != NULL && l->channel == ipc_id(ch))
			leave(l);
	} else if (type == MSG_auth_ready) {
		(void)ipc_reply(ch, call, MSG_auth_state, &(struct msg_auth_state){
		    .state = (uint8_t)(v->broken ? AUTH_BROKEN : v->looked ? AUTH_PROVEN :
		    AUTH_UNPROVEN) });
	} else if (type == MSG_token_ask) {
		on_token(v, ch, call, &m->token_ask);
	} else {
		return false;
	}
	return true;
}

/* Ends what nobody asks for any more: of one channel, or silent for long. */
static void
sweep(struct auth_vault *v, uint64_t channel)
{
	for (size_t at = 0, n = 0; n < v->live.n + 1; n++) {
		struct live *l;
		uint64_t key;
		void *value;

		if (!idmap_next(&v->live, &at, &key, &value))
			return;
		l = value;
		if (l->gone || (l->channel != channel && (l->busy ||
		    now_ms() - l->touched_ms < SILENCE_MS)))
			continue;
		leave(l);
		at = n = 0;				/* the map has changed */
	}
}

void
auth_vault_gone(struct auth_vault *v, struct ipc *ch)
{
	sweep(v, ipc_id(ch));
}

static void
sweep_run(void *arg)
{
	while (co_sleep(SWEEP_MS) == WAKE_OK)
		sweep(arg, 0);
}

/* ---- the whole ---- */

static int64_t
wall_s(void)
{
	return wall_ms() / 1000;
}

struct auth_vault *
auth_vault_new(const struct config *cfg, struct str token_keys, struct str jwks)
{
	struct auth_vault *v = calloc(1, sizeof *v);

	if (v == NULL || (v->proven = calloc(cfg->ndomain + 1, sizeof *v->proven)) == NULL)
		abort();
	v->cfg = cfg;
	v->house = (struct sasl_house){ .cfg = cfg, .wall_s = wall_s };
	(void)token_keys_parse(&v->keys, token_keys);
	token_decoy(token_keys, v->house.decoy);
	v->guard = guard_new(&cfg->lim, GUARD_ROOM);
	if (jwks.n > 0)
		v->house.oauth = v->oauth = oauth_new(&cfg->auth.oauth, jwks);
	v->group = group_open(FOREVER);
	if (!group_go(v->group, "auth-sweep", sweep_run, v) ||
	    !group_go(v->group, "auth-probe", auth_probe_run, v))
		abort();
	return v;
}

void
auth_vault_free(struct auth_vault *v)
{
	struct ipc *ch;
	uint64_t key;
	void *value;

	group_cancel(v->group);
	(void)group_wait(&v->group);
	for (size_t at = 0; idmap_next(&v->live, &at, &key, &value); at = 0)
		live_end(value);
	idmap_done(&v->live);
	if ((ch = auth_lookup_channel(v)) != NULL)
		ipc_close(ch);
	guard_free(v->guard);
	gs_free(v->house.gs);
	oauth_free(v->oauth);
	OPENSSL_cleanse(&v->keys, sizeof v->keys);
	free(v->proven);
	free(v);
}

static void
on_lookup_msg(struct ipc *ch, enum msg_type type, uint64_t call, const union msg *m, int fd)
{
	struct auth_vault *v = ipc_arg(ch);

	(void)call;
	if (type == MSG_tables_image && fd != -1 && v->on_image != NULL)
		v->on_image(v->image_ctx, fd, m->tables_image.generation);
	else if (fd != -1)
		close(fd);
}

void
auth_vault_images(struct auth_vault *v, void (*on_image)(void *ctx, int fd, uint64_t generation),
    void *ctx)
{
	v->on_image = on_image;
	v->image_ctx = ctx;
}

void
auth_vault_lookup(struct auth_vault *v, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = on_lookup_msg };
	struct ipc *old = auth_lookup_channel(v), *ch = ipc_new(fd, name, &ops, v);

	if (ch == NULL)
		return;
	v->lookup = ipc_id(ch);
	if (old != NULL)
		ipc_close(old);
}

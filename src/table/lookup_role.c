/* SPDX-License-Identifier: ISC */
/*
 * lookup_role: see lookup_role.h.
 *
 * One coroutine looks at the files once a second and sends a new image when one changed; channels
 * answer in between from our own mapping of it.  Files are read and images built on a worker
 * thread, which alone touches struct sources while it does.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipc/role.h"
#include "rt/co.h"
#include "rt/log.h"
#include "rt/work.h"
#include "table/account.h"
#include "table/dialer.h"
#include "table/lookup_role.h"
#include "table/own.h"
#include "table/sources.h"

enum { PEERS_MAX = 256, LOOK_MS = 1000 };

struct lookup {
	struct role_env *env;
	struct co *self;		/* who looks at the files */
	struct sources sources;
	bool force;			/* build an image even if nothing changed */
	bool looking;			/* sources belong to the worker thread */
	int image;			/* newest, or -1 */
	int passwords;			/* newest, not yet given to extra, or -1 */
	uint64_t generation;
	struct tables tables;		/* our own mapping of it */
	struct dialer *dialer;
	struct ipc *peer[PEERS_MAX];
	size_t npeer;
};

static struct lookup_extra extra;
static bool (*access_judge)(void *ctx, const struct tables *candidate, struct buf *why);

void
lookup_role_judge(bool (*judge)(void *ctx, const struct tables *candidate, struct buf *why))
{
	access_judge = judge;
}

void
lookup_role_extend(const struct lookup_extra *x)
{
	extra = *x;
}

static bool
wants_image(const struct ipc *ch)
{
	return ipc_peer(ch) == ROLE_SMTPD || ipc_peer(ch) == ROLE_QUEUE ||
	    ipc_peer(ch) == ROLE_VAULT;
}

static void
send_image(struct lookup *l, struct ipc *ch)
{
	struct msg_tables_image m = { .generation = l->generation };

	if (l->image >= 0 && wants_image(ch))
		(void)ipc_send_fd(ch, MSG_tables_image, &m, l->image);
}

/* ---- files ---- */

static void
look_work(void *arg)
{
	struct lookup *l = arg;
	bool first = l->image < 0, new = sources_look(&l->sources, NULL);

	if (!new && !first && !l->force)
		return;
	l->force = false;

	int fd = sources_image(&l->sources);

	if (fd < 0)
		return;
	if (l->image >= 0)
		(void)close(l->image);
	l->image = fd;
	l->generation++;
	if (extra.on_passwords != NULL)
		l->passwords = sources_passwords(&l->sources);
}

static void
tell_news(const struct sources *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct source *s = &all->s[i];

		if (!s->fresh_news)
			continue;
		log_begin(s->bad_now ? LOG_ERROR : LOG_INFO,
		    s->bad_now ? "table_bad" : "table_good");
		log_cstr("file", s->path);
		if (s->bad_now) {
			log_u("line", s->line);
			log_cstr("why", s->why);
			log_b("last_good_kept", s->good);
		}
		log_end();
	}
}

/* suspends */
static void
look(struct lookup *l)
{
	uint64_t before = l->generation;

	l->looking = true;
	work_call(look_work, l);
	l->looking = false;
	tell_news(&l->sources);
	if (l->passwords >= 0)
		extra.on_passwords(extra.ctx, l->passwords);
	l->passwords = -1;
	if (l->generation == before)
		return;
	if (!tables_take(&l->tables, dup(l->image), l->generation)) {
		log_begin(LOG_ERROR, "table_image_bad");
		log_end();
		return;
	}
	log_begin(LOG_INFO, "tables");
	log_u("generation", l->generation);
	log_u("entries", l->tables.img.nentry);
	log_end();
	for (size_t i = 0; i < l->npeer; i++)
		send_image(l, l->peer[i]);
}

/* ---- accounts ---- */

struct system_user {
	char name[129];
	enum lookup_answer answer;
	uid_t uid;
	gid_t gid;
	char home[1024];
};

static void
system_user_work(void *arg)
{
	struct system_user *u = arg;
	struct passwd pw, *found = NULL;
	size_t n = 65536;
	char *room = malloc(n);
	int e = room != NULL ? getpwnam_r(u->name, &pw, room, n, &found) : ENOMEM;

	if (found != NULL && strlen(found->pw_dir) < sizeof u->home) {
		u->answer = LOOKUP_OWN;
		u->uid = found->pw_uid;
		u->gid = found->pw_gid;
		memcpy(u->home, found->pw_dir, strlen(found->pw_dir) + 1);
	} else {
		/* Several codes mean "no such name", see getpwnam(3). */
		u->answer = e == 0 || e == ENOENT || e == ESRCH || e == EBADF || e == EPERM ?
		    LOOKUP_UNKNOWN : LOOKUP_LATER;
	}
	free(room);
}

/* suspends; u is where the answer's home lives */
static void
answer_system(struct system_user *u, struct str name, struct msg_account_answer *out)
{
	if (name.n >= sizeof u->name)
		return;
	memcpy(u->name, name.p, name.n);
	work_call(system_user_work, u);
	*out = (struct msg_account_answer){ .answer = (uint8_t)u->answer, .uid = u->uid,
	    .gid = u->gid, .home = str_of(u->home) };
}

static void
answer_file(struct lookup *l, const struct domain *d, struct str name,
    struct msg_account_answer *out)
{
	struct user_entry u;
	enum find f = tables_user(&l->tables, d->users_file, name, &u);
	char whole[512];

	if (f == FIND_NO && name.n + d->name.n + 1 < sizeof whole) {
		memcpy(whole, name.p, name.n);
		whole[name.n] = '@';
		memcpy(whole + name.n + 1, d->name.p, d->name.n);
		f = tables_user(&l->tables, d->users_file,
		    (struct str){ whole, name.n + 1 + d->name.n }, &u);
	}
	if (f != FIND_YES) {
		out->answer = f == FIND_NO ? LOOKUP_UNKNOWN : LOOKUP_LATER;
		return;
	}
	*out = (struct msg_account_answer){ .answer = u.has_ids ? LOOKUP_OWN : LOOKUP_VIRTUAL,
	    .uid = u.uid, .gid = u.gid, .home = u.home };
}

static void
on_account_ask(struct lookup *l, struct ipc *ch, uint64_t call, const struct msg_account_ask *m)
{
	const struct domain *d = m->domain.n > 0 ? config_domain(l->env->cfg, m->domain) : NULL;
	struct msg_account_answer out = { .answer = LOOKUP_UNKNOWN };
	struct system_user *u = calloc(1, sizeof *u);
	uint64_t id = ipc_id(ch);

	if (u == NULL)
		abort();
	if (m->user.n > 0 && (m->domain.n == 0 || (d != NULL && d->users == USERS_SYSTEM)))
		answer_system(u, m->user, &out);		/* suspends */
	else if (m->user.n > 0 && d != NULL && d->users == USERS_FILE)
		answer_file(l, d, m->user, &out);
	if ((ch = ipc_by_id(id)) != NULL)
		(void)ipc_reply(ch, call, MSG_account_answer, &out);
	free(u);
}

struct uid_name {
	uint32_t uid;
	char name[129];
};

static void
uid_name_work(void *arg)
{
	struct uid_name *u = arg;
	struct passwd pw, *found = NULL;
	size_t n = 65536;
	char *room = malloc(n);

	if (room != NULL && getpwuid_r(u->uid, &pw, room, n, &found) == 0 && found != NULL &&
	    strlen(found->pw_name) < sizeof u->name)
		memcpy(u->name, found->pw_name, strlen(found->pw_name) + 1);
	free(room);
}

static void
on_uid_ask(struct ipc *ch, uint64_t call, const struct msg_uid_ask *m)
{
	struct uid_name *u = calloc(1, sizeof *u);
	uint64_t id = ipc_id(ch);

	if (u == NULL)
		abort();
	u->uid = m->uid;
	work_call(uid_name_work, u);				/* suspends */
	if ((ch = ipc_by_id(id)) != NULL)
		(void)ipc_reply(ch, call, MSG_uid_answer,
		    &(struct msg_uid_answer){ .name = str_of(u->name) });
	free(u);
}

/* ---- admin ---- */

static void
put_text(struct buf *b, const char *z)
{
	for (; *z != '\0'; z++) {
		if (*z == '"' || *z == '\\')
			buf_putc(b, '\\');
		buf_putc(b, ascii_iscntrl(*z) ? ' ' : *z);
	}
}

static void
on_admin_query(struct lookup *l, struct ipc *ch, uint64_t call, const struct msg_admin_query *m)
{
	struct msg_admin_answer out = { .ok = true };
	struct buf b;

	buf_init(&b, 50'000);
	if (str_eq(m->op, STR("lookup.tables"))) {
		buf_putf(&b, "{\"generation\":%llu,\"entries\":%llu,\"bad\":[",
		    (unsigned long long)l->generation, (unsigned long long)l->tables.img.nentry);
		for (size_t i = 0, n = 0; !l->looking && i < l->sources.n; i++) {
			if (!l->sources.s[i].bad_now)
				continue;
			buf_put(&b, n++ ? STR(",\"") : STR("\""));
			put_text(&b, l->sources.s[i].path);
			buf_puts(&b, ": ");
			put_text(&b, l->sources.s[i].why);
			buf_puts(&b, "\"");
		}
		buf_puts(&b, "]}");
	} else if (str_eq(m->op, STR("lookup.reload"))) {
		l->force = true;
		co_wake(l->self);
		buf_puts(&b, "{}");
	} else {
		out.ok = false;
		buf_puts(&b, "{\"error\":\"lookup does not know this question\"}");
	}
	out.json = b.failed ? STR("{}") : buf_str(&b);
	(void)ipc_reply(ch, call, MSG_admin_answer, &out);
	buf_done(&b);
}

/* ---- channels ---- */

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call, const union msg *m, int fd)
{
	struct lookup *l = ipc_arg(ch);

	if (fd >= 0)
		(void)close(fd);
	if (type == MSG_account_ask)
		on_account_ask(l, ch, call, &m->account_ask);
	else if (type == MSG_uid_ask)
		on_uid_ask(ch, call, &m->uid_ask);
	else if (type == MSG_filter_ask)
		dialer_ask(l->dialer, ch, &m->filter_ask);
	else if (type == MSG_admin_query)
		on_admin_query(l, ch, call, &m->admin_query);
	else if (extra.on_msg != NULL)
		(void)extra.on_msg(extra.ctx, ch, type, call, m);
}

static void
on_close(struct ipc *ch)
{
	struct lookup *l = ipc_arg(ch);

	for (size_t i = 0; i < l->npeer; i++)
		if (l->peer[i] == ch) {
			l->peer[i] = l->peer[--l->npeer];
			break;
		}
	ipc_close(ch);
}

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	static const struct ipc_ops ops = { on_msg, on_close };
	struct lookup *l = env->arg;
	struct ipc *ch;

	if (l->npeer == PEERS_MAX) {
		(void)close(fd);
		return;
	}
	ch = ipc_new(fd, peer->name, &ops, l);
	if (ch == NULL)
		return;
	l->peer[l->npeer++] = ch;
	send_image(l, ch);
}

static void
on_drain(struct role_env *env)
{
	struct lookup *l = env->arg;

	co_wake(l->self);
}

bool
lookup_role_setup(struct role_env *env)
{
	dialer_learn(env->cfg);
	own_addresses_learn();
	return true;
}

void
lookup_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer, .on_drain = on_drain };
	struct lookup *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	l->env = env;
	l->self = co_self();
	l->image = l->passwords = -1;
	if (extra.start != NULL)
		extra.start(extra.ctx, env);
	l->dialer = dialer_new(env->cfg);
	sources_of(&l->sources, env->cfg);
	l->sources.owner = env->cfg->role[ROLE_KEEPER].uid;
	l->sources.judge = access_judge;
	l->sources.ctx = env;
	look(l);
	role_attach(env, &hooks, l);
	while (!role_draining(env)) {
		if (co_park(now_ms() + LOOK_MS) == WAKE_CANCELLED)
			break;
		if (!role_draining(env))
			look(l);
	}
	role_wait_drain(env);
	if (extra.end != NULL)
		extra.end(extra.ctx);
	dialer_free(l->dialer);
	while (l->npeer > 0)
		on_close(l->peer[0]);
	tables_done(&l->tables);
	sources_done(&l->sources);
	if (l->image >= 0)
		(void)close(l->image);
	free(l);
}

/* SPDX-License-Identifier: ISC */
/*
 * drop: mail that the sendmail command left in the drop directory while no server ran.
 *
 * 1. The format is that of spool/drop.h.  Names without a domain get the main one, as on the
 *    local socket.
 * 2. Each is committed like any message and then unlinked; a crash in between delivers it twice,
 *    never not at all.  What does not parse is set aside and named in the log.
 * 3. The owner of the file is the sender's local uid, and has the rights of that uid on the local
 *    socket: without a grant nothing leaves this server.
 */
#include "queue/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cur.h"
#include "base/msgid.h"
#include "base/num.h"
#include "mail/path.h"
#include "mail/received.h"
#include "mail/smtp.h"
#include "queue/right.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/log.h"
#include "spool/drop.h"

enum { FILE_MAX = 64 << 20, LOOK_MS = 10'000, NAME_MAX_LEN = 200 };

/* What drop_envelope makes of a file. */
struct dropped {
	const struct config *cfg;
	struct arena *a;
	struct drop d;
	struct spool_env env;
	uint32_t uid;			/* the file's owner */
	const struct path *sender;
	const char *why;		/* it was refused */
};

static bool
address(struct dropped *in, struct str s, struct path *p, struct str *out)
{
	const struct path_rules rules = { .arena = in->a, .utf8 = true };
	const struct config *cfg = in->cfg;
	struct perr err = {};

	in->why = "an address is none";
	if (str_chr(s, '@') < 0 && str_chr(s, '"') < 0)
		s = str_cat(in->a, s, STR("@"),
		    cfg->ndomain > 0 ? cfg->domain[0].name : cfg->hostname);
	if (!path_parse(s, &rules, p, &err))
		return false;
	*out = path_text(p, in->a);
	return out->p != NULL;
}

/* May this uid send there?  As the local socket judges it. */
static bool
permitted(struct dropped *in, const struct path *to)
{
	in->why = "this uid may not send elsewhere";
	return right_to_send(in->cfg, in->uid, in->sender, to);
}

static uint8_t
notify_bits(struct str words)
{
	static const struct { struct str word; uint8_t bit; } all[] = {
		{ STR_INIT("never"), NOTIFY_NEVER }, { STR_INIT("success"), NOTIFY_SUCCESS },
		{ STR_INIT("failure"), NOTIFY_FAILURE }, { STR_INIT("delay"), NOTIFY_DELAY },
	};
	uint8_t bits = 0;

	while (words.n > 0) {
		struct str word = str_trim(str_split(&words, ','));

		for (size_t i = 0; i < COUNT(all); i++)
			if (str_ieq(word, all[i].word))
				bits |= all[i].bit;
	}
	return bits & NOTIFY_NEVER ? NOTIFY_NEVER : bits;
}

/* What the file says becomes the envelope; false: not an envelope of ours. */
static bool
drop_envelope(struct dropped *in)
{
	const struct drop *d = &in->d;
	struct spool_env *env = &in->env;
	struct path sender = { .null = true }, to;

	*env = (struct spool_env){
		.null_sender = d->from.n == 0, .envid = d->envid,
		.ret = str_ieq(d->ret, STR("FULL")) ? 1 : str_ieq(d->ret, STR("HDRS")) ? 2 : 0,
		.listener_kind = L_LOCAL, .listener = STR("drop"), .with = STR("local"),
		.body = SPOOL_8BITMIME,
		.auth_id = str_fmt(in->a, "uid:%u", (unsigned)in->uid),
	};
	if (d->from.n > 0 && !address(in, d->from, &sender, &env->sender))
		return false;
	in->sender = &sender;
	env->rcpt = arena_zalloc(in->a, d->nrcpt * sizeof *env->rcpt);
	if (!env->rcpt)
		return false;
	for (size_t i = 0; i < d->nrcpt; i++) {
		env->rcpt[i].notify = notify_bits(d->notify);
		if (!address(in, d->rcpt[i], &to, &env->rcpt[i].addr) || !permitted(in, &to))
			return false;
	}
	env->nrcpt = d->nrcpt;
	in->sender = NULL;
	in->why = NULL;
	return true;
}

/* The owner is who sent it: the directory can be written by all, so nothing in the file says. */
static bool
drop_owner(int fd, uint32_t *uid)
{
	struct stat st;

	*uid = 0;
	if (clock_is_simulated())
		return true;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	*uid = st.st_uid;
	return true;
}

static bool
drop_read(int dirfd, const char *name, struct arena *a, struct str *out, uint32_t *uid)
{
	int fd = disk_openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	int64_t size;
	bool ok = false;
	char *p;

	if (fd < 0)
		return false;
	size = disk_fsize(fd);
	if (size > 0 && size <= FILE_MAX && (p = arena_alloc(a, (size_t)size))) {
		ok = disk_pread(fd, p, (size_t)size, 0) == (ssize_t)size;
		*out = str_from(p, (size_t)size);
		ok = ok && drop_owner(fd, uid);
	}
	(void)disk_close(fd);
	return ok;
}

static struct str
received(const struct queue *q, const struct spool_env *env, uint64_t id, struct buf *b)
{
	char text[MSGID_TEXT];

	(void)received_format(b, &(struct received){
		.local_user = env->auth_id, .by = q->cfg->hostname, .with = STR("local"),
		.id = msgid_format(id, text), .unix_s = env->received_ms / 1000,
	});
	return buf_str(b);
}

static enum spool
drop_commit(struct queue *q, const struct spool_env *env, struct str content, uint64_t *id)
{
	struct spool_draft *sd;
	struct buf head;
	enum spool r;

	sd = sd_begin(q->writer, &r);
	if (!sd)
		return r;
	r = sd_write(sd, content);
	buf_init(&head, 4096);
	if (r == SPOOL_OK)
		r = sd_commit(sd, env, received(q, env, sd_id(sd), &head), id);
	if (r != SPOOL_OK)
		sd_drop(sd);
	buf_done(&head);
	return r;
}

static void
log_accepted(const struct spool_env *env, uint64_t id)
{
	log_begin(LOG_INFO, "accepted");
	log_id("id", id);
	log_s("from", env->sender);
	log_s("listener", env->listener);
	log_s("user", env->auth_id);
	log_u("rcpts", env->nrcpt);
	log_end();
}

/* Renamed, so that it is not looked at again; the administrator may. */
static void
set_aside(int dirfd, const char *name, const char *why)
{
	char aside[NAME_MAX_LEN + 8];

	log_begin(LOG_WARN, "drop_refused");
	log_s("file", name);
	log_s("why", why ? why : "it cannot be read as a dropped message");
	log_end();
	(void)snprintf(aside, sizeof aside, "%.*s.bad", (int)(sizeof aside - 5), name);
	(void)disk_renameat(dirfd, name, dirfd, aside);
}

static bool
drop_take(struct queue *q, int dirfd, const char *name)
{
	struct arena a;
	struct dropped in = { .cfg = q->cfg, .a = &a };
	struct perr err = {};
	struct str text;
	uint64_t id = 0;
	bool ok = true;

	arena_init(&a, FILE_MAX + (8 << 20));
	if (!drop_read(dirfd, name, &a, &text, &in.uid) ||
	    !drop_parse(text, &a, &in.d, &err) || !drop_envelope(&in)) {
		set_aside(dirfd, name, in.why ? in.why : err.what);
		arena_done(&a);
		return true;
	}
	in.env.received_ms = queue_wall_ms(q);
	if (drop_commit(q, &in.env, in.d.message, &id) == SPOOL_OK) {
		log_accepted(&in.env, id);
		/* Taken up again and again it would be delivered as often. */
		if (disk_unlinkat(dirfd, name) < 0)
			q->drop_stuck = true;
	} else {
		ok = false;
	}
	arena_done(&a);
	return ok;
}

struct names {
	struct str *name;
	size_t n;
	struct arena *a;
};

static bool
drop_name(void *arg, const char *name)
{
	struct names *ns = arg;
	struct str s = str_of(name);
	struct str *grown;

	if (!drop_name_complete(name) || s.n > NAME_MAX_LEN)
		return true;
	if ((ns->n & (ns->n - 1)) == 0) {
		grown = arena_alloc(ns->a, MAX(ns->n * 2, (size_t)8) * sizeof *grown);
		if (!grown)
			return false;
		if (ns->n)
			memcpy(grown, ns->name, ns->n * sizeof *grown);
		ns->name = grown;
	}
	ns->name[ns->n++] = (struct str){ str_z(ns->a, s), s.n };
	return ns->name[ns->n - 1].p != NULL;
}

static int
by_name(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* False: something could not be taken now (disk, clock): look again. */
static bool
drop_all(struct queue *q, int dirfd)
{
	struct arena a;
	struct names ns = { .a = &a };
	bool ok = true;

	arena_init(&a, 16 << 20);
	(void)disk_list(dirfd, drop_name, &ns);
	if (ns.n > 1)
		qsort(ns.name, ns.n, sizeof *ns.name, by_name);
	for (size_t i = 0; i < ns.n && ok && !q->stopping && !q->drop_stuck; i++)
		ok = drop_take(q, dirfd, ns.name[i].p);
	arena_done(&a);
	return ok;
}

/* Also while we run: a sendmail that could not reach us may have left something. */
void
drop_run(void *arg)
{
	struct queue *q = arg;
	int dirfd = disk_openat(q->dirfd, "drop", O_RDONLY | O_DIRECTORY, 0);

	if (dirfd < 0)
		return;
	while (!q->stopping) {
		bool ok = drop_all(q, dirfd);

		if (q->drop_stuck) {
			log_begin(LOG_ERROR, "drop_stuck");
			log_s("why", "a file of the drop directory cannot be removed");
			log_end();
			break;
		}
		if (co_sleep(ok ? LOOK_MS : 1000) == WAKE_CANCELLED)
			break;
	}
	(void)disk_close(dirfd);
}

/* SPDX-License-Identifier: ISC */
/*
 * drop: mail that the sendmail command left in the drop directory while no server ran.
 *
 * The format is that of spool/drop.h.
 * Each is committed like any message and then unlinked; a crash in between delivers it twice,
 * never not at all.  What does not parse stays and is
 * named in the log.
 */
#include "queue/parts.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/cur.h"
#include "base/num.h"
#include "mail/path.h"
#include "mail/smtp.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/log.h"
#include "spool/drop.h"

enum { FILE_MAX = 64 << 20, LOOK_MS = 10'000, NAME_MAX_LEN = 200 };

static bool
address(struct str s, struct arena *a, struct str *out)
{
	const struct path_rules rules = { .arena = a, .utf8 = true };
	struct perr err = {};
	struct path p;

	if (!path_parse(s, &rules, &p, &err))
		return false;
	*out = path_text(&p, a);
	return out->p != NULL;
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
drop_envelope(const struct drop *d, struct arena *a, struct spool_env *env)
{
	*env = (struct spool_env){
		.null_sender = d->from.n == 0, .envid = d->envid,
		.ret = str_ieq(d->ret, STR("FULL")) ? 1 : str_ieq(d->ret, STR("HDRS")) ? 2 : 0,
		.listener_kind = L_LOCAL, .listener = STR("drop"), .with = STR("local"),
		.body = SPOOL_8BITMIME,
	};
	if (d->from.n > 0 && !address(d->from, a, &env->sender))
		return false;
	env->rcpt = arena_zalloc(a, d->nrcpt * sizeof *env->rcpt);
	if (!env->rcpt)
		return false;
	for (size_t i = 0; i < d->nrcpt; i++) {
		env->rcpt[i].notify = notify_bits(d->notify);
		if (!address(d->rcpt[i], a, &env->rcpt[i].addr))
			return false;
	}
	env->nrcpt = d->nrcpt;
	return true;
}

/* The owner is who sent it: the directory can be written by all, so nothing in the file says. */
static struct str
drop_owner(int fd, struct arena *a)
{
	struct stat st;

	if (clock_is_simulated() || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return (struct str){};
	return str_fmt(a, "uid:%u", (unsigned)st.st_uid);
}

static bool
drop_read(int dirfd, const char *name, struct arena *a, struct str *out, struct str *owner)
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
		*owner = drop_owner(fd, a);
	}
	(void)disk_close(fd);
	return ok;
}

static enum spool
drop_commit(struct queue *q, const struct spool_env *env, struct str content, uint64_t *id)
{
	struct spool_draft *sd;
	enum spool r;

	sd = sd_begin(q->writer, &r);
	if (!sd)
		return r;
	r = sd_write(sd, content);
	if (r == SPOOL_OK)
		r = sd_commit(sd, env, (struct str){}, id);
	if (r != SPOOL_OK)
		sd_drop(sd);
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

static bool
drop_take(struct queue *q, int dirfd, const char *name)
{
	struct str text, owner = {};
	struct spool_env env;
	struct perr err = {};
	struct arena a;
	struct drop d;
	uint64_t id = 0;
	bool ok = true;

	arena_init(&a, FILE_MAX + (8 << 20));
	if (!drop_read(dirfd, name, &a, &text, &owner) || !drop_parse(text, &a, &d, &err) ||
	    !drop_envelope(&d, &a, &env)) {
		log_begin(LOG_WARN, "drop_strange");
		log_s("file", name);
		log_s("why", err.what);
		log_end();
		arena_done(&a);
		return true;
	}
	env.auth_id = owner;
	env.received_ms = queue_wall_ms(q);
	if (drop_commit(q, &env, d.message, &id) == SPOOL_OK) {
		(void)disk_unlinkat(dirfd, name);
		log_accepted(&env, id);
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
	for (size_t i = 0; i < ns.n && ok && !q->stopping; i++)
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

		if (co_sleep(ok ? LOOK_MS : 1000) == WAKE_CANCELLED)
			break;
	}
	(void)disk_close(dirfd);
}

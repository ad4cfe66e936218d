/* SPDX-License-Identifier: ISC */
/*
 * dirs: the spool, run and data directories, made and owned as their roles need.
 *
 * Started as root: the spool belongs to pool (which alone creates files in it) and is readable by
 * its group, which the roles that read mail join; what sendmail leaves in spool/drop belongs to
 * queue; the data directory belongs to lookup; an empty
 * folder for virtual mailboxes to the mail user.  Started as anybody else everything is the
 * caller's.  The control socket is for its owner alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "main/keeper.h"

static bool
complain(struct str *why, struct str path, const char *what)
{
	struct buf b;

	buf_init(&b, 8192);
	buf_putf(&b, STR_F ": %s (errno %d)\n", STR_A(path), what, errno);
	*why = buf_str(&b);
	return false;
}

/* mkdir -p; leading ones are 0755. */
static bool
make_path(const char *path, mode_t mode)
{
	char *z = strdup(path);
	bool ok;

	if (!z)
		abort();
	for (char *p = z + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(z, 0755);
		*p = '/';
	}
	ok = mkdir(z, mode) == 0 || errno == EEXIST;
	free(z);
	return ok;
}

/* An open directory, made if missing, with that owner (when root) and mode; -1. */
static int
own_dir(const struct keeper *k, struct str path, mode_t mode, const struct role_id *owner)
{
	char *z = strndup(path.p, path.n);
	int fd = -1;

	if (!z)
		abort();
	if (make_path(z, mode))
		fd = open(z, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(z);
	if (fd != -1 && k->root && owner &&
	    (fchown(fd, owner->uid, owner->gid) == -1 || fchmod(fd, mode) == -1)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
chown_entries(int dir, const struct role_id *owner)
{
	static const char *const parts[] = { "log", "big", "journal" };

	for (size_t i = 0; i < COUNT(parts); i++)
		(void)!fchownat(dir, parts[i], owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW);
}

/* Everybody may put a file there, nobody may look; files take the group of queue, which reads and
 * removes them, whoever made them. */
static bool
open_drop(const struct keeper *k)
{
	const struct role_id *owner = &k->gen->cfg->role[ROLE_QUEUE];
	int fd;

	if (mkdirat(k->spool, "drop", 0700) == -1 && errno != EEXIST)
		return false;
	fd = openat(k->spool, "drop", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	bool ok = (!k->root || fchown(fd, owner->uid, owner->gid) == 0) && fchmod(fd, 03733) == 0;

	close(fd);
	return ok;
}

/* One server for a spool.  The roles of a keeper that was killed hold the lock until they have seen
 * it and ended: a service manager that starts us again at once must not fail for that. */
static bool
lock_spool(int fd)
{
	enum { TRIES = 60, PAUSE_US = 50'000 };

	for (int i = 0; i < TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		(void)usleep(PAUSE_US);
	}
	return false;
}

static bool
open_spool(struct keeper *k, struct str *why)
{
	const struct config *cfg = k->gen->cfg;

	k->spool = own_dir(k, cfg->spool_dir, 0751, &cfg->role[ROLE_POOL]);
	if (k->spool == -1)
		return complain(why, cfg->spool_dir, "spool directory cannot be used");
	if (faccessat(k->spool, ".", W_OK | X_OK, AT_EACCESS) == -1)
		return complain(why, cfg->spool_dir,
		    "spool directory is not writable for this user: chown it");
	if (!lock_spool(k->spool))
		return complain(why, cfg->spool_dir, "spool is in use by another postern");
	if (k->root)
		chown_entries(k->spool, &cfg->role[ROLE_POOL]);
	if (!open_drop(k))
		return complain(why, cfg->spool_dir, "drop directory in it cannot be made");
	return true;
}

static bool
open_control(struct keeper *k, struct str *why)
{
	const struct config *cfg = k->gen->cfg;
	struct str path;
	struct arena a;
	int run = own_dir(k, cfg->run_dir, 0755, NULL);

	if (run == -1)
		return complain(why, cfg->run_dir, "run directory cannot be used");
	close(run);
	arena_init(&a, 16384);
	path = str_cat(&a, cfg->run_dir, STR("/control"));
	k->control = listen_unix(path, 0600);
	arena_done(&a);
	if (k->control == -1)
		return complain(why, cfg->run_dir, "control socket cannot be made");
	return true;
}

/* ---- mailboxes ---- */

static bool
is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy == -1 ? NULL : fdopendir(copy);
	size_t n = 0;

	while (d && n <= 2 && readdir(d))
		n++;
	if (d)
		closedir(d);
	return d && n <= 2;			/* "." and ".." */
}

/* The folder that holds a domain's virtual mailboxes: what stands before the first placeholder.  It
 * is made where it is missing, and given to the mail user while it is empty and root's. */
static void
mail_base(const struct keeper *k, const struct config *cfg, const struct domain *d)
{
	const struct role_id local = cfg->role[ROLE_LOCAL];
	struct role_id owner = d->mail_ids_set ?
	    (struct role_id){ d->mail_uid, d->mail_gid } : local;
	ssize_t brace = str_chr(d->maildir, '{'), slash;
	struct stat st;
	int dir;

	if (d->deliver != DLV_MAILDIR || d->users == USERS_SYSTEM || brace <= 0)
		return;
	slash = str_rchr(str_sub(d->maildir, 0, (size_t)brace), '/');
	if (slash <= 0)
		return;
	dir = own_dir(k, str_sub(d->maildir, 0, (size_t)slash), 0750, NULL);
	if (dir == -1)
		return;				/* local will say so for each message */
	if (k->root && fstat(dir, &st) == 0 && st.st_uid == 0 && is_empty(dir))
		(void)!fchown(dir, owner.uid, owner.gid);
	close(dir);
}

void
dirs_mail(const struct keeper *k, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->ndomain; i++)
		mail_base(k, cfg, &cfg->domain[i]);
}

bool
dirs_open(struct keeper *k, struct str *why)
{
	const struct config *cfg = k->gen->cfg;
	int data;

	if (!open_spool(k, why) || !open_control(k, why))
		return false;
	data = own_dir(k, cfg->data_dir, 0750, &cfg->role[ROLE_LOOKUP]);
	if (data == -1)
		return complain(why, cfg->data_dir, "data directory cannot be used");
	close(data);
	dirs_mail(k, cfg);
	return true;
}

void
dirs_close(struct keeper *k)
{
	struct str run = k->gen->cfg->run_dir;
	struct arena a;
	char *z;

	if (k->control == -1)
		return;
	arena_init(&a, 16384);
	z = str_z(&a, str_cat(&a, run, STR("/control")));
	if (z)
		(void)unlink(z);
	arena_done(&a);
}

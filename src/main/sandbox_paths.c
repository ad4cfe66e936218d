/* SPDX-License-Identifier: ISC */
/*
 * sandbox_paths: Landlock, by its system calls, at whatever version the kernel has.
 *
 * Everything the kernel can handle is handled, that is forbidden; then the paths of the table are
 * opened again.  Paths that do not exist give no rule.  Without Landlock: a line in the log, and
 * the system call filter and file permissions remain.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "conf/config.h"
#include "main/sandbox.h"
#include "rt/log.h"

/* Newer than the headers we may be built with; the numbers are the kernel's interface. */
#define FS_REFER	(1ull << 13)		/* version 2 */
#define FS_TRUNCATE	(1ull << 14)		/* version 3 */
#define FS_IOCTL_DEV	(1ull << 15)		/* version 5 */
#define NET_BIND	(1ull << 0)		/* version 4 */
#define NET_CONNECT	(1ull << 1)
#define RULE_NET_PORT	2
#define SCOPE_ABSTRACT	(1ull << 0)		/* version 6 */
#define SCOPE_SIGNAL	(1ull << 1)

#define FS_FIRST	((1ull << 13) - 1)	/* all of version 1 */
#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
#define FS_ON_FILE	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

struct ruleset_attr { uint64_t fs, net, scoped; };

struct rules {
	int fd;
	uint64_t handled;
	struct arena a;
};

static bool
handled(int version, bool connects, struct ruleset_attr *r, size_t *size)
{
	*r = (struct ruleset_attr){ .fs = FS_FIRST };
	*size = sizeof(r->fs);
	if (version >= 2)
		r->fs |= FS_REFER;
	if (version >= 3)
		r->fs |= FS_TRUNCATE;
	if (version >= 4) {
		r->net = connects ? 0 : NET_BIND | NET_CONNECT;
		*size = 2 * sizeof(uint64_t);
	}
	if (version >= 5)
		r->fs |= FS_IOCTL_DEV;
	if (version >= 6) {
		r->scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		*size = sizeof(*r);
	}
	return version >= 1;
}

static void
allow(struct rules *r, struct str path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access & r->handled };
	char *z = str_z(&r->a, path);
	struct stat st;

	rule.parent_fd = z && path.n ? open(z, O_PATH | O_CLOEXEC) : -1;
	if (rule.parent_fd == -1)
		return;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_ON_FILE;
	(void)syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* The folder of a file, so that an edited file (a new inode) can still be read.  A folder that
 * holds the secrets of others is not opened for a table's sake: there the file alone, and an
 * editor's new inode is seen after a reload. */
static void
allow_folder(struct rules *r, struct str file)
{
	ssize_t slash = str_rchr(file, '/');
	struct str folder = str_sub(file, 0, slash > 0 ? (size_t)slash : 0);

	if (folder.n == 0 || str_eq(folder, STR("/etc")) || str_eq(folder, STR("/root")))
		allow(r, file, FS_READ);
	else
		allow(r, folder, FS_READ);
}

/* "/var/mail/{domain}/{user}": the part before the first brace. */
static void
allow_template(struct rules *r, struct str maildir)
{
	ssize_t brace = str_chr(maildir, '{');
	struct str fixed = brace == -1 ? maildir : str_sub(maildir, 0, (size_t)brace);
	ssize_t slash = str_rchr(fixed, '/');

	if (slash > 0) {
		fixed = str_sub(fixed, 0, (size_t)slash);
		allow(r, fixed, FS_WRITE);
	} else if (str_starts(maildir, STR("{home}"))) {
		allow(r, STR("/home"), FS_WRITE);
		allow(r, STR("/var/mail"), FS_WRITE);
	}
}

static void
allow_tables(struct rules *r, const struct config *cfg)
{
	allow_folder(r, cfg->routes_file);
	for (size_t i = 0; i < cfg->ndomain; i++) {
		allow_folder(r, cfg->domain[i].users_file);
		allow_folder(r, cfg->domain[i].aliases_file);
		allow_folder(r, cfg->domain[i].virtusers_file);
		allow_folder(r, cfg->domain[i].forwards_file);
	}
	for (size_t i = 0; i < cfg->ngrant; i++)
		allow_folder(r, cfg->grant[i].recipients_file);
}

/* TCP ports of the filters.  (Unix sockets have permissions of their own.) */
static void
allow_filters(struct rules *r, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->nfilter; i++) {
		struct net_port { uint64_t access, port; } rule = {
			.access = NET_CONNECT, .port = cfg->filter[i].port,
		};

		if (cfg->filter[i].path.n == 0)
			(void)syscall(SYS_landlock_add_rule, r->fd, RULE_NET_PORT, &rule, 0);
	}
}

static void
allow_system_users(struct rules *r)
{
	allow(r, STR("/etc/passwd"), FS_READ);
	allow(r, STR("/etc/group"), FS_READ);
	allow(r, STR("/etc/nsswitch.conf"), FS_READ);
	allow(r, STR("/etc/localtime"), FS_READ);
	allow(r, STR("/usr/share/zoneinfo"), FS_READ);
	allow(r, STR("/usr/lib"), FS_READ | LANDLOCK_ACCESS_FS_EXECUTE);
	allow(r, STR("/lib"), FS_READ | LANDLOCK_ACCESS_FS_EXECUTE);
	allow(r, STR("/etc/ld.so.cache"), FS_READ);
}

static void
allow_paths(struct rules *r, const struct config *cfg, unsigned paths)
{
	if (paths & (PATH_SPOOL_READ | PATH_SPOOL_WRITE))
		allow(r, cfg->spool_dir, paths & PATH_SPOOL_WRITE ? FS_WRITE : FS_READ);
	if (paths & PATH_DROP)
		allow(r, str_cat(&r->a, cfg->spool_dir, STR("/drop")), FS_WRITE);
	if (paths & PATH_TABLES)
		allow_tables(r, cfg);
	if (paths & PATH_DATA)
		allow(r, cfg->data_dir, FS_WRITE);
	if (paths & PATH_SYSTEM_USERS)
		allow_system_users(r);
	if (paths & PATH_MAILBOXES)
		for (size_t i = 0; i < cfg->ndomain; i++)
			allow_template(r, cfg->domain[i].maildir);
}

bool
landlock_prepare(const struct role_env *env, const struct sandbox_spec *spec, int *ruleset)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset_attr attr;
	struct rules r;
	size_t size;

	*ruleset = -1;
	if (!handled(version, spec->calls & CALLS_CONNECT, &attr, &size)) {
		log_begin(LOG_WARN, "landlock_missing");
		log_end();
		return true;
	}
	r = (struct rules){ .handled = attr.fs };
	r.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (r.fd == -1)
		return false;
	arena_init(&r.a, 1u << 20);
	allow_paths(&r, env->cfg, spec->paths);
	if (spec->filters && attr.net != 0)
		allow_filters(&r, env->cfg);
	arena_done(&r.a);
	*ruleset = r.fd;
	return true;
}

bool
landlock_enter(int ruleset)
{
	bool ok = ruleset == -1 || syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;

	if (ruleset != -1)
		close(ruleset);
	return ok;
}

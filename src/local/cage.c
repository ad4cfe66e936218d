/* SPDX-License-Identifier: ISC */
/*
 * cage: see cage.h.
 */
#include "local/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static bool
become(uid_t uid, gid_t gid)
{
	if (uid == 0 && geteuid() == 0)
		return false;		/* mail is never written as root */
	if (geteuid() == uid)
		return true;
	return setgroups(1, &gid) == 0 && setresgid(gid, gid, gid) == 0 &&
	    setresuid(uid, uid, uid) == 0;
}

/* Without Landlock in the kernel the user's own rights are the limit. */
static bool
fence(const char *base)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
		    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
		    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		    LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	struct landlock_path_beneath_attr below = {
		.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG,
	};
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 1)
		return true;
#ifdef LANDLOCK_ACCESS_FS_REFER
	if (abi >= 2) {
		/* tmp/ to new/ is a move between directories */
		all.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
		below.allowed_access |= LANDLOCK_ACCESS_FS_REFER;
	}
#else
	if (abi < 2)
		return true;
#endif
	int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);

	below.parent_fd = open(base, O_PATH | O_CLOEXEC | O_DIRECTORY);
	bool good = rules != -1 && (below.parent_fd == -1 ||
	    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0);

	good = good && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	if (below.parent_fd != -1)
		(void)close(below.parent_fd);
	if (rules != -1)
		(void)close(rules);
	return good;
}

static bool
filter(void)
{
	static const int allowed[] = {
		SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(openat2),
		SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(close), SCMP_SYS(fstat),
		SCMP_SYS(newfstatat), SCMP_SYS(geteuid), SCMP_SYS(getegid), SCMP_SYS(mkdirat),
		SCMP_SYS(write), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(syncfs),
		SCMP_SYS(renameat2), SCMP_SYS(linkat), SCMP_SYS(unlinkat), SCMP_SYS(brk),
		SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(exit_group), SCMP_SYS(exit),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(futex),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool good = ctx != NULL;

	for (size_t i = 0; i < COUNT(allowed) && good; i++)
		good = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
	good = good && seccomp_load(ctx) == 0;
	if (ctx != NULL)
		seccomp_release(ctx);
	return good;
}

bool
cage_enter(uid_t uid, gid_t gid, const char *base)
{
	struct rlimit none = {};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(077);
	/* A sanitizer's own calls are in no list. */
	return become(uid, gid) && prctl(PR_SET_DUMPABLE, 0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && fence(base) &&
	    (SANITIZED || filter());
}

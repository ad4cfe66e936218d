/* SPDX-License-Identifier: ISC */
/*
 * cage: see cage.h.
 */
#include "sasl/cage.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"
#include "conf/config.h"

enum { MEMORY_MAX_GIB = 4 };

static bool
become(const struct role_id *id, bool pam)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {};
	bool root = geteuid() == 0;

	if (root && !pam) {
		(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		if (setgroups(0, NULL) == -1 || setresgid(id->gid, id->gid, id->gid) == -1 ||
		    setresuid(id->uid, id->uid, id->uid) == -1)
			return false;
		/* as lookup itself: its files may be root's alone */
		d[0].permitted = d[0].effective = 1u << CAP_DAC_READ_SEARCH;
	}
	for (unsigned long c = 0; root && c < 64; c++)
		(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	return syscall(SYS_capset, &h, d) == 0;
}

/* Reading is by the user's rights; nothing is written anywhere. */
static bool
no_writing(void)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
		    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		    LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	bool good;

	if (rules == -1)
		return errno == ENOSYS || errno == EOPNOTSUPP;	/* the filter below remains */
	good = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	(void)close(rules);
	return good;
}

static bool
filter(void)
{
	static const int deadly[] = {
		SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(init_module),
		SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
		SCMP_SYS(kexec_file_load), SCMP_SYS(mount), SCMP_SYS(umount2),
		SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare),
		SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
		SCMP_SYS(io_uring_setup), SCMP_SYS(reboot), SCMP_SYS(swapon),
		SCMP_SYS(open_by_handle_at), SCMP_SYS(pidfd_getfd), SCMP_SYS(fork),
		SCMP_SYS(vfork), SCMP_SYS(kcmp), SCMP_SYS(listen),
	};
	static const int refused[] = {
		SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(pidfd_send_signal), SCMP_SYS(setuid),
		SCMP_SYS(setresuid), SCMP_SYS(setgid), SCMP_SYS(setresgid), SCMP_SYS(add_key),
		SCMP_SYS(keyctl), SCMP_SYS(request_key), SCMP_SYS(truncate), SCMP_SYS(unlink),
		SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	bool good = f != NULL;

	for (size_t i = 0; i < COUNT(deadly) && good; i++)
		good = deadly[i] < 0 ||
		    seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0) == 0;
	for (size_t i = 0; i < COUNT(refused) && good; i++)
		good = refused[i] < 0 ||
		    seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), refused[i], 0) == 0;
	good = good && seccomp_load(f) == 0;
	seccomp_release(f);
	return good;
}

bool
cage_enter_check(const struct config *cfg, bool pam)
{
	const rlim_t most = (rlim_t)MEMORY_MAX_GIB << 30;
	struct rlimit none = {}, memory = { most, most };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_AS, &memory);
	(void)umask(077);
	return become(&cfg->role[ROLE_LOOKUP], pam) && prctl(PR_SET_DUMPABLE, 0) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    no_writing() && filter();
}

void
cage_title(const char *title)
{
	size_t n = strlen(program_invocation_name);

	if (strlen(title) <= n) {
		memset(program_invocation_name, '\0', n);
		memcpy(program_invocation_name, title, strlen(title));
	}
}

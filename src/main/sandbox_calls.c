/* SPDX-License-Identifier: ISC */
/*
 * sandbox_calls: the system call filter: sets of calls, and what becomes of all others.
 *
 * Not in any of a role's sets: EPERM.  Newer calls that the C library tries first and falls back
 * from: ENOSYS.  What only an intruder would try: the process is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "main/sandbox.h"

#define CALL(name) SCMP_SYS(name)

static const int always[] = {
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(preadv),
	CALL(close), CALL(lseek), CALL(fstat), CALL(fcntl), CALL(dup), CALL(ioctl),
	CALL(recvmsg), CALL(sendmsg), CALL(recvfrom), CALL(recvmmsg), CALL(sendmmsg),
	CALL(shutdown), CALL(getsockopt), CALL(setsockopt), CALL(getsockname), CALL(getpeername),
	CALL(poll), CALL(ppoll), CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait),
	CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd2), CALL(timerfd_create),
	CALL(timerfd_settime), CALL(signalfd4), CALL(pipe2),
	CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time),
	CALL(nanosleep), CALL(clock_nanosleep),
	CALL(futex), CALL(sched_yield), CALL(sched_getaffinity), CALL(set_robust_list), CALL(rseq),
	CALL(membarrier), CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack),
	CALL(restart_syscall), CALL(exit), CALL(exit_group),
	CALL(getpid), CALL(getppid), CALL(gettid), CALL(getuid), CALL(geteuid), CALL(getgid),
	CALL(getegid), CALL(getrandom), CALL(getrusage), CALL(getrlimit), CALL(sysinfo),
	CALL(uname), CALL(getcpu), CALL(times),
};

static const int accepts[] = { CALL(accept4), CALL(accept) };
static const int connects[] = { CALL(connect), CALL(bind), CALL(sendto) };
static const int opens[] = {
	CALL(newfstatat), CALL(stat), CALL(lstat), CALL(access), CALL(faccessat), CALL(faccessat2),
	CALL(getdents64), CALL(readlinkat), CALL(readlink), CALL(fstatfs), CALL(statfs),
	CALL(statx), CALL(readahead), CALL(fadvise64), CALL(flock),
};
static const int open_writes[] = {
	CALL(openat), CALL(open), CALL(mkdirat), CALL(mkdir), CALL(renameat), CALL(renameat2),
	CALL(rename), CALL(unlinkat), CALL(unlink), CALL(rmdir), CALL(linkat), CALL(link),
	CALL(symlinkat), CALL(fchmod), CALL(fchmodat), CALL(fchown), CALL(fchownat), CALL(umask),
	CALL(utimensat), CALL(openat2),
};
static const int removes[] = { CALL(unlinkat), CALL(renameat) };
static const int writes[] = {
	CALL(pwrite64), CALL(pwritev), CALL(pwritev2), CALL(fdatasync), CALL(fsync),
	CALL(syncfs), CALL(sync_file_range), CALL(fstatfs), CALL(flock), CALL(copy_file_range),
};
static const int prepares[] = { CALL(fallocate), CALL(ftruncate), CALL(truncate) };
static const int memfds[] = { CALL(memfd_create), CALL(ftruncate) };
static const int forks[] = {
	CALL(clone), CALL(fork), CALL(vfork), CALL(wait4), CALL(waitid), CALL(kill),
	CALL(socketpair), CALL(dup2), CALL(dup3), CALL(close_range), CALL(pidfd_open),
	CALL(pidfd_send_signal), CALL(prctl), CALL(setpgid), CALL(setsid), CALL(setrlimit),
	CALL(prlimit64), CALL(chdir), CALL(fchdir), CALL(alarm), CALL(setitimer),
	/* a child closes its own, narrower sandbox */
	CALL(seccomp), CALL(landlock_create_ruleset), CALL(landlock_add_rule),
	CALL(landlock_restrict_self),
};
static const int users[] = {
	CALL(setresgid), CALL(setgroups), CALL(setgid), CALL(capset), CALL(capget),
	CALL(getresuid), CALL(getresgid), CALL(getgroups),
};
static const int mlocks[] = { CALL(mlock), CALL(mlock2), CALL(munlock), CALL(mlockall) };
static const int watches[] = {
	CALL(inotify_init1), CALL(inotify_add_watch), CALL(inotify_rm_watch),
};

/* The C library tries these first and knows what to do without. */
static const int unknown[] = {
	CALL(clone3), CALL(openat2), CALL(faccessat2), CALL(fchmodat), CALL(statx),
	CALL(futex_waitv), CALL(epoll_pwait2), CALL(close_range),
};

static const int deadly[] = {
	CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(init_module), CALL(finit_module), CALL(delete_module),
	CALL(kexec_load), CALL(kexec_file_load), CALL(mount), CALL(umount2), CALL(pivot_root),
	CALL(chroot), CALL(setns), CALL(unshare), CALL(bpf), CALL(perf_event_open),
	CALL(userfaultfd), CALL(io_uring_setup), CALL(io_uring_enter), CALL(add_key),
	CALL(request_key), CALL(keyctl), CALL(swapon), CALL(swapoff), CALL(reboot),
	CALL(open_by_handle_at), CALL(name_to_handle_at), CALL(acct), CALL(quotactl),
	CALL(modify_ldt), CALL(personality), CALL(kcmp), CALL(pidfd_getfd),
};

static const struct {
	unsigned bit;
	const int *call;
	size_t n;
} sets[] = {
	{ 0, always, COUNT(always) },
	{ CALLS_ACCEPT, accepts, COUNT(accepts) },
	{ CALLS_CONNECT, connects, COUNT(connects) },
	{ CALLS_OPEN_READ, opens, COUNT(opens) },
	{ CALLS_OPEN_WRITE, open_writes, COUNT(open_writes) },
	{ CALLS_WRITE, writes, COUNT(writes) },
	{ CALLS_PREPARE, prepares, COUNT(prepares) },
	{ CALLS_MEMFD, memfds, COUNT(memfds) },
	{ CALLS_FORK, forks, COUNT(forks) },
	{ CALLS_USERS, users, COUNT(users) },
	{ CALLS_MLOCK, mlocks, COUNT(mlocks) },
	{ CALLS_WATCH, watches, COUNT(watches) },
	{ CALLS_REMOVE, removes, COUNT(removes) },
};

static struct scmp_arg_cmp
arg(unsigned n, enum scmp_compare how, scmp_datum_t a, scmp_datum_t b)
{
	return (struct scmp_arg_cmp){ .arg = n, .op = how, .datum_a = a, .datum_b = b };
}

static bool
allow_if(scmp_filter_ctx f, int call, struct scmp_arg_cmp cmp)
{
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &cmp) == 0;
}

/* Calls whose arguments matter. */
static bool
add_conditions(scmp_filter_ctx f, const struct sandbox_spec *spec)
{
	scmp_datum_t self = (scmp_datum_t)getpid();
	bool ok = allow_if(f, CALL(mmap), arg(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) &&
	    allow_if(f, CALL(mprotect), arg(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) &&
	    allow_if(f, CALL(tgkill), arg(0, SCMP_CMP_EQ, self, 0)) &&	/* abort() */
	    allow_if(f, CALL(prlimit64), arg(2, SCMP_CMP_EQ, 0, 0));	/* reading limits */

	if (!(spec->calls & CALLS_OPEN_READ))		/* fstat, as the C library spells it */
		ok = ok && allow_if(f, CALL(newfstatat),
		    arg(3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	if (!(spec->calls & CALLS_CONNECT))		/* send(): no address */
		ok = ok && allow_if(f, CALL(sendto), arg(4, SCMP_CMP_EQ, 0, 0));
	if ((spec->calls & CALLS_OPEN_READ) && !(spec->calls & CALLS_OPEN_WRITE))
		ok = ok && allow_if(f, CALL(openat),
		    arg(2, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
	if (spec->calls & CALLS_CONNECT)
		ok = ok && allow_if(f, CALL(socket), arg(0, SCMP_CMP_EQ, AF_INET, 0)) &&
		    allow_if(f, CALL(socket), arg(0, SCMP_CMP_EQ, AF_INET6, 0)) &&
		    allow_if(f, CALL(socket), arg(0, SCMP_CMP_EQ, AF_UNIX, 0));
	if (spec->calls & CALLS_USERS) {		/* anybody but root */
		struct scmp_arg_cmp ids[] = {
			arg(0, SCMP_CMP_NE, 0, 0), arg(1, SCMP_CMP_NE, 0, 0),
			arg(2, SCMP_CMP_NE, 0, 0),
		};

		ok = ok && seccomp_rule_add_array(f, SCMP_ACT_ALLOW, CALL(setresuid), 3,
		    ids) == 0;
	}
	return ok;
}

static bool
is_allowed(const struct sandbox_spec *spec, int call)
{
	for (size_t i = 0; i < COUNT(sets); i++)
		for (size_t j = 0; j < sets[i].n; j++)
			if ((!sets[i].bit || spec->calls & sets[i].bit) && sets[i].call[j] == call)
				return true;
	return false;
}

static bool
add_all(scmp_filter_ctx f, const struct sandbox_spec *spec)
{
	for (size_t i = 0; i < COUNT(sets); i++)
		for (size_t j = 0; j < sets[i].n; j++)
			if ((!sets[i].bit || spec->calls & sets[i].bit) && sets[i].call[j] >= 0)
				(void)seccomp_rule_add(f, SCMP_ACT_ALLOW, sets[i].call[j], 0);
	for (size_t i = 0; i < COUNT(unknown); i++)
		if (unknown[i] >= 0 && !is_allowed(spec, unknown[i]))
			(void)seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), unknown[i], 0);
	for (size_t i = 0; i < COUNT(deadly); i++)
		if (deadly[i] >= 0 &&
		    seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0) != 0)
			return false;
	return add_conditions(f, spec);
}

bool
seccomp_enter(const struct sandbox_spec *spec)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok = f && seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
	    seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && add_all(f, spec) &&
	    seccomp_load(f) == 0;

	seccomp_release(f);
	return ok;
}

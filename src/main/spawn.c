/* SPDX-License-Identifier: ISC */
/*
 * spawn: one role process: fork, fixed descriptors, exec of ourselves.
 *
 * The new process is /proc/self/exe, so it has a fresh address space and fresh canaries.  It gets
 * descriptor 3 (control) and 4 (log, also 1 and 2), /dev/null as 0, and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "main/keeper.h"

extern char **environ;

enum { FD_CTL = 3, FD_LOG = 4, EXEC_FAILED = 71 };

/* TZ and the options of sanitizers and coverage; nothing else of our environment is theirs. */
static char **
role_environment(void)
{
	static const char *const keep[] = {
		"TZ=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=", "LLVM_PROFILE_FILE=",
	};
	static char *env[8];
	size_t n = 0;

	for (char **e = environ; *e; e++)
		for (size_t i = 0; i < COUNT(keep) && n < COUNT(env) - 1; i++)
			if (strncmp(*e, keep[i], strlen(keep[i])) == 0)
				env[n++] = *e;
	env[n] = NULL;
	return env;
}

static void
child_side(char *title, int ctl, int log, pid_t keeper)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *argv[] = { title, NULL };

	ctl = fcntl(ctl, F_DUPFD_CLOEXEC, 10);
	log = fcntl(log, F_DUPFD_CLOEXEC, 10);
	if (null == -1 || ctl == -1 || log == -1)
		_exit(EXEC_FAILED);
	if (dup2(null, 0) == -1 || dup2(log, 1) == -1 || dup2(log, 2) == -1 ||
	    dup2(ctl, FD_CTL) == -1 || dup2(log, FD_LOG) == -1)
		_exit(EXEC_FAILED);
	(void)close_range(FD_LOG + 1, ~0u, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < 32; s++)
		(void)signal(s, SIG_DFL);
	/* Those that a terminal or service manager sends to all are keeper's to understand. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)setsid();
	/* Cleared by setresuid; sandbox.c sets it again. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(EXEC_FAILED);
	(void)execve("/proc/self/exe", argv, role_environment());
	_exit(EXEC_FAILED);
}

bool
spawn_role(struct child *c, int *ctl_fd)
{
	pid_t keeper = getpid();
	int pair[2], log;
	char title[64];

	(void)snprintf(title, sizeof(title), "postern: %s %u", role_word(c->role), c->index);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	log = klog_pipe();
	c->pid = log == -1 ? -1 : fork();
	if (c->pid == 0)
		child_side(title, pair[1], log, keeper);
	close(pair[1]);
	if (log != -1)
		close(log);
	c->exit.fd = c->pid == -1 ? -1 : pidfd_open(c->pid, 0);
	if (c->exit.fd == -1) {
		close(pair[0]);
		if (c->pid > 0)
			(void)kill(c->pid, SIGKILL);
		c->pid = 0;
		return false;
	}
	*ctl_fd = pair[0];
	return true;
}

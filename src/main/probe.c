/* SPDX-License-Identifier: ISC */
/*
 * probe: `postern run --sandbox-probe ROLE`: the role itself, after its sandbox, tries what is
 * forbidden and reports what it got.
 *
 * Each attempt is told to keeper before the next begins; one that kills the role is noted by keeper
 * from the exit status, and the role is started again from the next attempt on.  So the same
 * binary that serves mail proves its own walls.  The output is one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "main/keeper.h"
#include "main/sandbox.h"

/* ---- in the role: each answers -1 with errno when refused ---- */

static long
try_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long
try_open_shadow(void)
{
	return open("/etc/shadow", O_RDONLY | O_CLOEXEC);
}

static long
try_create(void)
{
	return open("/tmp/postern-probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long
try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long
try_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}

/* With a socket if one can be had; the call itself is what is tried. */
static long
try_connect(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long rc;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rc = connect(fd == -1 ? 4 : fd, (struct sockaddr *)&in, sizeof(in));
	if (rc == -1 && fd != -1 && errno == ECONNREFUSED)
		rc = 0;				/* it was allowed to try */
	return rc;
}

static long
try_bind(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&in,
	    sizeof(in));
}

static long
try_kill(void)
{
	return kill(getppid(), 0);
}

static long
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return pid;
}

static long
try_mmap_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long
try_setuid(void)
{
	return setresuid(0, 0, 0);
}

static long
try_core(void)
{
	struct rlimit r = { 1 << 20, 1 << 20 };

	return setrlimit(RLIMIT_CORE, &r);
}

static long
try_execve(void)
{
	char *argv[] = { (char *)"true", NULL };

	return execve("/bin/true", argv, argv + 1);
}

static long
try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long
try_mount(void)
{
	return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}

static long
try_unshare(void)
{
	return syscall(SYS_unshare, 0x10000000);	/* a user namespace */
}

static long
try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static const struct { const char *name; long (*run)(void); } attempts[] = {
	{ "open /etc/passwd", try_open },
	{ "open /etc/shadow", try_open_shadow },
	{ "create /tmp/postern-probe", try_create },
	{ "socket inet", try_socket },
	{ "socket packet", try_packet_socket },
	{ "connect", try_connect },
	{ "bind", try_bind },
	{ "kill keeper", try_kill },
	{ "fork", try_fork },
	{ "mmap exec", try_mmap_exec },
	{ "setresuid 0", try_setuid },
	{ "raise core limit", try_core },
	{ "execve", try_execve },
	{ "ptrace keeper", try_ptrace },
	{ "mount", try_mount },
	{ "unshare", try_unshare },
	{ "bpf", try_bpf },
};

static void
tell(struct role_env *env, size_t i, long rc, int err)
{
	char json[256];
	int n;

	if (rc >= 0)
		n = snprintf(json, sizeof(json), "{\"try\":\"%s\",\"allowed\":true}",
		    attempts[i].name);
	else
		n = snprintf(json, sizeof(json), "{\"try\":\"%s\",\"errno\":\"%s\"}",
		    attempts[i].name, strerrorname_np(err) ?: "?");
	role_env_probe_answer(env, str_from(json, (size_t)n));
}

void
probe_run(struct role_env *env)
{
	uint64_t first = 0;

	(void)!num_parse_u64(role_env_probe(env), &first);
	for (size_t i = first; i < COUNT(attempts); i++) {
		long rc;

		errno = 0;
		rc = attempts[i].run();
		tell(env, i, rc, errno);
	}
	role_env_probe_answer(env, STR("end"));
}

/* ---- in keeper ---- */

struct probe {
	enum role_kind role;
	bool known, ended, printed;
	size_t next;			/* the attempt whose answer is awaited */
	char word[24];
	struct buf out;
};

struct probe *
probe_new(const char *role)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->known = role_of_name(role, &p->role) && p->role != ROLE_KEEPER &&
	    role_def(p->role)->run;
	buf_init(&p->out, 1u << 16);
	buf_putf(&p->out, "{\"role\":\"%s\",\"attempts\":[", role);
	return p;
}

bool
probe_wants(const struct keeper *k, enum role_kind role)
{
	return k->probe->known && k->probe->role == role;
}

struct str
probe_word(const struct keeper *k)
{
	if (!k->probe)
		return (struct str){};
	(void)snprintf(k->probe->word, sizeof(k->probe->word), "%zu", k->probe->next);
	return str_of(k->probe->word);
}

static void
finish(struct keeper *k, int code)
{
	struct probe *p = k->probe;

	if (!p->printed) {
		buf_puts(&p->out, "]}\n");
		(void)!write(1, p->out.p, p->out.n);
	}
	p->printed = p->ended = true;
	k->exit_code = code;
	if (!k->stopping)
		keeper_stop(k, 1000);
}

static void
note(struct probe *p, struct str json)
{
	if (p->next++ > 0)
		buf_puts(&p->out, ",");
	buf_put(&p->out, json);
}

void
probe_result(struct keeper *k, struct str json)
{
	struct probe *p = k->probe;

	if (!p || p->ended)
		return;
	if (str_eq(json, STR("end")))
		finish(k, 0);
	else if (p->next < COUNT(attempts))
		note(p, json);
}

void
probe_death(struct keeper *k, int status)
{
	struct probe *p = k->probe;
	char json[256];
	int n;

	if (p->ended)
		return;
	if (!WIFSIGNALED(status) || p->next >= COUNT(attempts)) {
		finish(k, 70);
		return;
	}
	n = snprintf(json, sizeof(json), "{\"try\":\"%s\",\"killed\":\"SIG%s\"}",
	    attempts[p->next].name, sigabbrev_np(WTERMSIG(status)) ?: "?");
	note(p, str_from(json, (size_t)n));
}

bool
probe_known(const struct probe *p)
{
	return p->known;
}

/* SPDX-License-Identifier: ISC */
/*
 * keeper: the first process: starts, watches and restarts the roles; parses nothing from the net.
 *
 * The state is what is wanted (the current generation, or stopping) and what is (the children).
 * keeper_settle compares the two and acts; it is called after every event and may be called at
 * any time, so no event needs to know what comes next.
 *
 *	child:  (none) -start-> STARTING -ctl_ready-> READY -drain-> DRAINING -exit-> (none)
 *	        any -death-> WAITING (back-off) -start-> STARTING, or (none) when no longer wanted
 *
 *	generation: COMING -all ready-> current -a newer one is-> old -last child ended-> (none)
 */
#ifndef MAIN_KEEPER_H
#define MAIN_KEEPER_H

#include <sys/types.h>

#include "base/list.h"
#include "ipc/ipc.h"
#include "main/roles.h"
#include "rt/loop.h"
#include "rt/timer.h"

struct paper;

struct generation {
	struct link link;
	uint32_t number;
	struct config *cfg;
	int cfg_fd;			/* sealed memfd with the text */
	struct paper *paper;		/* papers.c */
	unsigned workers;		/* of smtpd */
	unsigned sockets;		/* of each listener: workers, or more if there were more */
	int *listen;			/* [socket * nlistener + index]; owned by listen.c */
};

enum child_state { CHILD_WAITING, CHILD_STARTING, CHILD_READY, CHILD_DRAINING };

struct child {
	struct link link;
	struct keeper *k;
	enum role_kind role;
	unsigned index;
	struct generation *gen;
	enum child_state state;
	pid_t pid;			/* 0 while WAITING */
	struct fd_watch exit;		/* on the pidfd */
	bool reaped;			/* it has ended, with this status; last words may follow */
	int status;
	struct ipc *ctl;
	struct timer again;		/* the restart */
	struct timer deadline;		/* of starting, of draining */
	int64_t started_ms;
	unsigned deaths;		/* in a row, without a good life between */
	unsigned restarts;
	uint32_t cookie, sessions;	/* answers of the last ping */
	uint64_t done;
};

struct probe;

struct keeper {
	const char *config_file;
	bool root, spool_made, stopping, ready_said, reloading;
	uint32_t generations;		/* numbers given */
	struct generation *gen;		/* current */
	struct generation *coming;	/* of a reload that is under way */
	struct link gens, children;
	int control;			/* listening control socket */
	int spool;
	int exit_code;
	struct timer kill_all, papers;
	uint64_t papers_seen, papers_judged;	/* papers.c: states of the files */
	struct probe *probe;
};

/* ---- keeper.c ---- */
void keeper_settle(struct keeper *k);
void keeper_stop(struct keeper *k, int within_ms);
/* Something that makes a start senseless: say it on stderr, end with that code. */
void keeper_fail(struct keeper *k, int code);

/* ---- child.c: one process ---- */
struct child *child_find(struct keeper *k, enum role_kind role, unsigned index,
    const struct generation *gen);	/* gen NULL: of any */
void child_start(struct keeper *k, struct generation *gen, enum role_kind role, unsigned index);
void child_drain(struct child *c, int within_ms);
void child_kill(struct child *c);
size_t child_count(const struct keeper *k, const struct generation *gen, bool workers_only);

/* ---- spawn.c: fork, exec, descriptors; false: no process (errno) ---- */
bool spawn_role(struct child *c, int *ctl_fd);

/* ---- wiring.c: what a child is given, and its channels to the others ---- */
void wire_child(struct child *c);

/* ---- generation.c ---- */
/* Read and parse the file.  NULL: mistakes are on fd `say` (or in the log when say is -1). */
struct generation *generation_load(struct keeper *k, struct str *mistakes);
/* The same text again: something it names has changed. */
struct generation *generation_again(struct keeper *k);
void generation_free(struct keeper *k, struct generation *g);

/* ---- listen.c: bound sockets outlive generations ---- */
/* Bind what this configuration needs and is not bound yet.  False: *why says which and why. */
bool listen_bind(struct generation *g, struct str *why);
/* Close those that no generation uses. */
void listen_sweep(struct keeper *k);
/* Close all: the server is stopping. */
void listen_end(void);
/* A listening Unix socket with that mode; a stale name is replaced.  -1: errno. */
int listen_unix(struct str path, unsigned mode);

/* ---- dirs.c: spool and run directories, the control socket ---- */
bool dirs_open(struct keeper *k, struct str *why);
void dirs_close(struct keeper *k);
/* Folders of mailboxes; before the roles that will write them start. */
void dirs_mail(const struct keeper *k, const struct config *cfg);

/* ---- reload.c, answer.c ---- */
/* Start a reload; the answer goes to that control channel and call (0: nobody waits). */
void reload_start(struct keeper *k, uint64_t ipc_id, uint64_t call);
/* The same with the configuration as it is and its certificates as they are now. */
void reload_papers(struct keeper *k);
void keeper_answer(struct child *asker, uint64_t call, const struct msg_admin_query *q);

/* ---- klog.c: the log stream ---- */
bool klog_open(const struct config *cfg, struct str *why);
void klog_reopen(const struct config *cfg);
/* A pipe for a child: the write end, to be closed after the fork; -1: no descriptors. */
int klog_pipe(void);
/* What is in the pipes goes out; called before the end. */
void klog_finish(void);

/* ---- notify.c: sd_notify(3)'s datagram ---- */
void notify(const char *state);

/* ---- probe.c: `run --sandbox-probe ROLE` ---- */
struct probe *probe_new(const char *role);
/* Is it the name of a role that can be started? */
bool probe_known(const struct probe *p);
bool probe_wants(const struct keeper *k, enum role_kind role);
struct str probe_word(const struct keeper *k);
void probe_result(struct keeper *k, struct str json);
void probe_death(struct keeper *k, int status);
/* In the role, after its sandbox: try what is forbidden and tell keeper. */
void probe_run(struct role_env *env);

#endif

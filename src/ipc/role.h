/* SPDX-License-Identifier: ISC */
/*
 * role: what a role's body is given by the process that runs it, and how keeper talks to it.
 *
 * A body is `void x_role_run(struct role_env *env)`.  It runs on its own coroutine, after the
 * sandbox has closed behind it.  It builds its state, calls role_attach, then role_wait_drain;
 * it finishes what is begun and returns, and the process ends.
 *
 *	static const struct role_hooks hooks = { .on_peer = ..., .on_listen = ... };
 *	role_attach(env, &hooks, me);	// peers and listeners known so far come at once
 *	role_wait_drain(env);		// suspends until keeper asks us to end
 *
 * Keeper may replace a peer at any time (it was restarted): on_peer comes again with the same role,
 * index and generation; the old channel has ended or will, by its own on_close.  queue, pool and
 * those they talk to may have peers of two generations at once (reload): the highest is the new.
 * The env belongs to the process and lives as long as it.  cfg never changes in a process's life.
 */
#ifndef IPC_ROLE_H
#define IPC_ROLE_H

#include "ipc/ipc.h"

struct config;
struct role_env;

struct role_peer {
	enum role_kind role;
	unsigned index;
	uint32_t generation;		/* of the peer; ours is env->generation */
	const char *name;		/* "smtpd 1": give it to ipc_new */
};

/* All may be NULL (a descriptor nobody takes is closed).  They run on the control coroutine and
 * should not suspend long. */
struct role_hooks {
	void (*on_peer)(struct role_env *env, const struct role_peer *peer, int fd);
	void (*on_listen)(struct role_env *env, size_t listener, int fd);
	void (*on_unlisten)(struct role_env *env, size_t listener);
	void (*on_drain)(struct role_env *env);
	/* Fill in a few numbers for `postern status`. */
	void (*on_status)(struct role_env *env, uint32_t *sessions, uint64_t *done);
};

struct role_file {
	const char *name;
	int fd;
	struct role_file *next;
};

struct role_env {
	const struct config *cfg;
	enum role_kind role;
	unsigned index;
	uint32_t generation;
	struct role_file *file;
	int64_t drain_deadline;		/* after role_wait_drain: be gone by then (now_ms clock);
					 * may become sooner: look at it again */
	void *arg;			/* as given to role_attach */
	struct role_ctl *ctl;		/* role.c's own */
};

/* Boot: read the control channel up to ctl_go.  NULL: keeper went away or the talk was bad.
 * suspends; deadline bounded.  Called by main/ only. */
struct role_env *role_env_open(int ctl_fd, enum role_kind role);
/* The name given with ctl_go for the sandbox probe, empty in every ordinary start. */
struct str role_env_probe(const struct role_env *env);
void role_env_probe_answer(struct role_env *env, struct str json);

/* A descriptor that keeper gave by name; -1 if not.  The env keeps it. */
int role_file(const struct role_env *env, const char *name);

/* Say ready to keeper and receive what came and comes.  Call once. */
void role_attach(struct role_env *env, const struct role_hooks *hooks, void *arg);
/* The channel to keeper itself, for the admin role's questions. */
struct ipc *role_keeper(const struct role_env *env);
/* suspends until ctl_drain.  (When keeper itself is gone the process ends at once.) */
void role_wait_drain(struct role_env *env);
bool role_draining(const struct role_env *env);

/* Unit tests: an env without a keeper; the test calls the hooks it wants itself. */
struct role_env *role_env_for_test(enum role_kind role, const struct config *cfg);

#endif

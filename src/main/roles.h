/* SPDX-License-Identifier: ISC */
/*
 * roles: what main/ knows about each role: how many, its body, who may talk to whom.
 *
 * The rights of each role stand in sandbox_table.c, nowhere else.
 */
#ifndef MAIN_ROLES_H
#define MAIN_ROLES_H

#include <stdbool.h>

#include "conf/config.h"
#include "ipc/role.h"

/* How a role lives through a reload. */
enum role_life {
	LIFE_WORKER,		/* drains for long: sessions */
	LIFE_HELPER,		/* ends when the last worker of its generation has */
	LIFE_SINGLE,		/* one for all generations: the old ends, then the new starts */
};

struct role_def {
	enum role_kind role;
	void (*run)(struct role_env *env);	/* NULL: this role is not started */
	/* Before the sandbox, on the loop's stack: libraries that read files at start.  May be
	 * NULL; false ends the process. */
	bool (*setup)(struct role_env *env);
	enum role_life life;
	unsigned threads;			/* of rt/work */
};

const struct role_def *role_def(enum role_kind role);

/* How many processes of that role this configuration wants. */
unsigned role_count(const struct config *cfg, enum role_kind role);

/* Do these two have a channel? */
bool roles_talk(enum role_kind a, enum role_kind b);

#endif

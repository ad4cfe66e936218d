/* SPDX-License-Identifier: ISC */
/*
 * mailbox: where a local address lives: whose files, below which directory.
 *
 * The administrator's template (`deliver maildir /var/mail/{domain}/{user}`) is split at its first
 * placeholder: what is before is the base, which the administrator keeps safe; what follows is made
 * and checked component by component as the user (filesafe.h).
 */
#ifndef LOCAL_MAILBOX_H
#define LOCAL_MAILBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "conf/config.h"

/* What lookup knows of a user with an account of its own. */
struct account {
	uid_t uid;
	gid_t gid;
	struct str home;
};

struct mailbox {
	uid_t uid;
	gid_t gid;
	const char *base, *rel;		/* in the arena */
};

/* Split addr (local part without detail kept as user) into user and domain.  False: no address of
 * a domain of ours. */
bool mailbox_address(const struct config *cfg, struct str addr, struct str *user,
    const struct domain **d);

/* account may be NULL: then the domain's mail ids, or our own when there are none.  False: the
 * template needs {home} and there is none, or the result is no safe path. */
bool mailbox_place(const struct domain *d, struct str user, const struct account *account,
    struct arena *a, struct mailbox *out);

#endif

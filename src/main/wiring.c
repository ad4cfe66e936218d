/* SPDX-License-Identifier: ISC */
/*
 * wiring: what a new child is given: configuration, files, listeners, channels, and "go".
 *
 * Channels are SEQPACKET pairs; keeper makes them, hands out both ends and keeps none.  A child
 * that starts (again) gets a fresh pair to each living peer, and so does the peer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "main/keeper.h"
#include "main/papers.h"
#include "main/token_keys.h"
#include "rt/log.h"

/* Between generations only a single role has channels, and with workers only. */
static bool
same_house(const struct child *a, const struct child *b)
{
	bool a_single = role_def(a->role)->life == LIFE_SINGLE;
	bool b_single = role_def(b->role)->life == LIFE_SINGLE;

	if (a->gen == b->gen)
		return true;
	if (a_single && b_single)
		return true;
	if (a_single)
		return role_def(b->role)->life == LIFE_WORKER || b->gen == b->k->gen;
	if (b_single)
		return role_def(a->role)->life == LIFE_WORKER || a->gen == a->k->gen;
	return false;
}

static bool
send_peer(struct child *to, const struct child *peer, int fd)
{
	return ipc_send_fd(to->ctl, MSG_ctl_peer, &(struct msg_ctl_peer){
	    .role = (uint8_t)peer->role, .index = peer->index, .generation = peer->gen->number,
	}, fd);
}

static void
connect_pair(struct child *a, struct child *b)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		abort();
	(void)send_peer(a, b, pair[0]);
	(void)send_peer(b, a, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void
give_peers(struct child *c)
{
	LIST_EACH(l, &c->k->children) {
		struct child *o = CONTAINER_OF(l, struct child, link);

		if (o == c || !o->ctl || o->state == CHILD_WAITING || !roles_talk(c->role, o->role))
			continue;
		/* A single role that is ending gets nothing new. */
		if (o->state == CHILD_DRAINING && role_def(o->role)->life == LIFE_SINGLE)
			continue;
		if (same_house(c, o))
			connect_pair(c, o);
	}
}

/* ---- files ---- */

static void
give_fd(struct child *c, const char *name, int fd)
{
	if (fd != -1)
		ipc_send_fd(c->ctl, MSG_ctl_file,
		    &(struct msg_ctl_file){ .name = str_of(name) }, fd);
}

static void
give_test_file(struct child *c)
{
	struct str path = c->gen->cfg->test.accepted_file;
	char *z = path.n ? strndup(path.p, path.n) : NULL;
	int fd = z ? open(z, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

	give_fd(c, "accepted", fd);
	if (fd != -1)
		close(fd);
	free(z);
}

static void
give_token_keys(struct child *c)
{
	int fd = token_keys_open(c->k->spool);

	give_fd(c, "secret:token-keys", fd);
	if (fd != -1)
		close(fd);
}

static void
give_files(struct child *c)
{
	enum role_kind r = c->role;

	if (r == ROLE_POOL || r == ROLE_QUEUE || r == ROLE_SMTPC || r == ROLE_LOCAL)
		give_fd(c, "spool", c->k->spool);
	if (r == ROLE_ADMIN)
		give_fd(c, "control", c->k->control);
	if (r == ROLE_VAULT || r == ROLE_SMTPD)
		papers_give(c, give_fd);
	if (r == ROLE_VAULT)
		give_token_keys(c);
	if (r == ROLE_SMTPD)
		give_test_file(c);
}

static void
give_listeners(struct child *c)
{
	const struct generation *g = c->gen;
	size_t n = g->cfg->nlistener;

	if (c->role != ROLE_SMTPD)
		return;
	for (unsigned s = c->index; s < g->sockets; s += g->workers)
		for (size_t i = 0; i < n; i++)
			if (s == c->index || !g->cfg->listener[i].path.n)
				ipc_send_fd(c->ctl, MSG_ctl_listen,
				    &(struct msg_ctl_listen){ .listener = (uint32_t)i },
				    g->listen[s * n + i]);
}

void
wire_child(struct child *c)
{
	struct msg_ctl_start start = {
		.role = (uint8_t)c->role, .index = c->index, .generation = c->gen->number,
		.config_file = c->gen->cfg->file,
	};

	ipc_send_fd(c->ctl, MSG_ctl_start, &start, c->gen->cfg_fd);
	give_files(c);
	give_listeners(c);
	give_peers(c);
	ipc_send(c->ctl, MSG_ctl_go, &(struct msg_ctl_go){ .probe = probe_word(c->k) });
}

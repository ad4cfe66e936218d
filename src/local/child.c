/* SPDX-License-Identifier: ISC */
/*
 * child: see child.h.  A plain blocking loop: this process does one thing.
 */
#include "local/child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/maildir.h"

/* Directories stay open for one batch only: one that is replaced between batches is seen. */
struct open_dir {
	uint32_t item;			/* the item it was opened for */
	dev_t dev;
	struct maildir m;
};

struct child {
	int fd;
	const char *shared;
	const struct child_item *item;
	size_t ndir;
	struct open_dir dir[CHILD_DIRS_MAX];
	uint8_t dir_of[CHILD_ITEMS_MAX];	/* index in dir + 1; 0: none */
	char name[CHILD_ITEMS_MAX][MAILDIR_NAME_MAX];
	struct child_answer answer;
};

static bool
same_place(const struct child *c, const struct child_item *a, const struct child_item *b)
{
	return strcmp(c->shared + a->rel_at, c->shared + b->rel_at) == 0 &&
	    strcmp(c->shared + a->folder_at, c->shared + b->folder_at) == 0 &&
	    strcmp(c->shared + a->base_at, c->shared + b->base_at) == 0;
}

static void
say(struct child_verdict *v, int err, const struct filesafe_error *e)
{
	v->err = err;
	if (e != NULL)
		(void)snprintf(v->what, sizeof v->what, "%.34s: %.22s", e->what, e->path);
}

/* The Maildir of item i, opened once a batch.  NULL: the verdict says why. */
static struct open_dir *
place_find(struct child *c, uint32_t i)
{
	struct filesafe_error e;
	struct stat st;

	for (size_t d = 0; d < c->ndir; d++)
		if (same_place(c, &c->item[c->dir[d].item], &c->item[i])) {
			c->dir_of[i] = (uint8_t)(d + 1);
			return &c->dir[d];
		}
	if (c->ndir == CHILD_DIRS_MAX) {
		say(&c->answer.item[i], EAGAIN, NULL);	/* lane.c does not ask this */
		return NULL;
	}
	struct open_dir *dir = &c->dir[c->ndir];

	if (maildir_open(&dir->m, c->shared + c->item[i].base_at, c->shared + c->item[i].rel_at,
	    c->shared + c->item[i].folder_at, &e) == -1) {
		say(&c->answer.item[i], e.err, &e);
		return NULL;
	}
	dir->item = i;
	dir->dev = fstat(dir->m.root, &st) == 0 ? st.st_dev : 0;
	c->dir_of[i] = (uint8_t)++c->ndir;
	return dir;
}

static void
write_item(struct child *c, const struct child_ask *ask, uint32_t i)
{
	const struct child_item *it = &c->item[i];
	struct str host = { c->shared + ask->host_at, ask->host_len };
	struct str head = { c->shared + it->head_at, it->head_len };
	struct str content = { c->shared + it->content_at, it->content_len };
	struct open_dir *dir = place_find(c, i);

	if (dir == NULL)
		return;
	maildir_name(c->name[i], it->msgid, it->rcpt, it->sec, host);

	int err = maildir_write(&dir->m, c->name[i], head, content);

	if (err == 0 && ask->sync_each != 0)
		err = maildir_sync_one(&dir->m, c->name[i]);
	if (err != 0)
		say(&c->answer.item[i], err, NULL);
}

/* Syncs what the role's one descriptor does not reach: places on further file systems. */
static void
sync_others(struct child *c)
{
	for (size_t d = 0; d < c->ndir; d++) {
		bool first = true;

		for (size_t k = 0; k < d && first; k++)
			first = c->dir[k].dev != c->dir[d].dev;
		if (first && d > 0 && syncfs(c->dir[d].m.root) == -1)
			for (uint32_t i = 0; i < c->answer.count; i++)
				if (c->dir_of[i] == d + 1 && c->answer.item[i].err == 0)
					say(&c->answer.item[i], errno, NULL);
	}
}

static void
batch_begin(struct child *c, uint32_t count)
{
	for (size_t d = 0; d < c->ndir; d++)
		maildir_close(&c->dir[d].m);
	c->ndir = 0;
	c->answer.count = count;
	memset(c->answer.item, 0, count * sizeof c->answer.item[0]);
	memset(c->dir_of, 0, sizeof c->dir_of);
	c->item = (const struct child_item *)(const void *)c->shared;
}

static void
publish(struct child *c, bool sync_each)
{
	for (uint32_t i = 0; i < c->answer.count; i++) {
		struct child_verdict *v = &c->answer.item[i];

		if (c->dir_of[i] == 0)
			continue;
		struct maildir *m = &c->dir[c->dir_of[i] - 1].m;

		if (v->err != 0) {
			maildir_drop(m, c->name[i]);
			continue;
		}
		v->err = maildir_publish(m, c->name[i]);
		if (v->err == 0 && sync_each && fsync(m->new) == -1)
			v->err = errno;
	}
}

/* The first place's directory goes with the answer: through it the role syncs the file system. */
static bool
answer_send(struct child *c, uint32_t op)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = {};
	struct iovec iov = {
		.iov_base = &c->answer,
		.iov_len = offsetof(struct child_answer, item) +
		    c->answer.count * sizeof c->answer.item[0],
	};
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	c->answer.op = op;
	if (op == CHILD_WRITE && c->ndir > 0) {
		m.msg_control = ctl.room;
		m.msg_controllen = sizeof ctl.room;
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);

		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &c->dir[0].m.root, sizeof(int));
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL) >= 0;
}

static bool
serve(struct child *c, const struct child_ask *ask)
{
	static bool sync_each;

	switch ((enum child_op)ask->op) {
	case CHILD_WRITE:
		if (ask->count == 0 || ask->count > CHILD_ITEMS_MAX)
			return false;
		batch_begin(c, ask->count);
		sync_each = ask->sync_each != 0;
		for (uint32_t i = 0; i < ask->count; i++)
			write_item(c, ask, i);
		if (!sync_each)
			sync_others(c);
		return answer_send(c, CHILD_WRITE);
	case CHILD_PUBLISH:
		publish(c, sync_each);
		if (!sync_each)
			sync_others(c);
		if (!answer_send(c, CHILD_PUBLISH))
			return false;
		batch_begin(c, 0);
		return true;
	}
	return false;
}

void
child_run(int fd, const char *shared)
{
	static struct child c;
	struct child_ask ask;

	c.fd = fd;
	c.shared = shared;
	for (;;) {
		ssize_t n = recv(fd, &ask, sizeof ask, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof ask || !serve(&c, &ask))
			_exit(0);
	}
}

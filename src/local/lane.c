/* SPDX-License-Identifier: ISC */
/*
 * lane: see lane.h.  One batch, from top to bottom, is batch_run.
 */
#include "local/lane.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local/cage.h"
#include "local/child.h"
#include "local/verdict.h"
#include "rt/loop.h"
#include "rt/work.h"

enum {
	STRINGS_AT = CHILD_ITEMS_MAX * sizeof(struct child_item),
	STRINGS_MAX = 1 << 20,
	CONTENT_AT = STRINGS_AT + STRINGS_MAX,
	BATCH_BYTES = 16 << 20,		/* of content; one message may be larger */
	KEEP_BYTES = 4 << 20,		/* of the shared memory between batches */
	IDLE_MS = 60'000,
	ANSWER_MS = 300'000,
};

struct lane {
	struct lane_conf conf;
	uid_t uid;
	gid_t gid;
	char *base;
	struct link waiting;
	struct co *co;
	bool closing;

	int memfd;
	char *shared;
	pid_t child;			/* 0: none */
	int sock, syncfd, sync_err;
	struct child_answer *answer;

	/* the batch on its way */
	size_t n;
	uint32_t strings_n;
	uint64_t content_n;
	struct delivery *batch[CHILD_ITEMS_MAX];
	size_t nplaces;			/* its different mailboxes, by the first delivery of each */
	const struct delivery *place[CHILD_DIRS_MAX];
};

static void
child_end(struct lane *l)
{
	if (l->sock != -1) {
		fd_forget(l->sock);
		(void)close(l->sock);
	}
	if (l->syncfd != -1)
		(void)close(l->syncfd);
	l->sock = l->syncfd = -1;
	if (l->child > 0) {
		(void)kill(l->child, SIGKILL);
		(void)waitpid(l->child, NULL, 0);
	}
	l->child = 0;
}

/* In the child: nothing of ours stays open but its end of the pair. */
_Noreturn static void
child_begin(struct lane *l, int sock, pid_t parent)
{
	const char *shared = l->shared;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_IGN);
	if (getppid() != parent || dup2(sock, 0) == -1 || close_range(1, ~0u, 0) == -1 ||
	    mprotect(l->shared, CHILD_ARENA, PROT_READ) == -1 ||
	    !cage_enter(l->uid, l->gid, l->base))
		_exit(77);
	child_run(0, shared);
}

static bool
child_start(struct lane *l)
{
	int pair[2];
	pid_t self = getpid();

	if (l->child > 0)
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	l->child = fork();
	if (l->child == 0)
		child_begin(l, pair[1], self);
	(void)close(pair[1]);
	if (l->child == -1) {
		(void)close(pair[0]);
		l->child = 0;
		return false;
	}
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	l->sock = pair[0];
	return true;
}

/* One answer, maybe with the descriptor to sync by.  suspends */
static bool
answer_wait(struct lane *l, enum child_op op)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl;
	struct iovec iov = { .iov_base = l->answer, .iov_len = sizeof *l->answer };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.room, .msg_controllen = sizeof ctl.room,
	};
	int64_t deadline = now_ms() + ANSWER_MS;
	ssize_t n;

	while ((n = recvmsg(l->sock, &m, MSG_CMSG_CLOEXEC)) == -1 && errno == EAGAIN)
		if (fd_wait(l->sock, FD_READ, deadline) != WAKE_OK)
			return false;
	struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (h != NULL && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int))) {
		if (l->syncfd != -1)
			(void)close(l->syncfd);
		memcpy(&l->syncfd, CMSG_DATA(h), sizeof(int));
	}
	return n == (ssize_t)(offsetof(struct child_answer, item) +
	    l->n * sizeof l->answer->item[0]) &&
	    l->answer->op == (uint32_t)op && l->answer->count == l->n;
}

static bool
ask(struct lane *l, enum child_op op, bool sync_each)
{
	struct child_ask a = {
		.op = op, .count = (uint32_t)l->n, .sync_each = sync_each,
		.host_at = STRINGS_AT, .host_len = (uint32_t)l->conf.hostname.n,
	};

	return send(l->sock, &a, sizeof a, MSG_NOSIGNAL) == (ssize_t)sizeof a &&
	    answer_wait(l, op);
}

static void
sync_work(void *arg)
{
	struct lane *l = arg;

	if (l->syncfd != -1 && syncfs(l->syncfd) == -1)
		l->sync_err = errno;
}

/* Copies a string with its NUL into the shared memory; 0: no room. */
static uint32_t
string_put(struct lane *l, const char *p, size_t n)
{
	if (n + 1 > STRINGS_MAX - l->strings_n)
		return 0;
	uint32_t at = STRINGS_AT + l->strings_n;

	memcpy(l->shared + at, p, n);
	l->shared[at + n] = '\0';
	l->strings_n += (uint32_t)n + 1;
	return at;
}

/* RFC 5321 4.4: the final server writes Return-Path, and there is only one. */
static bool
head_put(struct lane *l, const struct delivery *d, struct child_item *it)
{
	const char *parts[] = { "Return-Path: <", "", ">\r\nDelivered-To: ", "", "\r\n" };
	struct str sender = d->job->null_sender ? STR("") : d->job->sender;
	size_t before = l->strings_n;

	it->head_at = STRINGS_AT + l->strings_n;
	for (size_t i = 0; i < 5; i++) {
		struct str s = i == 1 ? sender : i == 3 ? d->rcpt->addr : str_of(parts[i]);

		if (string_put(l, s.p, s.n) == 0)
			return false;
		l->strings_n--;		/* the next part overwrites the NUL */
	}
	it->head_len = l->strings_n - (uint32_t)before;
	return true;
}

/* The content of d's message into the shared memory, once for all its recipients.  suspends */
static enum sr
content_put(struct lane *l, const struct delivery *d, struct child_item *it)
{
	if (l->n > 0 && l->batch[l->n - 1]->job == d->job) {
		const struct child_item *other = (struct child_item *)(void *)l->shared + l->n - 1;

		it->content_at = other->content_at;
		it->content_len = other->content_len;
		return SR_OK;
	}
	uint64_t len = content_len(&d->job->ref);
	char *to = l->shared + CONTENT_AT + l->content_n;

	if (len > CHILD_ARENA - CONTENT_AT - l->content_n)
		return SR_IO;
	enum sr r = sr_content(l->conf.reader, &d->job->ref, 0,
	    (struct sr_bytes){ to, len });

	if (r != SR_OK)
		return r;
	it->content_at = CONTENT_AT + l->content_n;
	it->content_len = return_path_strip(to, len);
	l->content_n += len;
	return SR_OK;
}

/* Lays one delivery out.  False: it has its outcome already.  suspends */
static bool
item_put(struct lane *l, struct delivery *d)
{
	struct child_item it = {
		.msgid = d->job->msgid, .sec = d->job->received_ms / 1000, .rcpt = d->rcpt->idx,
	};

	it.base_at = string_put(l, l->base, strlen(l->base));
	it.rel_at = string_put(l, d->rel, strlen(d->rel));
	it.folder_at = string_put(l, d->folder, strlen(d->folder));
	if (it.base_at == 0 || it.rel_at == 0 || it.folder_at == 0 || !head_put(l, d, &it)) {
		verdict_outcome(d, ENOMEM, "");
		return false;
	}
	enum sr r = content_put(l, d, &it);

	if (r != SR_OK) {
		verdict_unreadable(d, r);
		return false;
	}
	memcpy(l->shared + l->n * sizeof it, &it, sizeof it);
	l->batch[l->n++] = d;
	return true;
}

/* Is there room in the batch for d's mailbox? */
static bool
place_fits(struct lane *l, const struct delivery *d)
{
	for (size_t i = l->nplaces; i > 0; i--)
		if (strcmp(l->place[i - 1]->rel, d->rel) == 0 &&
		    strcmp(l->place[i - 1]->folder, d->folder) == 0)
			return true;
	if (l->nplaces == CHILD_DIRS_MAX)
		return false;
	l->place[l->nplaces++] = d;
	return true;
}

static void
batch_gather(struct lane *l)
{
	l->n = l->nplaces = 0;
	l->content_n = 0;
	l->strings_n = 0;
	(void)string_put(l, l->conf.hostname.p, l->conf.hostname.n);
	while (l->n < CHILD_ITEMS_MAX && !list_empty(&l->waiting)) {
		struct delivery *d = CONTAINER_OF(l->waiting.next, struct delivery, link);

		if (l->n > 0 && (l->content_n + content_len(&d->job->ref) > BATCH_BYTES ||
		    l->strings_n > STRINGS_MAX / 2))
			break;
		if (!place_fits(l, d))
			break;
		list_remove(&d->link);
		if (item_put(l, d))
			continue;
		if (l->nplaces > 0 && l->place[l->nplaces - 1] == d)
			l->nplaces--;			/* it is gone with on_done */
		l->conf.on_done(l->conf.ctx, &d, 1);
	}
}

/* Write, sync, publish, sync; then the outcomes.  suspends */
static void
batch_run(struct lane *l)
{
	bool one = l->n == 1;
	bool good = child_start(l) && ask(l, CHILD_WRITE, one);

	if (good && !one)
		work_call(sync_work, l);
	/* After a failed sync nothing is published: the child is ended with its files in tmp/. */
	good = good && l->sync_err == 0 && ask(l, CHILD_PUBLISH, one);
	if (good && !one)
		work_call(sync_work, l);
	for (size_t i = 0; i < l->n; i++) {
		const struct child_verdict *v = &l->answer->item[i];

		if (l->sync_err != 0)
			verdict_outcome(l->batch[i], l->sync_err, "sync of the file system");
		else if (!good)
			verdict_outcome(l->batch[i], EPIPE, "delivery process ended");
		else
			verdict_outcome(l->batch[i], v->err, v->what);
	}
	if (!good || l->sync_err != 0)
		child_end(l);
	l->sync_err = 0;
	l->conf.on_done(l->conf.ctx, l->batch, l->n);
	if (l->content_n > KEEP_BYTES)
		(void)fallocate(l->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    CONTENT_AT + KEEP_BYTES, CHILD_ARENA - CONTENT_AT - KEEP_BYTES);
}

static void
lane_free(struct lane *l)
{
	child_end(l);
	if (l->shared != NULL)
		(void)munmap(l->shared, CHILD_ARENA);
	if (l->memfd != -1)
		(void)close(l->memfd);
	free(l->answer);
	free(l->base);
	free(l);
}

static void
lane_run(void *arg)
{
	struct lane *l = arg;

	l->co = co_self();
	while (!l->closing || !list_empty(&l->waiting)) {
		if (list_empty(&l->waiting)) {
			if (co_park(now_ms() + IDLE_MS) == WAKE_TIMEOUT)
				child_end(l);
			else if (co_cancelled())
				break;
			continue;
		}
		batch_gather(l);
		if (l->n > 0)
			batch_run(l);
	}
	lane_free(l);
}

struct lane *
lane_open(const struct lane_conf *conf, uid_t uid, gid_t gid, const char *base)
{
	struct lane *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->conf = *conf;
	l->uid = uid;
	l->gid = gid;
	l->sock = l->syncfd = -1;
	link_init(&l->waiting);
	l->base = strdup(base);
	l->answer = calloc(1, sizeof *l->answer);
	l->memfd = memfd_create("delivery", MFD_CLOEXEC);
	if (l->memfd != -1 && ftruncate(l->memfd, CHILD_ARENA) == 0) {
		void *p = mmap(NULL, CHILD_ARENA, PROT_READ | PROT_WRITE, MAP_SHARED, l->memfd, 0);

		l->shared = p == MAP_FAILED ? NULL : p;
	}
	if (l->base == NULL || l->answer == NULL || l->shared == NULL ||
	    !group_go(conf->group, "lane", lane_run, l)) {
		lane_free(l);
		return NULL;
	}
	return l;
}

bool
lane_is(const struct lane *l, uid_t uid, gid_t gid, const char *base)
{
	return l->uid == uid && l->gid == gid && strcmp(l->base, base) == 0;
}

void
lane_put(struct lane *l, struct delivery *d)
{
	list_push(&l->waiting, &d->link);
	if (l->co != NULL)
		co_wake(l->co);
}

void
lane_close(struct lane *l)
{
	l->closing = true;
	if (l->co != NULL)
		co_wake(l->co);
}

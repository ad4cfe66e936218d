/* SPDX-License-Identifier: ISC */
/*
 * drop: see drop.h.
 */
#include "spool/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

static const struct str magic = { "postern-drop 1\n", 15 };

/* The next line of the head, without its end; false at the empty line or the end. */
static bool
take_line(struct cur *c, struct str *line)
{
	const char *nl = memchr(c->p, '\n', (size_t)(c->end - c->p));

	if (nl == NULL)
		return false;
	*line = (struct str){ c->p, (size_t)(nl - c->p) };
	c->p = nl + 1;
	return line->n > 0;
}

/* A value is one word of an SMTP command: nothing that could end or split one. */
static bool
value_clean(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

static bool
take_value(struct drop *d, struct str line, bool *from_seen)
{
	struct { struct str word; struct str *to; } simple[] = {
		{ STR("from "), &d->from }, { STR("notify "), &d->notify },
		{ STR("ret "), &d->ret }, { STR("envid "), &d->envid },
	};

	if (!value_clean(line))
		return false;
	if (str_starts(line, STR("rcpt ")) && d->nrcpt < DROP_RCPT_MAX) {
		d->rcpt[d->nrcpt++] = str_skip(line, 5);
		return line.n > 5;
	}
	for (size_t i = 0; i < 4; i++)
		if (str_starts(line, simple[i].word)) {
			*simple[i].to = str_skip(line, simple[i].word.n);
			*from_seen |= i == 0;
			return true;
		}
	return false;
}

bool
drop_parse(struct str text, struct arena *a, struct drop *out, struct perr *err)
{
	struct cur c = cur_of(text);
	bool from_seen = false;
	struct str line;

	*out = (struct drop){ .rcpt = arena_alloc(a, DROP_RCPT_MAX * sizeof *out->rcpt) };
	if (out->rcpt == NULL)
		return perr_set(err, &c, "too much for the memory given");
	if (!str_starts(text, magic))
		return perr_set(err, &c, "is no drop file");
	c.p += magic.n;
	while (take_line(&c, &line))
		if ((size_t)(c.p - text.p) > DROP_HEAD_MAX || !take_value(out, line, &from_seen))
			return perr_set(err, &c, "bad line in the head");
	if (c.p == text.p || c.p[-1] != '\n' || !from_seen || out->nrcpt == 0)
		return perr_set(err, &c, "head without sender, recipient or end");
	out->message = str_from(c.p, (size_t)(c.end - c.p));
	if (out->message.n == 0)
		return perr_set(err, &c, "no message");
	return true;
}

static void
head_put(struct buf *b, const struct drop *d)
{
	(void)buf_put(b, magic);
	(void)buf_puts(b, "from ");
	(void)buf_put(b, d->from);
	for (size_t i = 0; i < d->nrcpt; i++) {
		(void)buf_puts(b, "\nrcpt ");
		(void)buf_put(b, d->rcpt[i]);
	}
	if (d->notify.n > 0)
		(void)buf_putf(b, "\nnotify " STR_F, STR_A(d->notify));
	if (d->ret.n > 0)
		(void)buf_putf(b, "\nret " STR_F, STR_A(d->ret));
	if (d->envid.n > 0)
		(void)buf_putf(b, "\nenvid " STR_F, STR_A(d->envid));
	(void)buf_puts(b, "\n\n");
}

static int
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? EIO : errno;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* Nobody but queue may open the directory for reading, so it cannot be synced itself; syncing the
 * file once more after its renaming makes the new name last on the journalling file systems. */
static int
file_fill(int dirfd, const char *tmp, const char *name, const struct drop *d, struct str head)
{
	int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err;

	if (fd == -1)
		return errno;
	/* The directory gives the file queue's group; our umask must not take it its right. */
	err = fchmod(fd, 0640) == -1 ? errno : write_all(fd, head);
	if (err == 0)
		err = write_all(fd, d->message);
	if (err == 0 && fsync(fd) == -1)
		err = errno;
	if (err != 0 || renameat(dirfd, tmp, dirfd, name) == -1) {
		err = err != 0 ? err : errno;
		(void)unlinkat(dirfd, tmp, 0);
	} else if (fsync(fd) == -1) {
		err = errno;
	}
	(void)close(fd);
	return err;
}

int
drop_write(int dirfd, const struct drop *d)
{
	char tmp[80], name[80];
	struct timespec now;
	uint64_t chance = 0;
	struct buf head;
	int err = ENOMEM;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(&chance, sizeof chance, 0) == -1)
		chance = (uint64_t)now.tv_nsec;
	(void)snprintf(name, sizeof name, "%" PRId64 ".%d.%016" PRIx64 ".msg", (int64_t)now.tv_sec,
	    (int)getpid(), chance);
	(void)snprintf(tmp, sizeof tmp, "%.*s.new", (int)(strlen(name) - 4), name);
	buf_init(&head, DROP_HEAD_MAX);
	head_put(&head, d);
	if (!head.failed)
		err = file_fill(dirfd, tmp, name, d, buf_str(&head));
	buf_done(&head);
	return err;
}

bool
drop_name_complete(const char *name)
{
	return str_ends(str_of(name), STR(".msg")) && name[0] != '.';
}

/* SPDX-License-Identifier: ISC */
/*
 * maildir: see maildir.h.
 */
#include "local/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/msgid.h"

enum { OUT_CAP = 65536 };

static void
shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void
maildir_close(struct maildir *m)
{
	shut(&m->cur);
	shut(&m->new);
	shut(&m->tmp);
	shut(&m->root);
}

int
maildir_open(struct maildir *m, const char *base, const char *rel, const char *folder,
    struct filesafe_error *e)
{
	*m = (struct maildir){ .root = -1, .tmp = -1, .new = -1, .cur = -1 };
	m->root = filesafe_dir(base, rel, e);
	if (m->root != -1 && folder[0] != '\0') {
		int inner = filesafe_subdir(m->root, folder, e);

		(void)close(m->root);
		m->root = inner;
		if (inner != -1) {
			/* Maildir++: this file marks a folder */
			int mark = filesafe_create(inner, "maildirfolder");

			shut(&mark);
		}
	}
	if (m->root != -1 && (m->cur = filesafe_subdir(m->root, "cur", e)) != -1 &&
	    (m->tmp = filesafe_subdir(m->root, "tmp", e)) != -1 &&
	    (m->new = filesafe_subdir(m->root, "new", e)) != -1)
		return 0;
	maildir_close(m);
	return -1;
}

void
maildir_name(char out[MAILDIR_NAME_MAX], uint64_t msgid, uint32_t rcpt, int64_t sec,
    struct str host)
{
	char id[MSGID_TEXT + 1];
	size_t n;

	(void)msgid_format(msgid, id);
	id[MSGID_TEXT] = '\0';
	n = (size_t)snprintf(out, MAILDIR_NAME_MAX, "%" PRId64 ".M%sR%u.", sec, id, rcpt);
	for (size_t i = 0; i < host.n && n + 5 < MAILDIR_NAME_MAX; i++) {
		if (host.p[i] == '/' || host.p[i] == ':') {
			memcpy(out + n, host.p[i] == '/' ? "\\057" : "\\072", 4);
			n += 4;
		} else {
			out[n++] = host.p[i];
		}
	}
	out[n] = '\0';
}

/* A file being written through a buffer that turns CRLF into LF. */
struct out {
	int fd, err;
	size_t n;
	char p[OUT_CAP];
};

static void
out_flush(struct out *o)
{
	for (size_t at = 0; at < o->n && o->err == 0; ) {
		ssize_t n = write(o->fd, o->p + at, o->n - at);

		if (n > 0)
			at += (size_t)n;
		else if (n == 0 || errno != EINTR)
			o->err = n == 0 ? EIO : errno;
	}
	o->n = 0;
}

static void
out_put(struct out *o, const char *p, size_t n)
{
	while (n > 0 && o->err == 0) {
		size_t room = sizeof o->p - o->n, k = n < room ? n : room;

		memcpy(o->p + o->n, p, k);
		o->n += k;
		p += k;
		n -= k;
		if (o->n == sizeof o->p)
			out_flush(o);
	}
}

static void
out_lines(struct out *o, struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	while (p < end) {
		const char *cr = memchr(p, '\r', (size_t)(end - p));

		if (cr == NULL || cr + 1 == end || cr[1] != '\n') {
			/* no more, or a CR that ends no line: it stays */
			const char *to = cr == NULL ? end : cr + 1;

			out_put(o, p, (size_t)(to - p));
			p = to;
			continue;
		}
		out_put(o, p, (size_t)(cr - p));
		p = cr + 1;
	}
}

int
maildir_write(struct maildir *m, const char *name, struct str head, struct str content)
{
	static struct out o;		/* one thread, too big for a frame */

	o.n = 0;
	o.err = 0;
	o.fd = filesafe_create(m->tmp, name);
	if (o.fd == -1 && errno == EEXIST) {
		/* left by a delivery that was cut off */
		(void)unlinkat(m->tmp, name, 0);
		o.fd = filesafe_create(m->tmp, name);
	}
	if (o.fd == -1)
		return errno;
	out_lines(&o, head);
	out_lines(&o, content);
	out_flush(&o);
	if (close(o.fd) == -1 && o.err == 0)
		o.err = errno;		/* over quota on NFS is told here */
	if (o.err != 0)
		(void)unlinkat(m->tmp, name, 0);
	return o.err;
}

int
maildir_sync_one(struct maildir *m, const char *name)
{
	int fd = openat(m->tmp, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err = fd == -1 || fsync(fd) == -1 ? errno : 0;

	shut(&fd);
	return err;
}

int
maildir_publish(struct maildir *m, const char *name)
{
	if (renameat2(m->tmp, name, m->new, name, RENAME_NOREPLACE) == 0)
		return 0;
	int err = errno;

	if (err == EINVAL || err == ENOSYS) {
		/* file systems without NOREPLACE: a link fails when the name is taken */
		err = linkat(m->tmp, name, m->new, name, 0) == 0 ? 0 : errno;
	}
	(void)unlinkat(m->tmp, name, 0);
	return err == EEXIST ? 0 : err;
}

void
maildir_drop(struct maildir *m, const char *name)
{
	(void)unlinkat(m->tmp, name, 0);
}

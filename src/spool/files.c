/* SPDX-License-Identifier: ISC */
/*
 * files: see files.h.
 *
 * A name without a valid head is reported as unreadable, never repaired or removed here: it may be
 * mail behind a bad sector.
 */
#include "spool/files.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/disk.h"

const char *
file_dir(enum spool_kind kind)
{
	switch (kind) {
	case SPOOL_SEGMENT:	return "log";
	case SPOOL_BIG:		return "big";
	case SPOOL_JOURNAL:	return "journal";
	}
	return "";
}

static struct str
suffix(enum spool_kind kind)
{
	return kind == SPOOL_BIG ? STR(".msg") : STR(".log");
}

void
file_name(enum spool_kind kind, uint64_t n, char out[FILE_NAME_MAX])
{
	size_t len = num_format_u64(n, out);
	struct str s = suffix(kind);

	memcpy(out + len, s.p, s.n);
	out[len + s.n] = '\0';
}

bool
file_name_parse(enum spool_kind kind, const char *name, uint64_t *n)
{
	struct str s = str_of(name), end = suffix(kind);
	char again[FILE_NAME_MAX];

	if (!str_ends(s, end) || !num_parse_u64(str_sub(s, 0, s.n - end.n), n))
		return false;
	file_name(kind, *n, again);
	return str_eq(s, str_of(again));
}

int
file_head(int fd, enum spool_kind kind, uint64_t n, struct spool_head *out)
{
	char block[64];
	ssize_t got = disk_pread(fd, block, sizeof block, 0);

	if (got < 0)
		return (int)got;
	if (!spool_head_get(str_from(block, (size_t)got), out))
		return 1;
	return out->kind == kind && out->n == n ? 0 : 1;
}

static bool
on_name(void *arg, const char *name)
{
	struct file_list *l = arg;
	uint64_t n;

	if (!file_name_parse(l->kind, name, &n)) {
		l->strange++;
		if (l->on_strange)
			l->on_strange(l->ctx, l->kind, name);
		return true;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->p = realloc(l->p, l->cap * sizeof *l->p);
		if (!l->p)
			abort();
	}
	l->p[l->n++] = (struct file_entry){ .n = n };
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const struct file_entry *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

int
file_list(int dirfd, struct file_list *l)
{
	int err = disk_list(dirfd, on_name, l);

	if (err < 0)
		return err;
	if (l->n)
		qsort(l->p, l->n, sizeof *l->p, by_number);
	for (size_t i = 0; i < l->n; i++) {
		char name[FILE_NAME_MAX];
		int fd;

		file_name(l->kind, l->p[i].n, name);
		fd = disk_openat(dirfd, name, O_RDONLY, 0);
		if (fd < 0)
			continue;
		l->p[i].readable = file_head(fd, l->kind, l->p[i].n, &l->p[i].head) == 0;
		(void)disk_close(fd);
	}
	return 0;
}

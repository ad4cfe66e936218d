/* SPDX-License-Identifier: ISC */
/*
 * token_keys: the keys of login tokens, kept in the spool beside the mail that carries the tokens.
 *
 * 1. Made at the first start, renewed after a month; the three before still verify, far longer than
 *    mail waits.  Number 0 never changes: it is the secret of what unknown users see.
 * 2. Only keeper's user can read the file; vault gets a descriptor.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/num.h"
#include "main/token_keys.h"
#include "rt/log.h"

enum { KEYS = 4, KEY = 32, MONTH_S = 30 * 86'400, TEXT_MAX = 4096 };

static const char name[] = "token-keys", fresh[] = "token-keys.new";

static bool
put_key(struct buf *b, uint64_t number)
{
	unsigned char raw[KEY];
	bool good = getrandom(raw, sizeof raw, 0) == sizeof raw && buf_putu(b, number) &&
	    buf_putc(b, ' ') && hex_encode(b, str_from(raw, sizeof raw)) && buf_putc(b, '\n');

	explicit_bzero(raw, sizeof raw);
	return good;
}

static bool
is_ours(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
	    (st->st_mode & 077) == 0 && st->st_nlink == 1;
}

/* The newest first, then KEYS - 1 of those before, then number 0. */
static bool
renew(struct buf *b, struct str old)
{
	struct str rest = old;
	uint64_t newest = 0, n;
	size_t kept = 0;
	bool zero = false;

	while (rest.n > 0) {
		struct str line = str_split(&rest, '\n');

		if (num_parse_u64(str_split(&line, ' '), &n))
			newest = MAX(newest, n);
	}
	if (!put_key(b, newest + 1))
		return false;
	for (rest = old; rest.n > 0; ) {
		struct str line = str_split(&rest, '\n'), tail = line;

		if (!num_parse_u64(str_split(&tail, ' '), &n) || tail.n == 0 ||
		    (n > 0 && ++kept >= KEYS))
			continue;
		zero = zero || n == 0;
		(void)buf_put(b, line);
		(void)buf_putc(b, '\n');
	}
	return (zero || put_key(b, 0)) && !b->failed;
}

static bool
store(int dir, struct str text)
{
	int fd;
	bool good;

	(void)unlinkat(dir, fresh, 0);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	good = fd != -1 && write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0 &&
	    renameat(dir, fresh, dir, name) == 0 && fsync(dir) == 0;
	if (fd != -1)
		close(fd);
	return good;
}

static int
open_old(int dir, struct buf *text, bool *young)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t n;
	char *to;

	if (fd == -1)
		return -1;
	to = buf_reserve(text, TEXT_MAX / 2);
	n = is_ours(fd, &st) && to ? pread(fd, to, TEXT_MAX / 2, 0) : -1;
	if (n <= 0) {
		close(fd);
		return -1;
	}
	buf_add(text, (size_t)n);
	*young = time(NULL) - st.st_mtime < MONTH_S;
	return fd;
}

int
token_keys_open(int spool)
{
	bool young = false, made;
	struct buf old, new;
	int fd;

	buf_init(&old, TEXT_MAX);
	buf_init(&new, TEXT_MAX);
	fd = open_old(spool, &old, &young);
	if (!young) {
		made = renew(&new, buf_str(&old)) && store(spool, buf_str(&new));
		if (made && fd != -1)
			close(fd);
		if (made)
			fd = openat(spool, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd == -1) {
		log_begin(LOG_ERROR, "token_keys_unusable");
		log_cstr("file", name);
		log_end();
	}
	if (old.p)
		explicit_bzero(old.p, old.cap);
	if (new.p)
		explicit_bzero(new.p, new.cap);
	buf_done(&old);
	buf_done(&new);
	return fd;
}

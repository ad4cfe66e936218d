/* SPDX-License-Identifier: ISC */
/*
 * maildir: one message into one Maildir, in two steps, so that a batch shares its syncs.
 *
 *	write (tmp/NAME)  ->  sync of the file system  ->  publish (tmp/NAME -> new/NAME)  ->  sync
 *
 * 1. Nothing is in new/ that is not whole and on the disk.
 * 2. NAME comes from the message's id and the recipient's number, so a repeated delivery of the
 *    same message finds its own name: it is answered as done, not doubled.
 * 3. Files are stored with LF line ends, as local mail is; nothing else of the content changes but
 *    Return-Path (replaced) and Delivered-To (put first).
 *
 * Blocking; used by the delivery child only.  Knows no jobs and no roles.
 */
#ifndef LOCAL_MAILDIR_H
#define LOCAL_MAILDIR_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/str.h"
#include "local/filesafe.h"

struct maildir { int root, tmp, new, cur; };

/* base: the administrator's directory; rel: below it; folder: "" or a Maildir++ name (".Junk"). */
int maildir_open(struct maildir *m, const char *base, const char *rel, const char *folder,
    struct filesafe_error *e);
void maildir_close(struct maildir *m);

enum { MAILDIR_NAME_MAX = 160 };

/* "<seconds>.M<id>R<rcpt>.<host>"; host's '/' and ':' as \057 and \072. */
void maildir_name(char out[MAILDIR_NAME_MAX], uint64_t msgid, uint32_t rcpt, int64_t sec,
    struct str host);

/* Write head and content to tmp/name.  0, or errno; nothing is left behind after an error. */
int maildir_write(struct maildir *m, const char *name, struct str head, struct str content);

/* The same, and already synced, for a batch of one. */
int maildir_sync_one(struct maildir *m, const char *name);

/* tmp/name becomes new/name.  0, or errno; EEXIST was a repeated delivery and is 0 here. */
int maildir_publish(struct maildir *m, const char *name);
void maildir_drop(struct maildir *m, const char *name);

#endif

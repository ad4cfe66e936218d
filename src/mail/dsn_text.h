/* SPDX-License-Identifier: ISC */
/*
 * dsn_text: the part of a notification that people read.  Only for dsn.c.
 */
#ifndef MAIL_DSN_TEXT_H
#define MAIL_DSN_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/dsn.h"

struct str dsn_subject(const struct dsn *d);
/* Appends the text, lines of at most 78 where words allow. */
bool dsn_put_text(struct buf *b, const struct dsn *d, struct arena *a);

/* Appends text folded at 78, lines after the first beginning with indent; ends with CRLF. */
bool dsn_put_folded(struct buf *b, struct str text, struct str indent);

#endif

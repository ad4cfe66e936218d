/* SPDX-License-Identifier: ISC */
/*
 * users: one line of a Dovecot passwd-file.
 *
 *	user:{SCHEME}hash:uid:gid:gecos:home:shell:extra
 *
 * Fields from the end may be missing; extra may hold the word "disabled": the address exists and
 * takes no mail.  Slices point into the line.
 */
#ifndef TABLE_USERS_H
#define TABLE_USERS_H

#include "base/cur.h"
#include "table/tables.h"

bool user_line_parse(struct str line, struct user_entry *out, struct perr *err);

/* May a mailbox be called so?  Its name becomes part of a path. */
bool user_name_good(struct str name);

#endif

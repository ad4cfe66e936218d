/* SPDX-License-Identifier: ISC */
/*
 * msg: a whole message cut into header and body, and what its header says at a glance.
 *
 * Takes any octets.  Slices point into the message; lists live in the arena.
 */
#ifndef MAIL_MSG_H
#define MAIL_MSG_H

#include "base/arena.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mail/header.h"

struct msg {
	struct header header;
	struct str body;
};

/* False only when the arena is full. */
bool msg_parse(struct str text, struct arena *a, struct msg *out);

/* The From addresses of all From fields, in order. */
bool msg_from(const struct msg *m, struct arena *a, struct addr_list *out);

#endif

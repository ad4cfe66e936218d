/* SPDX-License-Identifier: ISC */
/*
 * sendmail_compose: from what a program pipes into sendmail to a message and its envelope.
 *
 * 1. Line ends become CRLF; without -i a line with a lone dot ends the message.
 * 2. Bcc fields are taken out; From, Date and Message-ID are added where they are missing; an
 *    author who is but a name of this host gets the host's name.
 * 3. -t takes recipients from To, Cc and Bcc (Resent- ones when there are any), besides those on
 *    the command line.
 * 4. Nothing else changes.
 *
 * Pure but for what struct caller brings.  All results live in the arena.
 */
#ifndef MAIN_SENDMAIL_COMPOSE_H
#define MAIN_SENDMAIL_COMPOSE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "main/sendmail_args.h"

struct caller {
	struct str login;		/* "alice", or "uid1001" */
	struct str full_name;		/* may be empty */
	struct str hostname;
	int64_t now;			/* Unix seconds */
	int zone;			/* minutes east */
	uint64_t chance;		/* random, for Message-ID */
};

struct composed {
	struct str from;		/* envelope sender; empty: null */
	struct str *rcpt;
	size_t nrcpt;
	struct str message;
};

/* False: *error says why (EX_DATAERR, or EX_USAGE without recipients). */
[[nodiscard]] bool sendmail_compose(const struct sendmail_args *args, const struct caller *who,
    struct str input, struct arena *a, struct composed *out, const char **error);

#endif

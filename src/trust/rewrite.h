/* SPDX-License-Identifier: ISC */
/*
 * rewrite: envelope addresses taken apart and put together, for those that write one into another
 * (srs, batv).
 *
 * A quoted local part is its octets while it is apart, and quoted again only where it must be.
 */
#ifndef TRUST_REWRITE_H
#define TRUST_REWRITE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum { REWRITE_MAX = 1024 };		/* octets of an address we look at */

/* At the last '@'; false: no address, or control octets.  local is in a, or address. */
bool rewrite_split(struct str address, struct arena *a, struct str *local, struct str *host);
/* False: no memory. */
bool rewrite_join(struct str local, struct str host, struct arena *a, struct str *out);
/* What can stand between two '=' and behind '@'. */
bool rewrite_host_like(struct str host);

#endif

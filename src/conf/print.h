/* SPDX-License-Identifier: ISC */
/*
 * print: a snapshot as text again, and the manual of what it can say.
 *
 * Called by the verbs only; everything is appended to the caller's buffer.
 */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "base/buf.h"
#include "conf/config.h"

/* Every effective value with where it comes from: a comment behind it, or "from" in JSON. */
void config_print(const struct config *cfg, struct buf *out);
void config_print_json(const struct config *cfg, struct buf *out);

/* One line for each setting that opens the house further than its default; the count. */
size_t config_loosened(const struct config *cfg, struct buf *out);

/* postern.conf(5), mdoc. */
void config_manual(struct buf *out);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * errors: the list of everything that is wrong with a configuration.
 *
 * A mistake never stops the reading of the file: the administrator mends all of them in one go.
 * The list owns its texts (heap) and is bounded: past ERRORS_MAX it says so once and forgets.
 */
#ifndef CONF_ERRORS_H
#define CONF_ERRORS_H

#include <stddef.h>

#include "base/str.h"
#include "conf/config.h"

enum { ERRORS_MAX = 200 };

/* Adds one mistake; line 0 means the file as a whole. */
__attribute__((format(printf, 4, 5)))
void conf_error_add(struct conf_errors *errs, unsigned line, unsigned col, const char *fmt, ...);

/* Puts the list in the order of the file. */
void conf_errors_sort(struct conf_errors *errs);

/* Edits (insert, delete, change, swap neighbours) between a and b, without regard to case. */
unsigned conf_distance(struct str a, struct str b);

/* What a misspelt word most likely meant: feed every candidate, then ask. */
struct suggestion { struct str word, best; unsigned edits; };
void suggest_try(struct suggestion *s, struct str candidate);
/* ", did you mean 'x'?" into out, or "" when nothing is near. */
const char *suggest_text(const struct suggestion *s, char out[128]);

#endif

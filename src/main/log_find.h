/* SPDX-License-Identifier: ISC */
/*
 * log_find: a message in the structured log, for those who read it.
 */
#ifndef MAIN_LOG_FIND_H
#define MAIN_LOG_FIND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

/* Does the line carry the id as a whole value?  logfmt or JSON. */
bool log_names(struct str line, struct str id);
/* path, else the log of the configuration, else standard input.  NULL: cannot be read, was told. */
FILE *log_open(const char *config, const char *path);

#endif

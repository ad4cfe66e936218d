/* SPDX-License-Identifier: ISC */
/*
 * conf_load: a configuration file from its name, for the verbs of the command line.
 */
#ifndef MAIN_CONF_LOAD_H
#define MAIN_CONF_LOAD_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/config.h"

#define CONF_DEFAULT_FILE "/etc/postern/postern.conf"

/* path NULL: CONF_DEFAULT_FILE.  NULL when it cannot be read or has mistakes; all of them are
 * printed to errors, one line each.  Free with config_free. */
struct config *conf_load(const char *path, FILE *errors);

/* Where a local program leaves mail: the first local listener's socket (or "submit.sock" in the run
 * directory) and the drop directory.  The caller frees both.  False: no memory. */
bool conf_local_places(const struct config *cfg, const char **socket, const char **drop);

#endif

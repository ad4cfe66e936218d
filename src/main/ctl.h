/* SPDX-License-Identifier: ISC */
/*
 * ctl: a question to the running server over its control socket.
 */
#ifndef MAIN_CTL_H
#define MAIN_CTL_H

#include <stdbool.h>

#include <jansson.h>

/* Asks op with args (taken; NULL: none) by the configuration file (NULL: the default one).  The
 * answer's JSON object, to be freed; *code is 0 when the server said ok.  NULL: it cannot be
 * reached or the file is bad; that was said on standard error. */
json_t *ctl_ask(const char *config_file, const char *op, json_t *args, int *code);

/* Does a server hold the control socket's name? */
bool ctl_alive(const char *config_file);

#endif

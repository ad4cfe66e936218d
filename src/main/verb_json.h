/* SPDX-License-Identifier: ISC */
/*
 * verb_json: what the diagnosis verbs share: input from standard input, one JSON object out.
 */
#ifndef MAIN_VERB_JSON_H
#define MAIN_VERB_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"

enum { VERB_INPUT_MAX = 100 << 20 };

/* All of standard input; false when it is longer than VERB_INPUT_MAX or cannot be read. */
bool verb_read_input(struct buf *b);
/* A string of any octets: what is not UTF-8 becomes U+FFFD. */
json_t *verb_json_str(struct str s);
/* The same, null for an empty one. */
json_t *verb_json_opt(struct str s);
/* Prints on one line and frees; answers the exit status. */
int verb_json_end(json_t *answer);
/* "usage: postern ..." on standard error, answers 64; asked for by --help: standard output, 0. */
int verb_usage(int argc, char **argv, const char *text);

#endif

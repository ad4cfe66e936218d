/* SPDX-License-Identifier: ISC */
/*
 * token_keys: where the keys of login tokens are kept; see token_keys.c.
 */
#ifndef MAIN_TOKEN_KEYS_H
#define MAIN_TOKEN_KEYS_H

/* The file, made or renewed where needed, open for reading; -1: said in the log. */
int token_keys_open(int spool);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * result: the words of RFC 8601 2.7 that all methods share.
 */
#ifndef TRUST_RESULT_H
#define TRUST_RESULT_H

#include "base/str.h"

#include <stdbool.h>

enum auth_result {
	AUTH_NONE, AUTH_PASS, AUTH_FAIL, AUTH_SOFTFAIL, AUTH_NEUTRAL, AUTH_POLICY, AUTH_TEMPERROR,
	AUTH_PERMERROR,
};

const char *auth_result_name(enum auth_result r);
/* False: no such word. */
bool auth_result_parse(struct str word, enum auth_result *out);

#endif

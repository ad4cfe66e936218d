/* SPDX-License-Identifier: ISC */
/*
 * result: see result.h.
 */
#include "trust/result.h"

#include "base/num.h"

static const char *const names[] = {
	[AUTH_NONE] = "none", [AUTH_PASS] = "pass", [AUTH_FAIL] = "fail",
	[AUTH_SOFTFAIL] = "softfail", [AUTH_NEUTRAL] = "neutral", [AUTH_POLICY] = "policy",
	[AUTH_TEMPERROR] = "temperror", [AUTH_PERMERROR] = "permerror",
};

const char *
auth_result_name(enum auth_result r)
{
	return names[r];
}

bool
auth_result_parse(struct str word, enum auth_result *out)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (str_ieq(word, str_of(names[i]))) {
			*out = (enum auth_result)i;
			return true;
		}
	}
	return false;
}

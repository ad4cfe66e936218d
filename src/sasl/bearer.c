/* SPDX-License-Identifier: ISC */
/*
 * bearer: OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's, no RFC).
 *
 * A token that is no good gets a challenge with the reason in JSON; the client acknowledges it, and
 * only then is refused.
 */
#include "sasl/exchange.h"
#include "sasl/oauth.h"

static const char refusal[] = "{\"status\":\"invalid_token\",\"scope\":\"\"}";

static enum sasl
judge(struct sasl_exchange *x, struct str token, struct buf *out)
{
	struct str user = {};
	enum sasl answer;

	if (x->house->oauth == NULL)
		return SASL_LATER;
	if (oauth_judge(x->house->oauth, token, x->house->wall_s(), &x->mem, &user) != CRED_OK) {
		x->doomed = true;
		x->state = 1;
		(void)buf_put(out, str_of(refusal));
		return SASL_MORE;
	}
	answer = exchange_known(x, user);
	return answer;
}

/* The value of "name=" among the pairs that ^A ends. */
static bool
pair(struct str pairs, struct str name, struct str *value)
{
	while (pairs.n > 0) {
		struct str one = str_split(&pairs, '\1');

		if (str_istarts(one, name) && one.n > name.n) {
			*value = str_skip(one, name.n);
			return true;
		}
	}
	return false;
}

/* RFC 7628 3.1: gs2-header ^A *(key "=" value ^A) ^A */
SASL_STEP(sasl_bearer_step)
{
	struct str rest = in, flag, authzid, token;

	if (in.p == NULL)
		return SASL_MORE;
	if (x->state == 1)
		return SASL_BAD;
	flag = str_split(&rest, ',');
	authzid = str_split(&rest, ',');
	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y")))
		return SASL_MALFORMED;
	if (authzid.n > 0 && !str_starts(authzid, STR("a=")))
		return SASL_MALFORMED;
	x->authzid = str_skip(authzid, 2);
	if (rest.n < 2 || rest.p[0] != '\1' || !str_ends(rest, STR("\1\1")) ||
	    memchr(rest.p, '\0', rest.n) != NULL ||
	    !pair(str_skip(rest, 1), STR("auth=Bearer "), &token))
		return SASL_MALFORMED;
	return judge(x, str_trim(token), out);
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
SASL_STEP(sasl_xoauth2_step)
{
	struct str user, token;

	if (in.p == NULL)
		return SASL_MORE;
	if (x->state == 1)
		return SASL_BAD;
	if (!str_starts(in, STR("user=")) || !str_ends(in, STR("\1\1")) ||
	    memchr(in.p, '\0', in.n) != NULL || !pair(in, STR("user="), &user) ||
	    !pair(in, STR("auth=Bearer "), &token))
		return SASL_MALFORMED;
	x->authzid = user;
	return judge(x, str_trim(token), out);
}

/* SPDX-License-Identifier: ISC */
/*
 * check: what only policy can see in a configuration: names of rules.  See decide.h.
 */
#include "conf/config.h"
#include "conf/errors.h"
#include "policy/decide.h"

bool
policy_check(const struct config *cfg, struct conf_errors *errs)
{
	bool good = true;

	for (size_t i = 0; i < cfg->nobserve; i++) {
		bool observable;
		bool known = policy_rule_known(cfg->observe[i], &observable);

		if (known && observable)
			continue;
		good = false;
		conf_error_add(errs, 0, 0, known ?
		    "policy observe: without '" STR_F "' nothing is safe; "
		    "it cannot be observed only"
		    : "policy observe: there is no rule '" STR_F "'", STR_A(cfg->observe[i]));
	}
	return good;
}

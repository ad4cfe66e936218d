/* SPDX-License-Identifier: ISC */
/*
 * forward_test: how mail leaves, a case a line.
 */
#include "policy/forward.h"

#include "base/num.h"
#include "base/test.h"
#include "policy/found.h"

enum { J = FOUND_JUDGED, S = FOUND_AUTHOR_STRICT, D = FOUND_AUTHOR_DKIM, BAD = FOUND_JUNK };

static const struct {
	const char *name;
	struct forward_facts f;
	enum forward_act act;
	const char *rule, *dkim, *dmarc;
} cases[] = {
	{ "stranger, nothing known", {}, FORWARD_SRS, "forward-foreign-sender", "unknown",
	  "unknown" },
	{ "stranger, signed", { .found = J | D }, FORWARD_SRS, "forward-foreign-sender", "pass",
	  "pass" },
	{ "stranger, unsigned, no policy", { .found = J }, FORWARD_SRS, "forward-foreign-sender",
	  "fail", "unknown" },
	{ "signed, p=reject", { .found = J | S | D }, FORWARD_SRS, "forward-foreign-sender", "pass",
	  "pass" },
	{ "SPF alone, p=reject", { .found = J | S }, FORWARD_SRS, "forward-unsigned", "fail",
	  "fail" },
	{ "... to be wrapped", { .found = J | S, .unsigned_strict = UNSIGNED_WRAP }, FORWARD_WRAP,
	  "forward-unsigned-wrapped", "pass", "pass" },
	{ "... to be refused", { .found = J | S, .unsigned_strict = UNSIGNED_REFUSE },
	  FORWARD_REFUSE, "forward-unsigned-refused", "fail", "fail" },
	{ "signed is never wrapped", { .found = J | S | D, .unsigned_strict = UNSIGNED_WRAP },
	  FORWARD_SRS, "forward-foreign-sender", "pass", "pass" },
	{ "junk", { .found = J | BAD | D }, FORWARD_REFUSE, "forward-junk", "pass", "pass" },
	{ "junk of ours", { .found = J | BAD, .sender_ours = true }, FORWARD_REFUSE, "forward-junk",
	  "fail", "pass" },
	{ "junk to a domain we relay for", { .found = J | BAD, .inside = true }, FORWARD_REFUSE,
	  "forward-junk", "fail", "unknown" },
	{ "bounce coming back", { .found = J | BAD, .bounce = true, .null_sender = true },
	  FORWARD_KEEP, "forward-bounce", "fail", "unknown" },
	{ "null sender", { .null_sender = true }, FORWARD_KEEP, "forward-null-sender", "unknown",
	  "unknown" },
	{ "own sender", { .sender_ours = true }, FORWARD_KEEP, "forward-own-sender", "unknown",
	  "pass" },
	{ "list with an owner", { .owner = true, .found = J | D }, FORWARD_KEEP, "forward-list",
	  "pass", "pass" },
	{ "inside", { .inside = true }, FORWARD_KEEP, "forward-inside", "unknown", "unknown" },
};

static void
test_B13_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct forward_verdict v = forward_decide(&cases[i].f);

		T_CASE(cases[i].name);
		t_str(str_of(v.rule), cases[i].rule);
		t_int(v.act, cases[i].act);
		t_str(str_of(expected_name(v.dkim)), cases[i].dkim);
		t_str(str_of(expected_name(v.dmarc)), cases[i].dmarc);
		t_str(str_of(expected_name(v.spf)),
		    cases[i].f.null_sender ? "unknown" : "pass");
	}
}

/* Whatever else is true, junk does not leave. */
static void
test_T_FWD_03_junk_stays(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 16; bits++)
		for (unsigned found = 0; found < 64; found++) {
			struct forward_facts f = { .null_sender = bits & 1, .sender_ours = bits & 2,
				.owner = bits & 4, .inside = bits & 8, .found = found | J | BAD };

			t_int(forward_decide(&f).act, FORWARD_REFUSE);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_B13_verdicts), cmocka_unit_test(test_T_FWD_03_junk_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

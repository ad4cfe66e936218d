/* SPDX-License-Identifier: ISC */
/*
 * forward: see forward.h.
 */
#include "policy/forward.h"

#include "base/num.h"
#include "policy/found.h"

static bool judged(const struct forward_facts *f) { return f->found & FOUND_JUDGED; }
static bool junk(const struct forward_facts *f) { return f->found & FOUND_JUNK; }
static bool bounce(const struct forward_facts *f) { return f->bounce; }
static bool inside(const struct forward_facts *f) { return f->inside; }
static bool nobody(const struct forward_facts *f) { return f->null_sender; }
static bool list(const struct forward_facts *f) { return f->owner; }
static bool ours(const struct forward_facts *f) { return f->sender_ours; }
static bool foreign(const struct forward_facts *f) { (void)f; return true; }

/* Whoever enforces DMARC and does not sign passes by SPF alone, and that ends here. */
static bool
unsigned_strict(const struct forward_facts *f)
{
	return judged(f) && (f->found & FOUND_AUTHOR_STRICT) && !(f->found & FOUND_AUTHOR_DKIM);
}

static bool
wrapped(const struct forward_facts *f)
{
	return unsigned_strict(f) && f->unsigned_strict == UNSIGNED_WRAP;
}

static bool
refused(const struct forward_facts *f)
{
	return unsigned_strict(f) && f->unsigned_strict == UNSIGNED_REFUSE;
}

static const struct {
	const char *name;
	bool (*speaks)(const struct forward_facts *f);
	enum forward_act act;
} rules[] = {
	{ "forward-bounce", bounce, FORWARD_KEEP },
	{ "forward-junk", junk, FORWARD_REFUSE },
	{ "forward-inside", inside, FORWARD_KEEP },
	{ "forward-unsigned-wrapped", wrapped, FORWARD_WRAP },
	{ "forward-unsigned-refused", refused, FORWARD_REFUSE },
	{ "forward-null-sender", nobody, FORWARD_KEEP },
	{ "forward-list", list, FORWARD_KEEP },
	{ "forward-own-sender", ours, FORWARD_KEEP },
	{ "forward-unsigned", unsigned_strict, FORWARD_SRS },
	{ "forward-foreign-sender", foreign, FORWARD_SRS },
};

static enum expected
dkim_of(const struct forward_facts *f)
{
	if (!judged(f))
		return EXPECT_UNKNOWN;
	return f->found & FOUND_AUTHOR_DKIM ? EXPECT_PASS : EXPECT_FAIL;
}

struct forward_verdict
forward_decide(const struct forward_facts *f)
{
	struct forward_verdict v = { .act = FORWARD_REFUSE, .rule = "forward-nothing" };

	for (size_t i = 0; i < COUNT(rules); i++) {
		if (!rules[i].speaks(f))
			continue;
		v.act = rules[i].act;
		v.rule = rules[i].name;
		break;
	}
	v.spf = f->null_sender ? EXPECT_UNKNOWN : EXPECT_PASS;	/* RFC 7208 2.4: else HELO's */
	v.dkim = v.act == FORWARD_WRAP ? EXPECT_PASS : dkim_of(f);
	/* SPF passes for us, not for the author: only the signature counts. */
	v.dmarc = f->sender_ours ? EXPECT_PASS : v.dkim;
	if (v.dmarc == EXPECT_FAIL && !(f->found & FOUND_AUTHOR_STRICT))
		v.dmarc = EXPECT_UNKNOWN;		/* nobody asks for it */
	return v;
}

const char *
forward_act_name(enum forward_act a)
{
	switch (a) {
	case FORWARD_KEEP:	return "keep";
	case FORWARD_SRS:	return "srs";
	case FORWARD_WRAP:	return "wrap";
	case FORWARD_REFUSE:	return "refuse";
	}
	return "?";
}

const char *
expected_name(enum expected e)
{
	switch (e) {
	case EXPECT_PASS:	return "pass";
	case EXPECT_FAIL:	return "fail";
	case EXPECT_UNKNOWN:	return "unknown";
	}
	return "?";
}

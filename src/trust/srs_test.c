/* SPDX-License-Identifier: ISC */
/*
 * srs_test: the known layout against values that other programs agree on, the strong one against
 * itself and against everything that must not pass: T-SRS-01 to T-SRS-03 without a server.
 */
#include "trust/srs.h"

#include "base/test.h"

enum { NOW = 1577836860, DAY = 86'400 };	/* 2020-01-01, stamp 2W */

static struct arena arena;

static struct srs_conf
conf(bool classic, const char *secret, int64_t now)
{
	return (struct srs_conf){ .domain = STR("fwd.example"), .secret = { str_of(secret) },
		.nsecret = 1, .classic = classic, .now_s = now };
}

static struct str
forward(const struct srs_conf *c, struct str address)
{
	const char *why = NULL;
	struct str out;

	t_int(srs_forward(c, address, &arena, &out, &why), SRS_OK);
	return out;
}

static const struct { const char *in, *out, *why; } there[] = {
	{ "test@otherdomain.com", "SRS0=vmyz=2W=otherdomain.com=test@fwd.example", NULL },
	{ "MixedCase@Example.ORG", "SRS0=+9mO=2W=Example.ORG=MixedCase@fwd.example", NULL },
	{ "SRS0notreally@h.example", "SRS0=a3eP=2W=h.example=SRS0notreally@fwd.example", NULL },
	{ "SRS0=vmyz=2W=otherdomain.com=test@first.example",
	  "SRS1=nlzF=first.example==vmyz=2W=otherdomain.com=test@fwd.example", NULL },
	{ "SRS1=XXXX=first.example==vmyz=2W=otherdomain.com=test@second.example",
	  "SRS1=nlzF=first.example==vmyz=2W=otherdomain.com=test@fwd.example", NULL },
	{ "srs1-XXXX=first.example==vmyz=2W=otherdomain.com=test@second.example",
	  "SRS1=nlzF=first.example==vmyz=2W=otherdomain.com=test@fwd.example", NULL },
	{ "", "", "unchanged" },
	{ "bob@FWD.example", "bob@FWD.example", "unchanged" },
	{ "bob", NULL, "address" },
	{ "@host.example", NULL, "address" },
	{ "bob@", NULL, "address" },
	{ "a@b@c.example", NULL, "address" },
	{ "bob@ho=st.example", NULL, "address" },
	{ "SRS1=XXXX@second.example", NULL, "format" },
};

static void
test_there(void **state)
{
	struct srs_conf c = conf(true, "tops3cr3t", NOW);

	(void)state;
	for (size_t i = 0; i < COUNT(there); i++) {
		const char *why = NULL;
		struct str out;
		enum srs got = srs_forward(&c, str_of(there[i].in), &arena, &out, &why);

		T_CASE(there[i].in);
		if (there[i].out == NULL) {
			t_int(got, SRS_ERROR);
			t_str(str_of(why), there[i].why);
			continue;
		}
		t_int(got, there[i].why == NULL ? SRS_OK : SRS_UNCHANGED);
		t_str(out, there[i].out);
	}
}

static const struct { const char *in, *out, *why; int days; } back[] = {
	{ "SRS0=vmyz=2W=otherdomain.com=test@fwd.example", "test@otherdomain.com", NULL, 0 },
	{ "SRS0=vmyz=2W=otherdomain.com=test@FWD.Example", "test@otherdomain.com", NULL, 0 },
	{ "srs0+VMYZ=2w=otherdomain.com=test@fwd.example", "test@otherdomain.com", NULL, 0 },
	{ "SRS0-vmyz=2W=otherdomain.com=test@fwd.example", "test@otherdomain.com", NULL, 0 },
	{ "SRS0=vmyz=2W=otherdomain.com=test@fwd.example", "test@otherdomain.com", NULL, 21 },
	{ "SRS0=vmyz=2W=otherdomain.com=test@fwd.example", NULL, "time", 22 },
	{ "SRS0=vmyz=2W=otherdomain.com=test@fwd.example", NULL, "time", -1 },
	{ "SRS0=vmyy=2W=otherdomain.com=test@fwd.example", NULL, "hash", 0 },
	{ "SRS0=vmy=2W=otherdomain.com=test@fwd.example", NULL, "hash", 0 },
	{ "SRS0==2W=otherdomain.com=test@fwd.example", NULL, "hash", 0 },
	{ "SRS0=vmyz=2X=otherdomain.com=test@fwd.example", NULL, "hash", 0 },
	{ "SRS0=vmyz=2W=evil.example=test@fwd.example", NULL, "hash", 0 },
	{ "SRS0=vmyz=2W=otherdomain.com=root@fwd.example", NULL, "hash", 0 },
	{ "SRS0=vmyz=2W=otherdomain.com=test@else.example", NULL, "domain", 0 },
	{ "SRS0=vmyz=2W@fwd.example", NULL, "format", 0 },
	{ "SRS0=@fwd.example", NULL, "format", 0 },
	{ "SRS1=nlzF=first.example==vmyz=2W=otherdomain.com=test@fwd.example",
	  "SRS0=vmyz=2W=otherdomain.com=test@first.example", NULL, 300 },
	{ "SRS1=nlzF=evil.example==vmyz=2W=otherdomain.com=test@fwd.example", NULL, "hash", 0 },
	{ "SRS1=nlzF=first.example@fwd.example", NULL, "format", 0 },
	{ "bob@fwd.example", "bob@fwd.example", "unchanged", 0 },
	{ "SRS0notreally@fwd.example", "SRS0notreally@fwd.example", "unchanged", 0 },
};

static void
test_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(back); i++) {
		struct srs_conf c = conf(true, "tops3cr3t", NOW + back[i].days * (int64_t)DAY);
		const char *why = NULL;
		struct str out;
		enum srs got = srs_reverse(&c, str_of(back[i].in), &arena, &out, &why);

		T_CASE(back[i].in);
		if (back[i].out == NULL) {
			t_int(got, SRS_ERROR);
			t_str(str_of(why), back[i].why);
			continue;
		}
		t_int(got, back[i].why == NULL ? SRS_OK : SRS_UNCHANGED);
		t_str(out, back[i].out);
	}
}

static const char *const senders[] = {
	"mike@somedomain.com", "x=y@host.example", "user+tag@h.example", "\"a b\"@h.example",
	"\"a\\\"@b\"@h.example", "a@[192.0.2.1]", "SRS1=odd@h.example",
};

/* R7: what was minted comes back; in any case of letters; not with one octet changed. */
static void
test_R7_strong(void **state)
{
	struct srs_conf c = conf(false, "0123456789abcdef0123456789abcdef", NOW);

	(void)state;
	for (size_t i = 0; i < COUNT(senders); i++) {
		struct str there_ = forward(&c, str_of(senders[i])), out;
		const char *why = NULL;

		T_CASE(senders[i]);
		t_true(there_.n > 0);
		t_int(srs_reverse(&c, there_, &arena, &out, &why), SRS_OK);
		t_str(out, senders[i]);
		t_int(srs_reverse(&c, str_lower(&arena, there_), &arena, &out, &why), SRS_OK);
		t_true(str_ieq(out, str_of(senders[i])));
	}
}

static void
test_T_SRS_01_forged(void **state)
{
	struct srs_conf c = conf(false, "0123456789abcdef0123456789abcdef", NOW);
	struct srs_conf other = conf(false, "another secret of the same length", NOW);
	struct str good = forward(&c, STR("mike@somedomain.com")), out;
	size_t end = (size_t)str_chr(good, '@');
	char bad[128];
	const char *why;

	(void)state;
	t_true(good.n < sizeof bad);
	t_int(str_chr(str_skip(good, 5), '='), 16);		/* 80 bits */
	for (size_t i = 5; i < end; i++) {
		memcpy(bad, good.p, good.n);
		bad[i] = bad[i] == 'q' || bad[i] == 'Q' ? 'r' : 'q';
		t_int(srs_reverse(&c, str_from(bad, good.n), &arena, &out, &why), SRS_ERROR);
	}
	t_int(srs_reverse(&other, good, &arena, &out, &why), SRS_ERROR);	/* T-SRS-03 */
	t_str(str_of(why), "hash");
	/* An octet may not wander from the host to the user, as it may in the known layout. */
	t_false(str_eq(str_sub(forward(&c, STR("b@a.exa")), 0, 21),
	    str_sub(forward(&c, STR("ab@.exa")), 0, 21)));
	/* A hash of the known layout, or part of ours, is none. */
	t_int(srs_reverse(&c, STR("SRS0=vmyz=2W=otherdomain.com=test@fwd.example"), &arena, &out,
	    &why), SRS_ERROR);
}

static void
test_T_SRS_02_old(void **state)
{
	struct srs_conf c = conf(false, "0123456789abcdef0123456789abcdef", NOW);
	struct str good = forward(&c, STR("mike@somedomain.com")), out;
	const char *why;

	(void)state;
	c.now_s = NOW + SRS_DAYS * DAY;
	t_int(srs_reverse(&c, good, &arena, &out, &why), SRS_OK);
	c.now_s += DAY;
	t_int(srs_reverse(&c, good, &arena, &out, &why), SRS_ERROR);
	t_str(str_of(why), "time");
}

static void
test_secrets(void **state)
{
	struct srs_conf c = conf(false, "old", NOW);
	struct str good = forward(&c, STR("mike@somedomain.com")), out, newer;
	const char *why;

	(void)state;
	c.secret[0] = STR("new");
	t_int(srs_reverse(&c, good, &arena, &out, &why), SRS_ERROR);
	c.secret[c.nsecret++] = STR("old");
	t_int(srs_reverse(&c, good, &arena, &out, &why), SRS_OK);
	newer = forward(&c, STR("mike@somedomain.com"));
	t_false(str_eq(newer, good));
	c.nsecret = 0;
	t_int(srs_reverse(&c, good, &arena, &out, &why), SRS_ERROR);
	t_int(srs_forward(&c, STR("mike@somedomain.com"), &arena, &out, &why), SRS_ERROR);
	t_str(str_of(why), "secret");
}

static void
test_length(void **state)
{
	struct srs_conf c = conf(false, "0123456789abcdef0123456789abcdef", NOW);
	char long_[260];
	struct str out;
	const char *why;

	(void)state;
	memset(long_, 'a', sizeof long_);
	memcpy(long_ + 230, "@host.example", 13);
	t_int(srs_forward(&c, str_from(long_, 243), &arena, &out, &why), SRS_ERROR);
	t_str(str_of(why), "length");
	t_true(srs_looks_like(STR("srs0=a=b=c=d")) && srs_looks_like(STR("\"SRS1+a b")));
	t_false(srs_looks_like(STR("SRS0")) || srs_looks_like(STR("SRS0notreally")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there), cmocka_unit_test(test_back),
		cmocka_unit_test(test_R7_strong), cmocka_unit_test(test_T_SRS_01_forged),
		cmocka_unit_test(test_T_SRS_02_old), cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_length),
	};

	arena_init(&arena, 1 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * sasl_fuzz: any messages to any mechanism.  The store knows one user, and whoever gets in without
 * having proved that he is that user has found a hole.
 *
 * First octet: the mechanism; the rest: messages, each behind two octets of length.
 */
#include <stdlib.h>

#include "sasl/sasl.h"
#include "sasl/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct domain domains[] = { { .name = STR_INIT("fuzz.example") } };
static struct config cfg = { .hostname = STR_INIT("mx.fuzz.example"), .domain = domains,
	.ndomain = 1 };
static const struct str password = STR_INIT("the right one, and nobody can guess it");
static struct arena mem;
static struct verifier known;
static bool proved;			/* the password itself was said */

static enum cred
find(void *ctx, struct str user, enum auth_mech need, struct arena *a, struct verifier *out)
{
	(void)ctx;
	(void)a;
	*out = (struct verifier){ .iterations = 4096 };
	if (!str_eq(user, STR("u")) && !str_eq(user, STR("u@fuzz.example")))
		return CRED_UNKNOWN;
	if (need == MECH_EXTERNAL)
		return CRED_UNKNOWN;
	*out = known;
	if (need == MECH_CRAM_MD5 || need == MECH_DIGEST_MD5)
		out->password = password;
	out->identity = STR("u@fuzz.example");
	return CRED_OK;
}

static enum cred
check(void *ctx, struct str user, struct str said, struct arena *a, struct str *identity)
{
	(void)ctx;
	(void)user;
	(void)a;
	if (said.n == 0 || user.n == 0)
		abort();			/* no store ever sees an empty password */
	proved = str_eq(said, password);
	*identity = STR("u@fuzz.example");
	return proved ? CRED_OK : CRED_FAILED;
}

static bool
admit(void *ctx, struct str user, struct str said)
{
	(void)ctx;
	(void)user;
	(void)said;
	return true;
}

static enum sasl
krb(void *ctx, bool first, struct str in, struct arena *a, struct str *out, struct str *name)
{
	(void)ctx;
	(void)first;
	(void)in;
	(void)a;
	*out = *name = (struct str){};
	return SASL_BAD;
}

static enum sasl
krb_store(void *ctx, bool first, struct str in, struct arena *a, struct str *out,
    struct str *name, struct str *authzid)
{
	*authzid = (struct str){};
	return krb(ctx, first, in, a, out, name);
}

static int64_t
wall_s(void)
{
	return 1'770'000'000;
}

static void
setup(void)
{
	if (known.iterations != 0)
		return;
	arena_init(&mem, 16384);
	known = (struct verifier){ .iterations = 4096, .salt = STR("0123456789abcdef") };
	if (!scram_derive(false, password, &mem, &known))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sasl_house house = { .cfg = &cfg, .decoy = "decoy", .wall_s = wall_s };
	struct sasl_store store = { .find = find, .check = check, .admit = admit,
		.krb = krb_store };
	struct sasl_ask ask = { .exporter = STR("exporter bytes, thirty-two of them"),
		.nonce = "nonce" };
	struct sasl_exchange *x;
	struct buf out;
	enum sasl said = SASL_MORE;

	if (n < 1)
		return 0;
	setup();
	proved = false;
	ask.mech = (enum auth_mech)(p[0] % MECH_COUNT);
	ask.plus = p[0] & 0x80;
	buf_init(&out, 1 << 16);
	x = sasl_begin(&house, &ask, &store);
	for (size_t i = 1; x != NULL && said == SASL_MORE && i + 2 <= n;) {
		size_t len = (size_t)p[i] << 8 | p[i + 1];
		char *copy;

		i += 2;
		len = len < n - i ? len : n - i;
		copy = malloc(len + 1);		/* so that a read beyond it is seen */
		if (copy == NULL)
			abort();
		memcpy(copy, p + i, len);
		buf_reset(&out);
		said = sasl_step(x, str_from(copy, len), &out);
		free(copy);
		i += len;
	}
	if (said == SASL_OK && !proved)
		abort();
	sasl_end(x);
	buf_done(&out);
	return 0;
}

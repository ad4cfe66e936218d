/* SPDX-License-Identifier: ISC */
/*
 * verb_dkim: `postern dkim verify` and `postern dkim sign`: a message on standard input.
 *
 * verify [--legacy]: JSON, the overall result and each signature's from the top of the header.
 * sign --domain D --selector S --key PEM --canon H/B: the signed message; exit 65 when it must not
 * be signed.  list and rotate: verb_rotate.c.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "main/verb.h"
#include "main/verb_ask.h"
#include "main/verb_json.h"
#include "main/verb_trust.h"
#include "rt/clock.h"
#include "trust/dkim.h"
#include "trust/dkim_sign.h"

struct dkim_verb {
	bool legacy;
	struct str domain, selector, canon;
	const char *key;
	struct buf in;
};

json_t *
verb_dkim_json(const struct dkim *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct dkim_sig *s = &d->sig[i];

		(void)json_array_append_new(list, json_pack(
		    "{s:s,s:o,s:o,s:o,s:o,s:s,s:I,s:b,s:b}", "result",
		    auth_result_name(s->result), "domain", verb_json_str(s->domain), "selector",
		    verb_json_str(s->selector), "identity", verb_json_str(s->identity),
		    "algorithm", verb_json_str(s->algorithm), "reason", s->why, "bits",
		    (json_int_t)s->key_bits, "limited", s->limited, "testing", s->testing));
	}
	return list;
}

static void
verify_run(struct verb_ask *v)
{
	struct dkim_verb *o = v->arg;
	struct dkim_rules rules = { .now_s = v->now_s };
	struct dkim d = { .legacy = o->legacy };
	struct body_hashes b = {};
	struct str text = buf_str(&o->in);
	struct header h;

	v->status = EX_DATAERR;
	if (!header_parse(text, &v->a, 0, &h) || !dkim_begin(&d, &h, &b, &v->a))
		return;
	body_hash_feed(&b, str_skip(text, h.body_at));
	body_hash_end(&b);
	dkim_end(&d, &b, &rules, &v->dns, &v->a);
	body_hashes_done(&b);
	v->answer = json_pack("{s:s,s:o,s:I}", "result", auth_result_name(d.result), "signatures",
	    verb_dkim_json(&d), "queries", (json_int_t)v->dns.queries);
}

static bool
sign_with(void *ctx, struct str block, struct buf *signature)
{
	return dkim_sign_locally(ctx, block, signature);
}

EVP_PKEY *
verb_dkim_key(const char *file)
{
	FILE *f = fopen(file, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f)
		(void)fclose(f);
	if (!key)
		(void)fprintf(stderr, "postern: %s: no private key in PEM form\n", file);
	return key;
}

static bool
canon_of(struct str text, struct dkim_signer *s)
{
	struct str body = text, head = str_split(&body, '/');

	s->relaxed_header = str_eq(head, STR("relaxed"));
	s->relaxed_body = str_eq(body, STR("relaxed"));
	return (s->relaxed_header || str_eq(head, STR("simple"))) &&
	    (s->relaxed_body || body.n == 0 || str_eq(body, STR("simple")));
}

static int
sign_message(struct dkim_verb *o, struct verb_ask *v)
{
	struct dkim_signer s = { .domain = o->domain, .selector = o->selector, .sign = sign_with,
		.now_s = v->has_now ? v->now_s : wall_ms() / 1000 };
	EVP_PKEY *key = verb_dkim_key(o->key);
	struct str text = buf_str(&o->in), digest;
	struct body_hashes b = {};
	const char *why = NULL;
	struct header h;
	struct buf field;
	uint64_t len;
	int number;

	if (!key || !canon_of(o->canon, &s))
		return key ? EX_USAGE : EX_NOINPUT;
	arena_init(&v->a, (size_t)8 * VERB_INPUT_MAX);
	buf_init(&field, 64 << 10);
	s.ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	s.ctx = key;
	number = body_hash_want(&b, (struct body_wish){ .relaxed = s.relaxed_body });
	if (!header_parse(text, &v->a, 0, &h) || (why = dkim_sign_refuses(&h)) != NULL) {
		(void)fprintf(stderr, "postern: not signed: %s\n", why ? why : "too large");
		return EX_DATAERR;
	}
	body_hash_feed(&b, str_skip(text, h.body_at));
	body_hash_end(&b);
	digest = body_hash_get(&b, number, &len);
	if (!dkim_sign(&s, &h, digest, &v->a, &field))
		return EX_SOFTWARE;
	(void)fwrite(field.p, 1, field.n, stdout);
	(void)fwrite(text.p, 1, text.n, stdout);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static bool
parse_args(int argc, char **argv, struct dkim_verb *o, struct verb_ask *v)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--legacy") == 0) {
			o->legacy = true;
			continue;
		}
		if (verb_ask_option(v, argc, argv, &i))
			continue;
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--domain") == 0)
			o->domain = str_of(argv[i + 1]);
		else if (strcmp(argv[i], "--selector") == 0)
			o->selector = str_of(argv[i + 1]);
		else if (strcmp(argv[i], "--key") == 0)
			o->key = argv[i + 1];
		else if (strcmp(argv[i], "--canon") == 0)
			o->canon = str_of(argv[i + 1]);
		else
			return false;
		i++;
	}
	return true;
}

int
verb_dkim(int argc, char **argv)
{
	struct dkim_verb o = { .canon = STR("relaxed/relaxed") };
	struct verb_ask v = { .arg = &o };
	bool sign = argc > 1 && strcmp(argv[1], "sign") == 0;

	if (argc > 1 && (strcmp(argv[1], "list") == 0 || strcmp(argv[1], "rotate") == 0))
		return verb_dkim_keys(argc, argv);
	if (argc < 2 || (!sign && strcmp(argv[1], "verify") != 0) ||
	    !parse_args(argc, argv, &o, &v) ||
	    (sign && (o.domain.n == 0 || o.selector.n == 0 || !o.key)))
		return verb_usage(argc, argv, "dkim verify [--legacy] [--now EPOCH] [--zone FILE] "
		    "< MESSAGE\n       postern dkim sign --domain D --selector S --key PEM "
		    "[--canon relaxed/relaxed] [--now EPOCH] < MESSAGE\n"
		    "       postern dkim list [DOMAIN] [--dns]\n       postern dkim rotate DOMAIN");
	buf_init(&o.in, VERB_INPUT_MAX);
	if (!verb_read_input(&o.in))
		return EX_DATAERR;
	return sign ? sign_message(&o, &v) : verb_ask_run(&v, verify_run);
}

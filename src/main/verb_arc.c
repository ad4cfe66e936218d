/* SPDX-License-Identifier: ISC */
/*
 * verb_arc: `postern arc verify` and `postern arc seal`: a message on standard input.
 *
 * verify: JSON.  seal --domain D --selector S --key PEM --authserv-id ID --headers a:b:c: the
 * sealed message, or the message as it was when its chain must not be extended.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "main/verb.h"
#include "main/verb_ask.h"
#include "main/verb_json.h"
#include "main/verb_trust.h"
#include "trust/arc_seal.h"
#include "trust/dkim_sign.h"

enum { NAMES_MAX = 64 };

struct arc_verb {
	bool seal;
	struct str domain, selector, authserv_id, headers;
	const char *key;
	EVP_PKEY *pkey;
	struct buf in, out;
};

struct chain {
	struct header h;
	struct arc arc;
	struct str digest;
	char room[BODY_DIGEST_MAX];
};

/* suspends */
static bool
read_chain(struct verb_ask *v, struct str text, struct chain *c)
{
	struct body_hashes b = {};
	struct str digest;
	uint64_t len;
	int number = body_hash_want(&b, (struct body_wish){ .relaxed = true });

	if (!header_parse(text, &v->a, 0, &c->h) || !arc_begin(&c->arc, &c->h, &b, &v->a))
		return false;
	body_hash_feed(&b, str_skip(text, c->h.body_at));
	body_hash_end(&b);
	digest = body_hash_get(&b, number, &len);
	memcpy(c->room, digest.p, digest.n);
	c->digest = str_from(c->room, digest.n);
	arc_end(&c->arc, &b, v->now_s, &v->dns, &v->a);
	body_hashes_done(&b);
	return true;
}

static json_t *
sets_json(const struct arc *arc)
{
	json_t *list = json_array();

	for (unsigned i = 0; arc->set && i < arc->n; i++)
		(void)json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:b}", "seal",
		    verb_json_str(arc->set[i].seal_domain), "message",
		    verb_json_str(arc->set[i].message_domain), "results",
		    verb_json_str(arc->set[i].aar), "valid", arc->set[i].ams_valid));
	return list;
}

static bool
sign_with(void *ctx, struct str block, struct buf *signature)
{
	return dkim_sign_locally(ctx, block, signature);
}

static void
seal_chain(struct verb_ask *v, struct chain *c)
{
	struct arc_verb *o = v->arg;
	struct str name[NAMES_MAX], rest = o->headers;
	struct arc_sealer s = {
		.domain = o->domain, .selector = o->selector, .authserv_id = o->authserv_id,
		.name = name, .now_s = v->now_s, .sign = sign_with, .ctx = o->pkey,
		.ed25519 = EVP_PKEY_get_base_id(o->pkey) == EVP_PKEY_ED25519,
	};

	while (rest.n > 0 && s.nname < NAMES_MAX)
		name[s.nname++] = str_trim(str_split(&rest, ':'));
	if (!arc_seal(&s, &c->h, &c->arc, c->digest, &v->a, &o->out))
		buf_reset(&o->out);
}

static void
arc_run(struct verb_ask *v)
{
	struct arc_verb *o = v->arg;
	struct chain c = {};

	v->status = EX_DATAERR;
	if (!read_chain(v, buf_str(&o->in), &c))
		return;
	v->status = EX_OK;
	if (o->seal)
		seal_chain(v, &c);
	else
		v->answer = json_pack("{s:s,s:I,s:s,s:I,s:o}", "result",
		    c.arc.result == AUTH_TEMPERROR ? "fail" : auth_result_name(c.arc.result),
		    "instances", (json_int_t)c.arc.n, "reason", c.arc.why, "oldest_pass",
		    (json_int_t)c.arc.oldest_pass, "sets", sets_json(&c.arc));
}

static bool
parse_args(int argc, char **argv, struct arc_verb *o, struct verb_ask *v)
{
	for (int i = 2; i < argc; i++) {
		struct str *at = NULL;

		if (verb_ask_option(v, argc, argv, &i))
			continue;
		if (strcmp(argv[i], "--domain") == 0)
			at = &o->domain;
		else if (strcmp(argv[i], "--selector") == 0)
			at = &o->selector;
		else if (strcmp(argv[i], "--authserv-id") == 0)
			at = &o->authserv_id;
		else if (strcmp(argv[i], "--headers") == 0)
			at = &o->headers;
		else if (strcmp(argv[i], "--key") != 0)
			return false;
		if (++i == argc)
			return false;
		if (at)
			*at = str_of(argv[i]);
		else
			o->key = argv[i];
	}
	return !o->seal || (o->domain.n > 0 && o->selector.n > 0 && o->authserv_id.n > 0 &&
	    o->headers.n > 0 && o->key);
}

int
verb_arc(int argc, char **argv)
{
	struct arc_verb o = { .seal = argc > 1 && strcmp(argv[1], "seal") == 0 };
	struct verb_ask v = { .arg = &o };
	int status;

	if (argc < 2 || (!o.seal && strcmp(argv[1], "verify") != 0) ||
	    !parse_args(argc, argv, &o, &v))
		return verb_usage(argc, argv, "arc verify [--zone FILE] < MESSAGE\n"
		    "       postern arc seal --domain D --selector S --key PEM --authserv-id ID "
		    "--headers a:b:c [--now EPOCH] [--zone FILE] < MESSAGE");
	buf_init(&o.in, VERB_INPUT_MAX);
	buf_init(&o.out, 256 << 10);
	if (!verb_read_input(&o.in))
		return EX_DATAERR;
	if (o.seal && !(o.pkey = verb_dkim_key(o.key)))
		return EX_NOINPUT;
	status = verb_ask_run(&v, arc_run);
	if (o.seal && status == EX_OK) {
		(void)fwrite(o.out.p, 1, o.out.n, stdout);
		(void)fwrite(o.in.p, 1, o.in.n, stdout);
		return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
	}
	return status;
}

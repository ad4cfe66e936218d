/* SPDX-License-Identifier: ISC */
/*
 * message: the payload of REC_MSG, envelope and facts of one message.
 *
 * A fixed part, then strings with tags (absent when empty, unknown tags are passed over so that a
 * fact can be added without a new version), then the recipients.  Pure; owns nothing.
 */
#include "spool/record.h"

#include <string.h>

#include "base/num.h"

enum { FIXED = 72, RCPT_FIXED = 12, TAG_FIXED = 5 };
enum { BIT_NULL_SENDER = 1, BIT_SMTPUTF8 = 2, BIT_REQUIRETLS = 4 };

/* Tags are for ever. */
static const struct {
	uint8_t tag;
	size_t at;
} strings[] = {
	{ 1, offsetof(struct spool_env, sender) },
	{ 2, offsetof(struct spool_env, envid) },
	{ 3, offsetof(struct spool_env, helo) },
	{ 4, offsetof(struct spool_env, peer_name) },
	{ 5, offsetof(struct spool_env, listener) },
	{ 6, offsetof(struct spool_env, with) },
	{ 7, offsetof(struct spool_env, auth_id) },
	{ 8, offsetof(struct spool_env, auth_param) },
	{ 9, offsetof(struct spool_env, token) },
	{ 10, offsetof(struct spool_env, rule) },
	{ 11, offsetof(struct spool_env, why) },
};

static const struct str *
string_of(const struct spool_env *env, size_t i)
{
	return (const struct str *)(const void *)((const char *)env + strings[i].at);
}

static size_t
strings_len(const struct spool_env *env)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT(strings); i++)
		if (string_of(env, i)->n)
			n += TAG_FIXED + string_of(env, i)->n;
	return n;
}

size_t
msg_encoded_len(const struct spool_env *env)
{
	size_t n = FIXED + strings_len(env);

	for (size_t i = 0; i < env->nrcpt; i++)
		n += RCPT_FIXED + env->rcpt[i].addr.n + env->rcpt[i].orcpt.n;
	return n;
}

static char *
put_str(char *p, struct str s)
{
	if (s.n)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

static char *
put_strings(char *p, const struct spool_env *env)
{
	for (size_t i = 0; i < COUNT(strings); i++) {
		struct str s = *string_of(env, i);

		if (s.n == 0)
			continue;
		*p = (char)strings[i].tag;
		put_le32(p + 1, (uint32_t)s.n);
		p = put_str(p + TAG_FIXED, s);
	}
	return p;
}

void
msg_encode(char *p, const struct spool_env *env, const struct content_ref *ref)
{
	memset(p, 0, FIXED);
	put_le64(p, (uint64_t)env->received_ms);
	put_le32(p + 8, env->flags);
	put_le32(p + 12, (uint32_t)env->nrcpt);
	memcpy(p + 16, env->peer.b, 16);
	put_le16(p + 32, env->peer_port);
	p[34] = env->peer.v6 ? 6 : 4;
	p[35] = (char)((env->null_sender ? BIT_NULL_SENDER : 0) |
	    (env->smtputf8 ? BIT_SMTPUTF8 : 0) | (env->requiretls ? BIT_REQUIRETLS : 0));
	p[36] = (char)env->ret;
	p[37] = (char)env->body;
	p[38] = (char)env->listener_kind;
	put_le64(p + 40, ref->big_n);
	put_le64(p + 48, ref->big_gen);
	put_le64(p + 56, ref->big_len);
	put_le32(p + 64, ref->big_crc);
	put_le32(p + 68, (uint32_t)strings_len(env));
	p = put_strings(p + FIXED, env);
	for (size_t i = 0; i < env->nrcpt; i++) {
		const struct spool_rcpt *r = &env->rcpt[i];

		put_le32(p, r->flags);
		put_le16(p + 4, r->notify);
		put_le16(p + 6, (uint16_t)r->addr.n);
		put_le32(p + 8, (uint32_t)r->orcpt.n);
		p = put_str(put_str(p + RCPT_FIXED, r->addr), r->orcpt);
	}
}

static bool
get_strings(struct str area, struct spool_env *env)
{
	while (area.n) {
		uint32_t n;

		if (area.n < TAG_FIXED)
			return false;
		n = get_le32(area.p + 1);
		if (n > area.n - TAG_FIXED)
			return false;
		for (size_t i = 0; i < COUNT(strings); i++)
			if (strings[i].tag == (uint8_t)area.p[0])
				memcpy((char *)env + strings[i].at,
				    &(struct str){ area.p + TAG_FIXED, n }, sizeof(struct str));
		area = str_skip(area, TAG_FIXED + n);
	}
	return true;
}

static bool
get_rcpts(struct str area, struct spool_env *env)
{
	for (size_t i = 0; i < env->nrcpt; i++) {
		struct spool_rcpt *r = &env->rcpt[i];
		size_t addr, orcpt;

		if (area.n < RCPT_FIXED)
			return false;
		addr = get_le16(area.p + 6);
		orcpt = get_le32(area.p + 8);
		if (addr > area.n - RCPT_FIXED || orcpt > area.n - RCPT_FIXED - addr)
			return false;
		*r = (struct spool_rcpt){
			.flags = get_le32(area.p), .notify = (uint8_t)get_le16(area.p + 4),
			.addr = str_sub(area, RCPT_FIXED, addr),
			.orcpt = str_sub(area, RCPT_FIXED + addr, orcpt),
		};
		area = str_skip(area, RCPT_FIXED + addr + orcpt);
	}
	return area.n == 0;
}

static void
get_fixed(const char *p, struct spool_env *env, struct content_ref *ref)
{
	env->received_ms = (int64_t)get_le64(p);
	env->flags = get_le32(p + 8);
	env->nrcpt = get_le32(p + 12);
	memcpy(env->peer.b, p + 16, 16);
	env->peer_port = get_le16(p + 32);
	env->peer.v6 = p[34] == 6;
	env->null_sender = (p[35] & BIT_NULL_SENDER) != 0;
	env->smtputf8 = (p[35] & BIT_SMTPUTF8) != 0;
	env->requiretls = (p[35] & BIT_REQUIRETLS) != 0;
	env->ret = (uint8_t)p[36];
	env->body = (enum spool_body)(uint8_t)p[37];
	env->listener_kind = (uint8_t)p[38];
	ref->big_n = get_le64(p + 40);
	ref->big_gen = get_le64(p + 48);
	ref->big_len = get_le64(p + 56);
	ref->big_crc = get_le32(p + 64);
}

static bool
decode_v1(struct str m, struct arena *a, struct spool_msg *out)
{
	struct spool_env *env = &out->env;
	uint32_t area;

	if (m.n < FIXED)
		return false;
	get_fixed(m.p, env, &out->ref);
	area = get_le32(m.p + 68);
	if (env->body > SPOOL_BINARYMIME || area > m.n - FIXED ||
	    env->nrcpt > (m.n - FIXED - area) / RCPT_FIXED)
		return false;
	env->rcpt = arena_alloc(a, env->nrcpt * sizeof *env->rcpt);
	return (env->rcpt || env->nrcpt == 0) &&
	    get_strings(str_sub(m, FIXED, area), env) && get_rcpts(str_skip(m, FIXED + area), env);
}

bool
msg_decode(const struct spool_rec *rec, struct arena *a, struct spool_msg *out)
{
	*out = (struct spool_msg){
		.id = rec->id,
		.ref = {
			.segno = rec->n, .gen = rec->gen, .offset = rec->offset,
			.record_len = rec->len, .data_off = (uint32_t)(SPOOL_HEAD + rec->meta.n),
			.data_len = (uint32_t)rec->data.n, .data_crc = rec->data_crc,
		},
	};
	if (rec->type != REC_MSG)
		return false;
	switch (rec->version) {		/* every version that was ever released */
	case 1:		return decode_v1(rec->meta, a, out);
	}
	return false;
}

/* SPDX-License-Identifier: ISC */
/*
 * rules_access: what the access map says, as rules.
 *
 * REJECT and ERROR refuse; DISCARD and QUARANTINE mark, and the walk goes on, so that neither
 * opens what a later rule would have refused.  OK spares a client or sender the weaker checks
 * and grants nothing.
 */
#include "policy/rules.h"

#include "base/num.h"

/* "550 5.7.1 words", as access_line.c made it. */
static struct reply
reply_of(struct str text)
{
	struct reply r = { .code = 550, .c = 5, .s = 7, .d = 1, .text = STR("Access denied") };
	struct str status = str_sub(text, 4, text.n);
	uint32_t n[3];

	if (text.n < 10)
		return r;
	for (size_t i = 0; i < 3; i++) {
		struct str part = str_split(&status, i < 2 ? '.' : ' ');

		if (!num_parse_u32(part, &n[i]) || n[i] > 999)
			return r;
	}
	r.code = (unsigned)(text.p[0] - '0') * 100 + (unsigned)(text.p[1] - '0') * 10 +
	    (unsigned)(text.p[2] - '0');
	r.c = n[0], r.s = n[1], r.d = n[2];
	r.text = status;
	r.close = r.code == 421;
	return r;
}

static enum match
apply(const struct policy *p, const struct access_hit *hit, struct verdict *v)
{
	switch (hit->act) {
	case ACC_REJECT:
		break;
	case ACC_ERROR:
		v->reply = reply_of(hit->text);
		v->reply.close |= v->act == ACT_REJECT && v->closes;
		if (v->reply.code < 500)
			v->act = ACT_DEFER;
		break;
	case ACC_DISCARD:
		v->mark.discard = true;
		return MATCH_MARK;
	case ACC_QUARANTINE:
		v->mark.hold = true;
		v->mark.hold_why = hit->text.n > 0 ? hit->text :
			    STR("quarantined by the access map");
		return MATCH_MARK;
	case ACC_NONE:
	case ACC_OK:
	case ACC_RELAY:
	case ACC_SKIP:
	case ACC_FRIEND:
	case ACC_HATER:
	case ACC_SUBJECT:
	case ACC_LEVEL:
	case ACC_VALUE:
		return MATCH_NO;
	}
	v->why = p->access.file;
	v->line = hit->line;
	return MATCH_YES;
}

enum match
rule_access_connect(const struct policy *p, const struct facts *f, struct verdict *v)
{
	struct access_hit hit;

	if (!f->have_ip)
		return MATCH_NO;
	v->closes = true;
	hit = access_connect(&p->access, f->ip, f->id.host);
	return apply(p, &hit, v);
}

enum match
rule_access_from(const struct policy *p, const struct facts *f, struct verdict *v)
{
	struct access_hit hit = access_from(&p->access, f->sender);

	return apply(p, &hit, v);
}

enum match
rule_access_to(const struct policy *p, const struct facts *f, struct verdict *v)
{
	bool local = f->dest == DEST_LOCAL || f->dest == DEST_UNKNOWN ||
	    f->dest == DEST_DISABLED || f->dest == DEST_FULL;
	struct access_hit hit = access_to(&p->access, f->rcpt, local,
	    p->cfg->blocklist_recipients);

	return apply(p, &hit, v);
}

/* A map that was never read might have refused: nothing is taken before it was. */
enum match
rule_access_unread(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)f;
	(void)v;
	return access_ready(&p->access) ? MATCH_NO : MATCH_UNSURE;
}

bool
rule_access_ok(const struct policy *p, const struct facts *f)
{
	struct access_hit hit = {};

	if (p->access.file.n == 0)
		return false;
	if (f->sender && !f->sender->null)
		hit = access_from(&p->access, f->sender);
	if (hit.act == ACC_NONE && f->have_ip)
		hit = access_connect(&p->access, f->ip, f->id.host);
	return hit.act == ACC_OK || hit.act == ACC_RELAY;
}

/* ---- TLS_Clt ---- */

static bool
extra_met(const struct policy *p, const struct facts *f, struct str extra)
{
	const struct tls_peer *peer = f->verify == TV_OK ? f->peer : NULL;

	while (extra.n > 0) {
		struct str one = extra;
		ssize_t sep = str_find(extra, STR("++"));

		one = sep < 0 ? extra : str_sub(extra, 0, (size_t)sep);
		extra = sep < 0 ? (struct str){} : str_skip(extra, (size_t)sep + 2);
		if (!peer)
			return false;
		if (str_ieq(one, STR("CN"))) {
			if (!str_ieq(dn_get(&peer->subject, STR("CN")), f->id.host))
				return false;
		} else if (str_istarts(one, STR("CN:"))) {
			if (!str_ieq(dn_get(&peer->subject, STR("CN")), str_skip(one, 3)))
				return false;
		} else if (str_istarts(one, STR("CS:"))) {
			if (!str_ieq(peer->subject_text, str_skip(one, 3)))
				return false;
		} else if (str_istarts(one, STR("CI:"))) {
			if (!str_ieq(peer->issuer_text, str_skip(one, 3)))
				return false;
		} else if (str_istarts(one, STR("CITag:"))) {
			if (access_own(&p->access, str_skip(one, 6), peer->issuer_text).act !=
			    ACC_OK)
				return false;
		} else {
			return false;
		}
	}
	return true;
}

enum match
rule_tls_level(const struct policy *p, const struct facts *f, struct verdict *v)
{
	struct access_level level;
	struct access_hit hit;

	if (!f->have_ip || f->listener == L_LMTP)
		return MATCH_NO;
	hit = access_host(&p->access, ACC_TLS_CLT, f->ip, f->id.host);
	if (hit.act != ACC_LEVEL || !access_level_parse(hit.text, &level))
		return apply(p, &hit, v);
	if (f->tls && f->tls_bits >= level.bits && (!level.verify || f->verify == TV_OK) &&
	    extra_met(p, f, level.extra))
		return MATCH_NO;
	if (level.permanent) {
		v->act = ACT_REJECT;
		v->reply.code = 503;
		v->reply.c = 5;
	}
	if (level.verify && f->tls && f->verify != TV_OK)
		v->reply.text = STR("authentication of your certificate required");
	v->why = p->access.file;
	v->line = hit.line;
	return MATCH_YES;
}

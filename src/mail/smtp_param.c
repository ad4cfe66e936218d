/* SPDX-License-Identifier: ISC */
/*
 * smtp_param: MAIL and RCPT with their parameters, RFC 5321 4.1.1.2 and .3, 1870, 6152, 3030, 3461,
 * 4954, 6531, 6533, 8689.  One table says which parameter belongs to which command and extension;
 * a parameter of an extension that was not announced is as unknown as any other (555).
 */
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "mail/smtp.h"

struct param_line {				/* the command being read */
	const struct smtp_rules *rules;
	struct mail_args *mail;			/* one of the two is NULL */
	struct rcpt_args *rcpt;
	unsigned seen;				/* bit per table entry */
	bool utf8;				/* UTF-8 may stand in values */
};

static bool
put_size(struct param_line *l, struct str v)
{
	if (v.n == 0 || v.n > 20)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!ascii_isdigit(v.p[i]))
			return false;
	l->mail->has_size = true;
	if (!num_parse_u64(v, &l->mail->size))
		l->mail->size = UINT64_MAX;	/* 20 digits are right, and too big for anybody */
	return true;
}

static bool
put_body(struct param_line *l, struct str v)
{
	l->mail->has_body = true;
	if (str_ieq(v, STR("7BIT")))
		l->mail->body = BODY_7BIT;
	else if (str_ieq(v, STR("8BITMIME")))
		l->mail->body = BODY_8BITMIME;
	else if (str_ieq(v, STR("BINARYMIME")) && l->rules->ext & EXT_BINARYMIME)
		l->mail->body = BODY_BINARYMIME;
	else
		return false;
	return true;
}

static bool
put_smtputf8(struct param_line *l, struct str v)
{
	l->mail->smtputf8 = true;
	return v.p == NULL;
}

static bool
put_requiretls(struct param_line *l, struct str v)
{
	l->mail->requiretls = true;
	return v.p == NULL;
}

static bool
put_ret(struct param_line *l, struct str v)
{
	l->mail->ret = str_ieq(v, STR("FULL")) ? RET_FULL : RET_HDRS;
	return l->mail->ret == RET_FULL || str_ieq(v, STR("HDRS"));
}

static bool
printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

/* RFC 3461 4.4: xtext of printable characters, at most 100 octets */
static bool
put_envid(struct param_line *l, struct str v)
{
	struct str plain;

	l->mail->envid = v;
	return v.n > 0 && v.n <= 100 && xtext_decode(v, l->rules->arena, &plain) &&
	       printable(plain);
}

/* RFC 4954 5: xtext of a mailbox, or "<>" */
static bool
put_auth(struct param_line *l, struct str v)
{
	struct path_rules rules = { .arena = l->rules->arena, .utf8 = l->utf8 };
	struct perr err = {};
	struct path who;

	if (v.n == 0 || v.n > 500 || !xtext_decode(v, l->rules->arena, &l->mail->auth))
		return false;
	l->mail->has_auth = true;
	return str_eq(l->mail->auth, STR("<>")) || path_parse(l->mail->auth, &rules, &who, &err);
}

/* RFC 3461 4.1 */
static bool
put_notify(struct param_line *l, struct str v)
{
	static const struct {
		struct str word;
		unsigned bit;
	} words[] = {
		{ { "NEVER", 5 }, NOTIFY_NEVER }, { { "SUCCESS", 7 }, NOTIFY_SUCCESS },
		{ { "FAILURE", 7 }, NOTIFY_FAILURE }, { { "DELAY", 5 }, NOTIFY_DELAY },
	};
	unsigned set = 0;

	for (size_t i = 0, from = 0; i <= v.n; i++) {
		unsigned bit = 0;

		if (i < v.n && v.p[i] != ',')
			continue;
		for (size_t k = 0; k < COUNT(words); k++)
			if (str_ieq(str_sub(v, from, i - from), words[k].word))
				bit = words[k].bit;
		if (bit == 0 || set & bit)
			return false;
		set |= bit;
		from = i + 1;
	}
	l->rcpt->notify = set;
	return !(set & NOTIFY_NEVER) || set == NOTIFY_NEVER;
}

/* RFC 3461 4.2: addr-type ";" xtext, at most 500 octets; RFC 6533 3 for the type utf-8 */
static bool
put_orcpt(struct param_line *l, struct str v)
{
	ssize_t semi = str_chr(v, ';');
	struct str type, plain, text;

	if (semi <= 0 || v.n > 500)
		return false;
	type = str_sub(v, 0, (size_t)semi);
	text = str_sub(v, (size_t)semi + 1, v.n - (size_t)semi - 1);
	for (size_t i = 0; i < type.n; i++)
		if (!ascii_isalnum(type.p[i]) && type.p[i] != '-')
			return false;
	l->rcpt->orcpt = v;
	if (text.n == 0)
		return false;
	if (str_ieq(type, STR("utf-8")))
		return utf8_xtext_decode(text, l->rules->arena, &plain) && utf8_address_safe(plain);
	return xtext_decode(text, l->rules->arena, &plain) && printable(plain);
}

static const struct {
	struct str name;
	bool of_mail;
	unsigned ext;
	bool (*put)(struct param_line *l, struct str value);
	const char *wrong;
} params[] = {
	{ { "SIZE", 4 }, true, EXT_SIZE, put_size, "bad SIZE" },
	{ { "BODY", 4 }, true, EXT_8BITMIME, put_body, "bad BODY" },
	{ { "SMTPUTF8", 8 }, true, EXT_SMTPUTF8, put_smtputf8, "SMTPUTF8 has no value" },
	{ { "RET", 3 }, true, EXT_DSN, put_ret, "bad RET" },
	{ { "ENVID", 5 }, true, EXT_DSN, put_envid, "bad ENVID" },
	{ { "AUTH", 4 }, true, EXT_AUTH, put_auth, "bad AUTH parameter" },
	{ { "REQUIRETLS", 10 }, true, EXT_REQUIRETLS, put_requiretls, "REQUIRETLS has no value" },
	{ { "NOTIFY", 6 }, false, EXT_DSN, put_notify, "bad NOTIFY" },
	{ { "ORCPT", 5 }, false, EXT_DSN, put_orcpt, "bad ORCPT" },
};

static bool
refuse(struct perr *err, struct cur *c, const char *what, unsigned code)
{
	*err = (struct perr){};
	return perr_code(err, c, code, what);
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value] */
static bool
take_param(struct cur *c, struct param_line *l, struct perr *err)
{
	struct str name = { c->p, 0 }, value = {};

	while (c->p < c->end && (ascii_isalnum(*c->p) || (*c->p == '-' && c->p > name.p)))
		c->p++;
	name.n = (size_t)(c->p - name.p);
	if (name.n == 0)
		return refuse(err, c, "bad parameter", PERR_CODE(501, 5, 4));
	if (take_ch(c, '=')) {
		value.p = c->p;
		while (c->p < c->end && (unsigned char)*c->p > ' ' && *c->p != 0x7f &&
		       (l->utf8 || (unsigned char)*c->p < 0x80))
			c->p++;
		value.n = (size_t)(c->p - value.p);
	}
	if (c->p < c->end && *c->p != ' ')
		return refuse(err, c, "bad parameter", PERR_CODE(501, 5, 4));
	for (unsigned i = 0; i < COUNT(params); i++) {
		if (params[i].of_mail != (l->mail != NULL) || !str_ieq(params[i].name, name) ||
		    !(l->rules->ext & params[i].ext))
			continue;
		if (l->seen & 1u << i)
			return refuse(err, c, "parameter given twice", PERR_CODE(501, 5, 4));
		l->seen |= 1u << i;
		return params[i].put(l, value) ||
		       refuse(err, c, params[i].wrong, PERR_CODE(501, 5, 4));
	}
	return refuse(err, c, "parameter not known", PERR_CODE(555, 5, 4));
}

static bool
take_params(struct cur *c, struct param_line *l, struct perr *err)
{
	while (c->p < c->end) {
		if (!take_ch(c, ' '))
			return refuse(err, c, "text after the address", PERR_CODE(501, 5, 4));
		while (take_ch(c, ' '))
			;
		if (c->p < c->end && !take_param(c, l, err))
			return false;
	}
	return true;
}

/*
 * The word and the colon.  RFC 5321 3.3 allows no space on either side of the colon; we take one
 * after it, because widespread clients send it and nothing becomes ambiguous.
 */
static bool
take_word(struct cur *c, struct str word, struct perr *err)
{
	if (!take_lit(c, word))
		return refuse(err, c, "syntax: MAIL FROM:<address> or RCPT TO:<address>",
			      PERR_CODE(501, 5, 4));
	while (take_ch(c, ' '))
		;
	return true;
}

bool
smtp_mail_parse(struct str args, const struct smtp_rules *r, struct mail_args *out,
		struct perr *err)
{
	struct cur c = cur_of(args);
	bool may_utf8 = r->ext & EXT_SMTPUTF8;
	struct path_rules rules = { .arena = r->arena, .utf8 = may_utf8, .null = true };
	struct param_line l = { .rules = r, .mail = out, .utf8 = may_utf8 };

	*out = (struct mail_args){};
	if (!take_word(&c, STR("FROM:"), err))
		return false;
	if (!take_path(&c, &rules, &out->path, err)) {
		if (err->code == PERR_ADDRESS)
			err->code = PERR_CODE(501, 1, 7);
		return false;
	}
	if (!take_params(&c, &l, err))
		return false;
	if (out->path.utf8 && !out->smtputf8)
		return refuse(err, &c, "address is not ASCII and SMTPUTF8 was not asked for",
			      PERR_NEEDS_UTF8);
	return true;
}

bool
smtp_rcpt_parse(struct str args, const struct smtp_rules *r, struct rcpt_args *out,
		struct perr *err)
{
	struct cur c = cur_of(args);
	struct path_rules rules = { .arena = r->arena, .utf8 = r->utf8, .postmaster = true };
	struct param_line l = { .rules = r, .rcpt = out, .utf8 = r->utf8 };

	*out = (struct rcpt_args){};
	return take_word(&c, STR("TO:"), err) && take_path(&c, &rules, &out->path, err) &&
	       take_params(&c, &l, err);
}

/* SPDX-License-Identifier: ISC */
/*
 * smtp: command words and their small arguments, RFC 5321 4.1.1, 3030, 4954.
 * MAIL and RCPT with their parameters are in smtp_param.c.
 */
#include "mail/smtp.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

/* A word of up to eight letters as one number, lower case: comparing is one instruction. */
#define KEY(a, b, c, d, e, f, g, h)                                                                \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |          \
	 (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define KEY4(a, b, c, d) KEY(a, b, c, d, 0, 0, 0, 0)

static const struct {
	uint64_t key;
	enum smtp_verb verb;
	const char *name;
} verbs[] = {
	{ KEY4('m', 'a', 'i', 'l'), SMTP_MAIL, "MAIL" },
	{ KEY4('r', 'c', 'p', 't'), SMTP_RCPT, "RCPT" },
	{ KEY4('d', 'a', 't', 'a'), SMTP_DATA, "DATA" },
	{ KEY4('b', 'd', 'a', 't'), SMTP_BDAT, "BDAT" },
	{ KEY4('e', 'h', 'l', 'o'), SMTP_EHLO, "EHLO" },
	{ KEY4('q', 'u', 'i', 't'), SMTP_QUIT, "QUIT" },
	{ KEY4('r', 's', 'e', 't'), SMTP_RSET, "RSET" },
	{ KEY4('h', 'e', 'l', 'o'), SMTP_HELO, "HELO" },
	{ KEY4('l', 'h', 'l', 'o'), SMTP_LHLO, "LHLO" },
	{ KEY4('n', 'o', 'o', 'p'), SMTP_NOOP, "NOOP" },
	{ KEY4('a', 'u', 't', 'h'), SMTP_AUTH, "AUTH" },
	{ KEY('s', 't', 'a', 'r', 't', 't', 'l', 's'), SMTP_STARTTLS, "STARTTLS" },
	{ KEY4('v', 'r', 'f', 'y'), SMTP_VRFY, "VRFY" },
	{ KEY4('e', 'x', 'p', 'n'), SMTP_EXPN, "EXPN" },
	{ KEY4('h', 'e', 'l', 'p'), SMTP_HELP, "HELP" },
	{ KEY('x', 'c', 'l', 'i', 'e', 'n', 't', 0), SMTP_XCLIENT, "XCLIENT" },
	{ KEY4('e', 't', 'r', 'n'), SMTP_ETRN, "ETRN" },
	{ KEY4('a', 't', 'r', 'n'), SMTP_ATRN, "ATRN" },
	{ KEY4('b', 'u', 'r', 'l'), SMTP_BURL, "BURL" },
	/* RFC 5321 appendix F.6, F.3 */
	{ KEY4('s', 'e', 'n', 'd'), SMTP_OBSOLETE, "SEND" },
	{ KEY4('s', 'o', 'm', 'l'), SMTP_OBSOLETE, "SOML" },
	{ KEY4('s', 'a', 'm', 'l'), SMTP_OBSOLETE, "SAML" },
	{ KEY4('t', 'u', 'r', 'n'), SMTP_OBSOLETE, "TURN" },
	/* Other protocols that browsers and scanners speak to us. */
	{ KEY('g', 'e', 't', 0, 0, 0, 0, 0), SMTP_FOREIGN, "GET" },
	{ KEY('p', 'u', 't', 0, 0, 0, 0, 0), SMTP_FOREIGN, "PUT" },
	{ KEY4('p', 'o', 's', 't'), SMTP_FOREIGN, "POST" },
	{ KEY4('h', 'e', 'a', 'd'), SMTP_FOREIGN, "HEAD" },
	{ KEY('t', 'r', 'a', 'c', 'e', 0, 0, 0), SMTP_FOREIGN, "TRACE" },
	{ KEY('p', 'a', 't', 'c', 'h', 0, 0, 0), SMTP_FOREIGN, "PATCH" },
	{ KEY('d', 'e', 'l', 'e', 't', 'e', 0, 0), SMTP_FOREIGN, "DELETE" },
	{ KEY('o', 'p', 't', 'i', 'o', 'n', 's', 0), SMTP_FOREIGN, "OPTIONS" },
	{ KEY('c', 'o', 'n', 'n', 'e', 'c', 't', 0), SMTP_FOREIGN, "CONNECT" },
};

static enum smtp_verb
verb_of(struct str word)
{
	uint64_t key = 0;

	if (word.n > 8)
		return SMTP_UNKNOWN;
	for (size_t i = 0; i < word.n; i++)
		key |= (uint64_t)(unsigned char)ascii_lower(word.p[i]) << (8 * i);
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (verbs[i].key == key)
			return verbs[i].verb;
	return SMTP_UNKNOWN;
}

struct smtp_cmd
smtp_cmd_parse(struct str line)
{
	struct smtp_cmd cmd = {};
	size_t n = 0;

	while (n < line.n && ascii_isalnum(line.p[n]))
		n++;
	cmd.trailing = line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t');
	cmd.word = str_sub(line, 0, n);
	cmd.args = str_trim(str_sub(line, n, line.n - n));
	if (n == line.n || line.p[n] == ' ')
		cmd.verb = verb_of(cmd.word);
	return cmd;
}

struct str
smtp_verb_name(enum smtp_verb v)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (verbs[i].verb == v)
			return str_of(verbs[i].name);
	return STR("?");
}

static bool
refuse(struct perr *err, struct cur *c, const char *what)
{
	*err = (struct perr){};
	return perr_code(err, c, PERR_CODE(501, 5, 4), what);
}

bool
smtp_hello_parse(struct str args, struct hello_args *out, struct perr *err)
{
	struct cur c = cur_of(args);

	*out = (struct hello_args){ .name = args };
	if (args.n == 0)
		return refuse(err, &c, "a host name is required");
	if (take_literal(&c, &out->name, &out->ip) && c.p == c.end) {
		out->literal = true;
		return true;
	}
	out->name = args;
	c = cur_of(args);
	for (; c.p < c.end; c.p++)
		if (*c.p <= ' ' || *c.p >= 0x7f)
			return refuse(err, &c, "bad character in the host name");
	if (args.n > PATH_DOMAIN_MAX)
		return refuse(err, &c, "host name is too long");
	out->sloppy = !domain_valid(args, false);
	return true;
}

bool
smtp_bdat_parse(struct str args, uint64_t *size, bool *last, struct perr *err)
{
	struct cur c = cur_of(args);
	size_t n = 0;
	struct str rest;

	while (n < args.n && ascii_isdigit(args.p[n]))
		n++;
	*last = false;
	if (!num_parse_u64(str_sub(args, 0, n), size))
		return refuse(err, &c, "BDAT needs a size");
	if (n < args.n && args.p[n] != ' ')
		return refuse(err, &c, "bad size");
	rest = str_trim(str_sub(args, n, args.n - n));
	*last = str_ieq(rest, STR("LAST"));
	return rest.n == 0 || *last || refuse(err, &c, "only LAST may follow the size");
}

bool
smtp_auth_parse(struct str args, struct str *mech, struct str *initial, struct perr *err)
{
	struct cur c = cur_of(args);
	size_t n = 0;

	/* RFC 4422 3.1: 1*20 of upper case, digits, '-', '_' */
	while (n < args.n && (ascii_isalnum(args.p[n]) || args.p[n] == '-' || args.p[n] == '_'))
		n++;
	*initial = (struct str){};
	*mech = str_sub(args, 0, n);
	if (n == 0 || n > 20 || (n < args.n && args.p[n] != ' '))
		return refuse(err, &c, "bad mechanism name");
	if (n == args.n)
		return true;
	*initial = str_trim(str_sub(args, n, args.n - n));
	if (str_eq(*initial, STR("=")))			/* RFC 4954 4: an empty response */
		initial->n = 0;
	for (size_t i = 0; i < initial->n; i++)
		if (!ascii_isalnum(initial->p[i]) && strchr("+/=", initial->p[i]) == NULL)
			return refuse(err, &c, "initial response is not base64");
	return true;
}

bool
take_xclient(struct cur *c, struct arena *a, struct str *name, struct str *value)
{
	const char *p, *eq;

	while (c->p < c->end && *c->p == ' ')
		c->p++;
	for (p = c->p; p < c->end && *p != ' '; p++)
		;
	eq = memchr(c->p, '=', (size_t)(p - c->p));
	if (eq == NULL || eq == c->p)
		return false;
	*name = (struct str){ c->p, (size_t)(eq - c->p) };
	c->p = p;
	return xtext_decode((struct str){ eq + 1, (size_t)(p - eq - 1) }, a, value);
}

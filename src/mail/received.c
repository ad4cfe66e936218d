/* SPDX-License-Identifier: ISC */
/*
 * received: trace fields out and in, see received.h.
 *
 * The builder writes words through a small folder: a word that would pass column 78 goes to a new
 * line, so the result is well-formed whatever the client said.
 */
#include "mail/received.h"

#include "base/ascii.h"
#include "base/num.h"
#include "mail/date.h"

enum { COLUMN_MAX = 78, WORD_MAX = 320 };

struct folder {
	struct buf *b;
	size_t line;			/* where the present line begins in b */
	bool ok;
};

/* A space and the word, on a new line when this one is full. */
static void
put_word(struct folder *f, struct str word)
{
	bool fold = f->b->n - f->line + 1 + word.n > COLUMN_MAX;

	if (fold) {
		f->ok &= buf_put(f->b, STR("\r\n"));
		f->line = f->b->n;
	}
	f->ok &= buf_putc(f->b, fold ? '\t' : ' ') && buf_put(f->b, word);
}

/* Foreign text reduced to what may stand in an atom, a domain, a literal, or a comment. */
static struct str
harmless(struct str in, char *dst, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n && n < cap; i++) {
		char ch = in.p[i];
		bool bad = !((unsigned char)ch >= 0x80 || ascii_isgraph(ch)) || ch == '(' ||
			   ch == ')' || ch == '\\' || ch == '"' || ch == ';' || ch == '<' ||
			   ch == '>' || ch == ',';

		dst[n++] = bad ? '?' : ch;
	}
	return (struct str){ dst, n };
}

static struct str
bracketed(struct ip ip, char *dst)
{
	char text[IP_TEXT_MAX];
	struct str s = ip_format(ip, text), tag = ip.v6 ? STR("[IPv6:") : STR("[");

	memcpy(dst, tag.p, tag.n);
	memcpy(dst + tag.n, s.p, s.n);
	dst[tag.n + s.n] = ']';
	return (struct str){ dst, tag.n + s.n + 1 };
}

/* from HELO (ptr [ip]), RFC 5321 4.4: Extended-Domain */
static void
put_from(struct folder *f, const struct received *r)
{
	char helo[WORD_MAX], tail[WORD_MAX + 64];
	struct str name = harmless(r->helo, helo, 255);
	size_t n = 0;

	put_word(f, STR("from"));
	put_word(f, name.n > 0 ? name : STR("unknown"));
	if (!r->has_ip)
		return;
	tail[n++] = '(';
	if (r->ptr.n > 0) {
		n += harmless(r->ptr, tail + n, 255).n;
		tail[n++] = ' ';
	}
	n += bracketed(r->ip, tail + n).n;
	tail[n++] = ')';
	put_word(f, (struct str){ tail, n });
}

static void
put_pair(struct folder *f, struct str key, struct str value)
{
	char text[WORD_MAX + 8];
	size_t n = key.n;

	if (value.n == 0)
		return;
	memcpy(text, key.p, n);			/* key and value stay on one line */
	text[n++] = ' ';
	n += harmless(value, text + n, WORD_MAX).n;
	put_word(f, (struct str){ text, n });
}

static void
put_keyed(struct folder *f, const char *key, struct str value, bool last)
{
	char text[128];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	char clean[80];

	buf_put(&b, str_of(key));
	buf_put(&b, harmless(value, clean, sizeof clean));
	if (last)
		buf_putc(&b, ')');
	put_word(f, buf_str(&b));
}

/* (version=TLSv1.3 cipher=... bits=256 verify=OK) */
static void
put_tls(struct folder *f, const struct received *r)
{
	char digits[20];

	if (r->tls_version.n == 0)
		return;
	put_keyed(f, "(version=", r->tls_version, false);
	put_keyed(f, "cipher=", r->tls_cipher, false);
	put_keyed(f, "bits=", str_from(digits, num_format_u64(r->tls_bits, digits)), false);
	put_keyed(f, "verify=", r->tls_verify.n > 0 ? r->tls_verify : STR("NO"), true);
}

static void
put_rcpt(struct folder *f, struct str rcpt)
{
	char text[WORD_MAX] = "for <";
	size_t n = 5;

	if (rcpt.n == 0 || rcpt.n > sizeof text - 6)
		return;
	for (size_t i = 0; i < rcpt.n; i++)
		text[n++] = ascii_iscntrl(rcpt.p[i]) ? '?' : rcpt.p[i];
	text[n++] = '>';
	put_word(f, (struct str){ text, n });
}

bool
received_format(struct buf *b, const struct received *r)
{
	struct folder f = { .b = b, .line = b->n };

	f.ok = buf_put(b, STR("Received:"));
	if (r->local_user.n > 0) {
		char who[WORD_MAX];
		struct str user = harmless(r->local_user, who, 64);

		put_word(&f, STR("(from"));
		put_word(&f, user);
		f.ok &= buf_put(b, STR(")"));
	} else {
		put_from(&f, r);
		put_tls(&f, r);
	}
	put_pair(&f, STR("by"), r->by);
	put_pair(&f, STR("with"), r->with);
	put_pair(&f, STR("id"), r->id);
	put_rcpt(&f, r->rcpt);
	/* The date as one word: it is never folded inside. */
	f.ok &= buf_put(b, STR(";\r\n\t")) && date_format(b, r->unix_s, r->zone_min) &&
		buf_put(b, STR("\r\n"));
	return f.ok;
}

bool
return_path_format(struct buf *b, struct str sender)
{
	bool ok = buf_put(b, STR("Return-Path: <"));

	for (size_t i = 0; i < sender.n && ok; i++)
		ok = buf_putc(b, ascii_iscntrl(sender.p[i]) ? '?' : sender.p[i]);
	return ok && buf_put(b, STR(">\r\n"));
}

struct str
received_with(struct received_by w)
{
	/* RFC 3848 and, with UTF8, RFC 6531 4.3; S: TLS, A: authenticated. */
	static const struct str words[4][4] = {
		{ STR_INIT("ESMTP"), STR_INIT("ESMTPS"), STR_INIT("ESMTPA"), STR_INIT("ESMTPSA") },
		{ STR_INIT("UTF8SMTP"), STR_INIT("UTF8SMTPS"), STR_INIT("UTF8SMTPA"),
		  STR_INIT("UTF8SMTPSA") },
		{ STR_INIT("LMTP"), STR_INIT("LMTPS"), STR_INIT("LMTPA"), STR_INIT("LMTPSA") },
		{ STR_INIT("UTF8LMTP"), STR_INIT("UTF8LMTPS"), STR_INIT("UTF8LMTPA"),
		  STR_INIT("UTF8LMTPSA") },
	};

	if (!w.lmtp && !w.extended)
		return STR("SMTP");
	return words[2 * w.lmtp + w.utf8][w.tls + 2 * w.auth];
}

/* The next word, or comment, or the ';'; quoted strings and <...> stay whole. */
static struct str
next_token(struct cur *c)
{
	const char *from;
	unsigned depth = 0;
	bool quoted = false;

	while (c->p < c->end && ascii_isspace(*c->p))
		c->p++;
	from = c->p;
	for (; c->p < c->end; c->p++) {
		char ch = *c->p;

		if (ch == '\\' && (depth > 0 || quoted) && c->p + 1 < c->end) {
			c->p++;
		} else if (ch == '"' && depth == 0) {
			quoted = !quoted;
		} else if (quoted) {
			continue;
		} else if (ch == '(') {
			if (depth == 0 && c->p > from)
				break;
			depth++;
		} else if (ch == ')' && depth > 0) {
			if (--depth == 0) {
				c->p++;
				break;
			}
		} else if (depth == 0 && ch == ';') {
			if (c->p == from)
				c->p++;
			break;
		} else if (depth == 0 && ascii_isspace(ch)) {
			break;
		}
	}
	return cur_since(c, from);
}

static struct str *
clause_of(struct received_in *out, struct str key)
{
	if (str_ieq(key, STR("from")))
		return &out->from;
	if (str_ieq(key, STR("by")))
		return &out->by;
	if (str_ieq(key, STR("via")))
		return &out->via;
	if (str_ieq(key, STR("with")))
		return &out->with;
	if (str_ieq(key, STR("id")))
		return &out->id;
	return str_ieq(key, STR("for")) ? &out->rcpt : NULL;
}

bool
received_parse(struct str value, struct received_in *out)
{
	struct cur c = cur_of(value);
	struct str *open = NULL;
	bool odd = false;

	*out = (struct received_in){};
	for (;;) {
		struct str word = next_token(&c);

		if (word.n == 0 || str_eq(word, STR(";"))) {
			out->date = str_trim(cur_rest(&c));
			break;
		}
		if (word.p[0] == '(') {
			if (out->comment.n == 0 && out->from.n > 0)
				out->comment = word;
		} else if (open != NULL) {
			*open = word;
			open = NULL;
		} else {
			struct str *clause = clause_of(out, word);

			if (clause != NULL && clause->n == 0)
				open = clause;
			else
				odd = true;
		}
	}
	out->valid = !odd && open == NULL && out->date.n > 0;
	return out->valid;
}

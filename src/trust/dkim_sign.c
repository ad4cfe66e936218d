/* SPDX-License-Identifier: ISC */
/*
 * dkim_sign: see dkim_sign.h.
 */
#include "trust/dkim_sign.h"

#include <openssl/rsa.h>

#include "base/base64.h"
#include "base/num.h"
#include "trust/dkim_parts.h"

enum { FIELD_MAX = 32 << 10, BLOCK_MAX = 1 << 20, LINE = 72 };

static const struct { struct str name; bool over; } to_sign[] = {
	{ STR_INIT("From"), true }, { STR_INIT("Sender"), true }, { STR_INIT("Reply-To"), true },
	{ STR_INIT("To"), true }, { STR_INIT("Cc"), true }, { STR_INIT("Subject"), true },
	{ STR_INIT("Date"), true }, { STR_INIT("Message-ID"), true },
	{ STR_INIT("In-Reply-To"), true }, { STR_INIT("References"), true },
	{ STR_INIT("MIME-Version"), true }, { STR_INIT("Content-Type"), true },
	{ STR_INIT("Content-Transfer-Encoding"), true },
	{ STR_INIT("List-Id"), false }, { STR_INIT("List-Unsubscribe"), false },
	{ STR_INIT("List-Unsubscribe-Post"), false },
	{ STR_INIT("Resent-From"), false }, { STR_INIT("Resent-Sender"), false },
	{ STR_INIT("Resent-To"), false }, { STR_INIT("Resent-Cc"), false },
	{ STR_INIT("Resent-Date"), false }, { STR_INIT("Resent-Message-ID"), false },
};

const char *
dkim_sign_refuses(const struct header *h)
{
	size_t from = header_count(h, STR("From"));

	if (h->junk)
		return "the header is malformed";
	if (from != 1)
		return from == 0 ? "there is no From" : "there is more than one From";
	return NULL;
}

/* The names of h=, with their repetitions. */
static bool
choose(const struct header *h, struct arena *a, struct sig_choice *out)
{
	struct str *name = arena_alloc(a, SIG_NAMES_MAX * sizeof *name);

	if (!name)
		return false;
	*out = (struct sig_choice){ .h = h, .name = name };
	for (size_t i = 0; i < COUNT(to_sign); i++) {
		size_t times = header_count(h, to_sign[i].name) + to_sign[i].over;

		while (times-- > 0 && out->n < SIG_NAMES_MAX)
			name[out->n++] = to_sign[i].name;
	}
	return true;
}

/* A value in pieces, folded before lines grow long. */
static void
put_folded(struct buf *b, struct str text, size_t *column, bool anywhere)
{
	if (!anywhere && *column + text.n > LINE) {
		(void)buf_puts(b, "\r\n\t");
		*column = 8;
	}
	while (anywhere && *column + text.n > LINE) {
		size_t n = *column < LINE ? LINE - *column : 0;

		(void)buf_put(b, str_sub(text, 0, n));
		(void)buf_puts(b, "\r\n\t");
		text = str_skip(text, n);
		*column = 8;
	}
	(void)buf_put(b, text);
	*column += text.n;
}

static void
put_tag(struct buf *b, size_t *column, const char *name, struct str value)
{
	char head[16];
	int n = snprintf(head, sizeof head, " %s=", name);

	put_folded(b, str_from(head, (size_t)n), column, false);
	put_folded(b, value, column, value.n > LINE - 8);
	(void)buf_puts(b, ";");
	++*column;
}

static void
put_number(struct buf *b, size_t *column, const char *name, int64_t v)
{
	char text[20];

	put_tag(b, column, name, str_from(text, num_format_u64((uint64_t)v, text)));
}

/* Everything but the signature itself; ends behind "b=". */
static bool
put_field(const struct dkim_signer *s, const struct sig_choice *c, struct str body_hash,
    struct buf *b)
{
	size_t column = sizeof "DKIM-Signature:" - 1;
	struct buf bh;

	(void)buf_puts(b, "DKIM-Signature:");
	put_tag(b, &column, "v", STR("1"));
	put_tag(b, &column, "a", s->ed25519 ? STR("ed25519-sha256") : STR("rsa-sha256"));
	put_tag(b, &column, "c", s->relaxed_header ?
	    s->relaxed_body ? STR("relaxed/relaxed") : STR("relaxed/simple") :
	    s->relaxed_body ? STR("simple/relaxed") : STR("simple/simple"));
	put_tag(b, &column, "d", s->domain);
	put_tag(b, &column, "s", s->selector);
	if (s->identity.n > 0)
		put_tag(b, &column, "i", s->identity);
	put_number(b, &column, "t", s->now_s);
	if (s->expires_s > 0)
		put_number(b, &column, "x", s->expires_s);
	put_folded(b, STR(" h="), &column, false);
	for (size_t i = 0; i < c->n; i++) {
		put_folded(b, c->name[i], &column, false);
		put_folded(b, i + 1 < c->n ? STR(":") : STR(";"), &column, false);
	}
	buf_init(&bh, 256);
	(void)base64_encode(&bh, body_hash);
	put_tag(b, &column, "bh", buf_str(&bh));
	buf_done(&bh);
	(void)buf_puts(b, "\r\n\tb=");
	return !b->failed;
}

bool
dkim_sign(const struct dkim_signer *s, const struct header *h, struct str body_hash,
    struct arena *a, struct buf *out)
{
	struct sig_choice fields;
	struct buf field, block, sig, text;
	struct sig_sink to = { .buf = &block };
	size_t column = 10;
	struct field own;
	bool good;

	if (dkim_sign_refuses(h) || !choose(h, a, &fields))
		return false;
	buf_init(&field, FIELD_MAX);
	buf_init(&block, BLOCK_MAX);
	buf_init(&sig, 1024);
	buf_init(&text, 2048);
	fields.relaxed = s->relaxed_header;
	good = put_field(s, &fields, body_hash, &field) && sig_put_fields(&to, &fields, a);
	own = (struct field){ .name = STR("DKIM-Signature"), .raw = buf_str(&field),
		.value = str_skip(buf_str(&field), sizeof "DKIM-Signature:" - 1) };
	if (good)
		sig_put_own(&to, &own, s->relaxed_header, str_skip(own.raw, own.raw.n));
	good = good && !block.failed && s->sign(s->ctx, buf_str(&block), &sig) &&
	    base64_encode(&text, buf_str(&sig));
	if (good)
		put_folded(&field, buf_str(&text), &column, true);
	good = good && buf_puts(&field, "\r\n") && buf_put(out, buf_str(&field));
	buf_done(&field);
	buf_done(&block);
	buf_done(&sig);
	buf_done(&text);
	return good;
}

bool
dkim_sign_locally(EVP_PKEY *key, struct str block, struct buf *signature)
{
	bool ed = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = (size_t)EVP_PKEY_get_size(key);
	char *to = buf_reserve(signature, n);
	unsigned dn = 0;
	const EVP_MD *md = memo_md(false);
	bool good = c && to && EVP_Digest(block.p, block.n, digest, &dn, md, NULL) == 1 &&
	    EVP_DigestSignInit(c, NULL, ed ? NULL : md, NULL, key) == 1;

	if (good && ed)
		good = EVP_DigestSign(c, (unsigned char *)to, &n, digest, dn) == 1;
	else if (good)
		good = EVP_DigestSign(c, (unsigned char *)to, &n, (const unsigned char *)block.p,
		    block.n) == 1;
	EVP_MD_CTX_free(c);
	if (good)
		buf_add(signature, n);
	return good;
}

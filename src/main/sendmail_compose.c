/* SPDX-License-Identifier: ISC */
/*
 * sendmail_compose: see sendmail_compose.h.
 */
#include "main/sendmail_compose.h"

#include <inttypes.h>
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/num.h"
#include "mail/addr.h"
#include "mail/date.h"
#include "mail/header.h"

enum { RCPT_MAX = 1000, MESSAGE_MAX = 1 << 30 };

/* Input lines to CRLF lines, up to a lone dot.  An mbox "From " line in front is dropped. */
static bool
canonical(struct str in, bool dot_is_text, struct buf *out)
{
	bool first = true;

	while (in.n > 0) {
		const char *nl = memchr(in.p, '\n', in.n);
		size_t n = nl != NULL ? (size_t)(nl - in.p) : in.n;
		struct str line = { in.p, n };

		in = str_skip(in, nl != NULL ? n + 1 : n);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (!dot_is_text && str_eq(line, STR(".")))
			break;
		if (first && str_starts(line, STR("From "))) {
			first = false;
			continue;
		}
		first = false;
		if (memchr(line.p, '\0', line.n) != NULL || memchr(line.p, '\r', line.n) != NULL)
			return false;
		if (!buf_put(out, line) || !buf_puts(out, "\r\n"))
			return false;
	}
	return true;
}

static bool
rcpt_add(struct composed *out, struct str address)
{
	for (size_t i = 0; i < out->nrcpt; i++)
		if (str_ieq(out->rcpt[i], address))
			return true;
	if (out->nrcpt == RCPT_MAX)
		return false;
	out->rcpt[out->nrcpt++] = address;
	return true;
}

/* "root": a name of this machine, which the server completes. */
static bool
is_bare_name(const struct addr *one)
{
	static const struct str others = STR_INIT("!#$%&'*+-/=?^_`{|}~.");
	struct str s = one->address;

	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isalnum(s.p[i]) && str_chr(others, s.p[i]) < 0)
			return false;
	return s.n > 0 && s.p[0] != '.' && s.p[s.n - 1] != '.' && one->domain.n == 0;
}

static bool
rcpts_from(struct composed *out, struct str value, struct arena *a, const char **error)
{
	struct addr_list list;

	if (!addr_list_parse(value, a, &list)) {
		*error = "too many addresses";
		return false;
	}
	for (size_t i = 0; i < list.n; i++) {
		const struct addr *one = &list.addr[i];

		if ((one->facts & ADDR_BAD) && !is_bare_name(one)) {
			*error = "a recipient is no address";
			return false;
		}
		if (!rcpt_add(out, str_dup(a, one->address))) {
			*error = "more than 1000 recipients";
			return false;
		}
	}
	return true;
}

static bool
rcpts_of_header(const struct header *h, struct composed *out, struct arena *a,
    const char **error)
{
	static const struct str plain[] = {
		{ "To", 2 }, { "Cc", 2 }, { "Bcc", 3 },
	}, resent[] = {
		{ "Resent-To", 9 }, { "Resent-Cc", 9 }, { "Resent-Bcc", 10 },
	};
	bool again = false;

	for (size_t i = 0; i < COUNT(resent); i++)
		again |= header_find(h, resent[i], 0) != NULL;
	for (size_t i = 0; i < COUNT(plain); i++) {
		struct str name = again ? resent[i] : plain[i];
		const struct field *f;

		for (size_t n = 0; (f = header_find(h, name, n)) != NULL; n++)
			if (!rcpts_from(out, f->value, a, error))
				return false;
	}
	return true;
}

/* A display name that needs no quoting goes as it is. */
static void
name_put(struct buf *b, struct str name)
{
	(void)buf_putc(b, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			(void)buf_putc(b, '\\');
		if ((unsigned char)name.p[i] >= 0x20)
			(void)buf_putc(b, name.p[i]);
	}
	(void)buf_puts(b, "\" ");
}

static void
missing_fields(const struct header *h, const struct sendmail_args *args,
    const struct caller *who, struct buf *b)
{
	struct str name = args->full_name != NULL ? str_of(args->full_name) : who->full_name;

	if (header_find(h, STR("From"), 0) == NULL) {
		(void)buf_puts(b, "From: ");
		if (name.n > 0)
			name_put(b, name);
		(void)buf_putf(b, "<" STR_F, STR_A(who->login));
		(void)buf_putf(b, "@" STR_F ">\r\n", STR_A(who->hostname));
	}
	if (header_find(h, STR("Date"), 0) == NULL) {
		(void)buf_puts(b, "Date: ");
		(void)date_format(b, who->now, who->zone);
		(void)buf_puts(b, "\r\n");
	}
	if (header_find(h, STR("Message-ID"), 0) == NULL)
		(void)buf_putf(b, "Message-ID: <%" PRIx64 ".%016" PRIx64 "@" STR_F ">\r\n",
		    (uint64_t)who->now, who->chance, STR_A(who->hostname));
}

static bool
hidden(const struct field *f)
{
	return str_ieq(f->name, STR("Bcc")) || str_ieq(f->name, STR("Resent-Bcc"));
}

/* Where in the field "@" and our name must be put in; 0: nowhere. */
static size_t
bare_author_end(const struct field *f, struct arena *a)
{
	static const struct str authors[] = {
		STR_INIT("From"), STR_INIT("Sender"), STR_INIT("Resent-From"),
		STR_INIT("Resent-Sender"),
	};
	struct str value = str_trim(f->value);
	struct addr_list list;
	bool is_author = false;
	ssize_t at;

	for (size_t i = 0; i < COUNT(authors); i++)
		is_author |= str_ieq(f->name, authors[i]);
	if (!is_author || !addr_list_parse(f->value, a, &list) || list.n != 1 ||
	    !is_bare_name(&list.addr[0]))
		return 0;
	at = str_find(f->raw, str_cat(a, STR("<"), list.addr[0].address, STR(">")));
	if (at >= 0)
		return (size_t)at + 1 + list.addr[0].address.n;
	if (!str_starts(value, list.addr[0].address))
		return 0;
	return (size_t)(value.p - f->raw.p) + list.addr[0].address.n;
}

/* "From: root (Cron Daemon)" becomes "From: root@host (Cron Daemon)". */
static void
field_put(const struct field *f, const struct caller *who, struct arena *a, struct buf *b)
{
	size_t end = bare_author_end(f, a);

	(void)buf_put(b, str_sub(f->raw, 0, end));
	if (end > 0) {
		(void)buf_putc(b, '@');
		(void)buf_put(b, who->hostname);
	}
	(void)buf_put(b, str_skip(f->raw, end));
}

static void
message_put(struct str text, const struct header *h, const struct sendmail_args *args,
    const struct caller *who, struct arena *a, struct buf *b)
{
	struct str body = str_skip(text, h->body_at);

	for (size_t i = 0; i < h->n; i++)
		if (!hidden(&h->field[i]))
			field_put(&h->field[i], who, a, b);
	missing_fields(h, args, who, b);
	(void)buf_puts(b, "\r\n");
	(void)buf_put(b, body);
}

static bool
envelope(const struct sendmail_args *args, const struct caller *who, struct arena *a,
    struct composed *out)
{
	out->from = str_cat(a, who->login, STR("@"), who->hostname);
	if (args->from != NULL) {
		struct str f = str_of(args->from);

		if (str_starts(f, STR("<")) && str_ends(f, STR(">")))
			f = str_sub(f, 1, f.n - 2);
		out->from = f;
	}

	out->rcpt = arena_alloc(a, RCPT_MAX * sizeof *out->rcpt);
	return out->rcpt != NULL;
}

bool
sendmail_compose(const struct sendmail_args *args, const struct caller *who, struct str input,
    struct arena *a, struct composed *out, const char **error)
{
	struct buf text, message;
	struct header h;
	bool good = false;

	*out = (struct composed){};
	buf_init(&text, MESSAGE_MAX);
	buf_init(&message, MESSAGE_MAX);
	*error = "the message holds NUL or lone CR octets, or is too large";
	if (!canonical(input, args->dot_is_text, &text))
		goto out;
	*error = "out of memory";
	if (!header_parse(buf_str(&text), a, 0, &h) || !envelope(args, who, a, out))
		goto out;
	good = true;
	for (size_t i = 0; i < args->nrcpt && good; i++)
		good = rcpts_from(out, str_of(args->rcpt[i]), a, error);
	if (good && args->take_recipients)
		good = rcpts_of_header(&h, out, a, error);
	if (good && out->nrcpt == 0) {
		*error = "no recipient";
		good = false;
	}
	if (good) {
		message_put(buf_str(&text), &h, args, who, a, &message);
		out->message = str_dup(a, buf_str(&message));
		good = !message.failed && out->message.n > 0;
	}
out:
	buf_done(&text);
	buf_done(&message);
	return good;
}

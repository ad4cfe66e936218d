/* SPDX-License-Identifier: ISC */
/*
 * accepted: the test profile's record of what was taken, one JSON line a message.
 *
 * Only written when the configuration's `test` block names a file; then content is also kept in
 * memory until the line is out.  {"mail_from":..,"rcpt_to":[..],"message_b64":..}
 */
#include "smtpd/session.h"

#include <unistd.h>

#include "base/base64.h"

static void
put_json(struct buf *b, struct str s)
{
	(void)buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			(void)buf_putc(b, '\\');
		if (c < 0x20)
			(void)buf_putf(b, "\\u%04x", c);
		else
			(void)buf_putc(b, (char)c);
	}
	(void)buf_putc(b, '"');
}

static void
put_line(struct buf *b, const struct tx *tx, struct str message)
{
	(void)buf_puts(b, "{\"mail_from\":");
	put_json(b, tx->sender);
	(void)buf_puts(b, ",\"rcpt_to\":[");
	for (size_t i = 0; i < tx->nrcpt; i++) {
		if (i > 0)
			(void)buf_putc(b, ',');
		put_json(b, tx->rcpt[i].addr);
	}
	(void)buf_puts(b, "],\"message_b64\":\"");
	(void)base64_encode(b, message);
	(void)buf_puts(b, "\"}\n");
}

void
accepted_note(struct session *s, struct str prepend)
{
	struct buf whole, line;

	if (s->srv->accepted_fd < 0)
		return;
	buf_init(&whole, 512 << 20);
	buf_init(&line, 1 << 30);
	(void)buf_put(&whole, prepend);
	(void)buf_put(&whole, buf_str(&s->tx->copy));
	put_line(&line, s->tx, buf_str(&whole));
	/* O_APPEND and one write: lines of several workers do not mix. */
	if (!line.failed && write(s->srv->accepted_fd, line.p, line.n) < 0)
		s->srv->accepted_fd = -1;
	buf_done(&whole);
	buf_done(&line);
}

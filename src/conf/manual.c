/* SPDX-License-Identifier: ISC */
/*
 * manual: postern.conf(5) from the tables, as mdoc.
 *
 * Names, defaults, ranges and texts come from the rows; only the frame is written here.  Leading
 * dots and backslashes of texts are made safe for roff.
 */
#include "base/num.h"
#include "conf/print.h"
#include "conf/settings.h"
#include "conf/value.h"

static void
put_roff(struct buf *b, struct str s)
{
	bool start = true;

	for (size_t i = 0; i < s.n; i++) {
		if (start && (s.p[i] == '.' || s.p[i] == '\''))
			buf_puts(b, "\\&");
		if (s.p[i] == '\\')
			buf_puts(b, "\\e");
		else if (s.p[i] == '-')
			buf_puts(b, "\\-");
		else if (s.p[i] == ' ' && i > 1 && s.p[i - 1] == '.' && i + 1 < s.n &&
		    ascii_isupper(s.p[i + 1]))
			buf_putc(b, '\n');		/* a sentence a line */
		else
			buf_putc(b, s.p[i]);
		start = b->n > 0 && b->p[b->n - 1] == '\n';
	}
}

static void
put_number(struct buf *b, const struct setting *s, uint64_t v)
{
	if (s->type == SET_MS)
		format_ms(b, (int64_t)v);
	else if (s->type == SET_BYTES)
		format_bytes(b, v);
	else
		buf_putu(b, v);
}

static const char *
type_word(const struct setting *s)
{
	switch (s->type) {
	case SET_COUNT:
		return "NUMBER";
	case SET_BYTES:
		return "SIZE";
	case SET_MS:
		return "TIME";
	case SET_BOOL:
		return "yes | no";
	case SET_DOMAIN:
		return "NAME";
	case SET_PATH:
		return "PATH";
	case SET_TEXT:
		return "TEXT";
	case SET_WORD:
		return "WORD";
	case SET_OWN:
		break;
	}
	return s->syntax;
}

static void
put_setting(struct buf *b, const struct setting *s)
{
	buf_putf(b, ".It Ic %s ", s->name);
	put_roff(b, str_of(type_word(s)));
	buf_puts(b, "\n");
	put_roff(b, str_of(s->text));
	if (*s->text)
		buf_puts(b, "\n");
	if (s->type == SET_WORD) {
		buf_puts(b, "One of");
		for (size_t i = 0; s->words[i] != NULL; i++)
			buf_putf(b, "%s %s", i ? "," : "", s->words[i]);
		buf_puts(b, ".\n");
	}
	if (s->max != 0) {
		buf_puts(b, "Range: ");
		put_number(b, s, s->min);
		buf_puts(b, " to ");
		put_number(b, s, s->max);
		buf_puts(b, ".\n");
	}
	if (s->dflt != NULL)
		buf_putf(b, "Default: %s.\n", s->dflt);
	if (s->many)
		buf_puts(b, "May be given more than once.\n");
}

static void
put_block(struct buf *b, const struct block *block)
{
	if (block->name[0] == '\0')
		buf_puts(b, ".Sh STATEMENTS\n");
	else
		buf_putf(b, ".Ss %s\n", block->name);
	put_roff(b, str_of(block->text));
	buf_puts(b, "\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < block->nset; i++)
		put_setting(b, &block->set[i]);
	buf_puts(b, ".El\n");
}

void
config_manual(struct buf *out)
{
	buf_puts(out, ".\\\" Made from the settings tables by postern config manual; do not edit.\n"
	    ".Dd $Mdocdate$\n.Dt POSTERN.CONF 5\n.Os\n.Sh NAME\n.Nm postern.conf\n"
	    ".Nd configuration of the postern mail server\n.Sh DESCRIPTION\n"
	    "Statements are words, one statement a line; blocks stand in braces.\n"
	    "A semicolon ends a statement as a line does, a backslash joins the next line,\n"
	    "and what follows a # at the start of a word is a comment.\n"
	    "Words with blanks or semicolons stand in double quotes,\n"
	    "in which a backslash takes the next character as it is.\n"
	    "An unknown word is an error.\n"
	    ".Pp\nTIME is a number with a unit: ms, s, m, h, d or w.\n"
	    "SIZE is a number of bytes, or with K, M or G.\n"
	    "A PATH that does not begin with a slash is below the directory of the file.\n"
	    "NETWORK is an address with a prefix length, or one address.\n");
	for (size_t i = 0; blocks_all[i] != NULL; i++)
		put_block(out, blocks_all[i]);
	buf_puts(out, ".Sh EXAMPLES\n.Bd -literal\n"
	    "hostname   mail.example.org\n"
	    "listen     mx          0.0.0.0:25\n"
	    "listen     submission  0.0.0.0:465\n"
	    "certificate            tls/fullchain.pem  tls/privkey.pem\n\n"
	    "domain example.org {\n"
	    "    users    file users\n"
	    "    aliases  file aliases\n"
	    "    deliver  maildir /var/mail/{domain}/{user}\n"
	    "    dkim     s2026 dkim/example.org.s2026.pem\n"
	    "}\n\n"
	    "relay from authenticated\n"
	    "relay to   domain partner.example via mx.partner.example\n"
	    ".Ed\n.Sh SEE ALSO\n.Xr postern 1 ,\n.Xr sendmail 1\n");
}

/* SPDX-License-Identifier: ISC */
/*
 * milter_wire: see milter_wire.h.
 */
#include "smtpd/milter_wire.h"

#include "base/num.h"

/* ---- what we say ---- */

static void
add_u32(struct buf *b, uint32_t v)
{
	char *to = buf_reserve(b, 4);

	if (!to)
		return;
	put_be32(to, v);
	buf_add(b, 4);
}

size_t
milter_begin(struct buf *b, enum milter_command cmd)
{
	size_t at = b->n;

	add_u32(b, 0);
	(void)buf_putc(b, (char)cmd);
	return at;
}

void
milter_end(struct buf *b, size_t at)
{
	if (!b->failed)
		put_be32(b->p + at, (uint32_t)(b->n - at - 4));
}

void
milter_put_z(struct buf *b, struct str s)
{
	char *to = buf_reserve(b, s.n + 1);

	if (!to)
		return;
	for (size_t i = 0; i < s.n; i++)
		to[i] = s.p[i] ? s.p[i] : ' ';
	to[s.n] = '\0';
	buf_add(b, s.n + 1);
}

void
milter_put(struct buf *b, enum milter_command cmd, struct str data)
{
	size_t at = milter_begin(b, cmd);

	(void)buf_put(b, data);
	milter_end(b, at);
}

void
milter_put_options(struct buf *b)
{
	size_t at = milter_begin(b, MC_OPTIONS);

	add_u32(b, MILTER_VERSION);
	add_u32(b, MAY_ALL);
	add_u32(b, STEPS_ALL);
	milter_end(b, at);
}

void
milter_put_connect(struct buf *b, struct str name, const struct ip *ip, uint16_t port)
{
	size_t at = milter_begin(b, MC_CONNECT);
	char text[IP_TEXT_MAX];

	milter_put_z(b, name);
	if (!ip) {
		(void)buf_putc(b, 'U');
	} else {
		(void)buf_putc(b, ip->v6 ? '6' : '4');
		(void)buf_putc(b, (char)(port >> 8));
		(void)buf_putc(b, (char)(port & 0xff));
		milter_put_z(b, ip_format(*ip, text));
	}
	milter_end(b, at);
}

void
milter_put_header(struct buf *b, struct str name, struct str value, bool leading_space)
{
	size_t at = milter_begin(b, MC_HEADER);
	char *to;
	size_t n = 0;

	milter_put_z(b, name);
	if (!leading_space && value.n > 0 && value.p[0] == ' ')
		value = str_skip(value, 1);
	to = buf_reserve(b, value.n + 1);
	for (size_t i = 0; to && i < value.n; i++)
		if (value.p[i] != '\r' || i + 1 == value.n || value.p[i + 1] != '\n')
			to[n++] = value.p[i] ? value.p[i] : ' ';
	if (to) {
		to[n++] = '\0';
		buf_add(b, n);
	}
	milter_end(b, at);
}

/* ---- what we hear ---- */

enum milter_got
milter_frame(struct str bytes, char *code, struct str *data, size_t *need)
{
	uint32_t n;

	*need = 5;
	if (bytes.n < 4)
		return MILTER_MORE;
	n = get_be32(bytes.p);
	if (n == 0 || n > MILTER_FRAME_MAX)
		return MILTER_BAD;
	*need = 4 + (size_t)n;
	if (bytes.n < *need)
		return MILTER_MORE;
	*code = bytes.p[4];
	*data = str_sub(bytes, 5, n - 1);
	return MILTER_FRAME;
}

/* A text up to its NUL, which must be there. */
static bool
take_z(struct str *rest, struct str *out)
{
	ssize_t nul = str_chr(*rest, '\0');

	if (nul < 0)
		return false;
	*out = str_sub(*rest, 0, (size_t)nul);
	*rest = str_skip(*rest, (size_t)nul + 1);
	return true;
}

static bool
take_be32(struct str *rest, uint32_t *out)
{
	if (rest->n < 4)
		return false;
	*out = get_be32(rest->p);
	*rest = str_skip(*rest, 4);
	return true;
}

/* "5.7.1 " in front of the text; its class must be that of the code. */
static void
take_enhanced(struct str *line, struct reply *r)
{
	struct cur c = cur_of(*line);
	unsigned v[3] = {};

	for (size_t i = 0; i < 3; i++) {
		size_t digits = 0;

		while (cur_left(&c) > 0 && ascii_isdigit(*c.p) && digits < 3) {
			v[i] = v[i] * 10 + (unsigned)(*c.p++ - '0');
			digits++;
		}
		if (digits == 0 || (i < 2 && !take_ch(&c, '.')))
			return;
	}
	if (v[0] != r->code / 100 || (cur_left(&c) > 0 && *c.p != ' '))
		return;
	r->c = v[0];
	r->s = v[1];
	r->d = v[2];
	*line = str_trim(cur_rest(&c));
}

static bool
take_code(struct str *line, unsigned *code, bool *more)
{
	struct str s = *line;

	if (s.n < 3 || (s.p[0] != '4' && s.p[0] != '5') || !ascii_isdigit(s.p[1]) ||
	    !ascii_isdigit(s.p[2]) || (s.n > 3 && s.p[3] != ' ' && s.p[3] != '-'))
		return false;
	*code = (unsigned)(s.p[0] - '0') * 100 + (unsigned)(s.p[1] - '0') * 10 +
	    (unsigned)(s.p[2] - '0');
	*more = s.n > 3 && s.p[3] == '-';
	*line = str_skip(s, 4);
	return true;
}

/* smfi_setreply has its callers write %% for %. */
static bool
put_reply_text(struct buf *b, struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (ascii_iscntrl(line.p[i]) && line.p[i] != '\t')
			return false;
		if (line.p[i] == '%' && i + 1 < line.n && line.p[i + 1] == '%')
			i++;
		(void)buf_putc(b, line.p[i] == '\t' ? ' ' : line.p[i]);
	}
	return true;
}

bool
milter_reply_read(struct str text, struct arena *a, struct reply *out)
{
	char *mem = arena_alloc(a, text.n + 1);
	struct buf b = { .p = mem, .cap = text.n + 1, .max = text.n + 1 };
	bool more = true;

	*out = (struct reply){};
	for (size_t lines = 0; more; lines++) {
		ssize_t end = str_find(text, STR("\r\n"));
		struct str line = str_sub(text, 0, end < 0 ? text.n : (size_t)end);
		struct reply r = {};

		text = end < 0 ? (struct str){} : str_skip(text, (size_t)end + 2);
		if (!mem || lines == MILTER_REPLY_LINES || !take_code(&line, &r.code, &more) ||
		    (out->code != 0 && r.code != out->code))
			return false;
		take_enhanced(&line, &r);
		if (lines > 0)
			(void)buf_putc(&b, '\n');
		else
			*out = r;
		if (!put_reply_text(&b, line))
			return false;
		more = more && text.n > 0;
	}
	if (text.n > 0)
		return false;			/* lines behind the last one */
	out->text = buf_str(&b);
	out->close = out->code == 421;		/* RFC 5321 3.8 */
	return true;
}

static bool
read_options(struct str data, struct milter_options *o)
{
	if (!take_be32(&data, &o->version) || !take_be32(&data, &o->actions) ||
	    !take_be32(&data, &o->steps) || o->version < 2 || o->version > MILTER_VERSION ||
	    (o->actions & ~(uint32_t)MAY_ALL) || (o->steps & ~(uint32_t)STEPS_ALL))
		return false;
	while (data.n > 0) {
		struct str names;
		uint32_t stage;

		if (!take_be32(&data, &stage) || !take_z(&data, &names) || stage >= MS_COUNT)
			return false;
		o->wants[stage] = true;
		o->macros[stage] = names;
	}
	return true;
}

/* [index] name NUL value NUL */
static bool
read_header(struct str data, bool indexed, struct milter_answer *out)
{
	return (!indexed || take_be32(&data, &out->index)) && take_z(&data, &out->name) &&
	       take_z(&data, &out->value) && data.n == 0 && out->name.n > 0;
}

static bool
read_address(struct str data, bool with_args, struct milter_answer *out)
{
	if (!take_z(&data, &out->value) || out->value.n == 0)
		return false;
	if (with_args && data.n > 0 && !take_z(&data, &out->args))
		return false;
	return data.n == 0;
}

static bool
read_reason(struct str data, struct milter_answer *out)
{
	return take_z(&data, &out->value) && data.n == 0;
}

static bool
read_reply(struct str data, struct arena *a, struct milter_answer *out)
{
	struct str text;

	return take_z(&data, &text) && data.n == 0 && milter_reply_read(text, a, &out->reply);
}

bool
milter_answer_read(char code, struct str data, struct arena *a, struct milter_answer *out,
    const char **why)
{
	bool ok = false;

	*out = (struct milter_answer){ .code = (enum milter_code)code };
	switch (out->code) {
	case MA_ACCEPT: case MA_CONTINUE: case MA_DISCARD: case MA_PROGRESS: case MA_REJECT:
	case MA_SKIP: case MA_TEMPFAIL: case MA_CONN_FAIL: case MA_SHUTDOWN:
		ok = data.n == 0;
		break;
	case MA_REPLY:
		ok = read_reply(data, a, out);
		break;
	case MA_ADD_HEADER:
		ok = read_header(data, false, out);
		break;
	case MA_INSERT_HEADER: case MA_CHANGE_HEADER:
		ok = read_header(data, true, out);
		break;
	case MA_ADD_RCPT: case MA_DEL_RCPT:
		ok = read_address(data, false, out);
		break;
	case MA_ADD_RCPT_ARGS: case MA_SENDER:
		ok = read_address(data, true, out);
		break;
	case MA_QUARANTINE:
		ok = read_reason(data, out);
		break;
	case MA_BODY:
		out->value = data;
		return true;
	case MA_OPTIONS:
		ok = read_options(data, &out->options);
		break;
	}
	*why = "malformed or unknown answer";
	return ok;
}

bool
milter_wants_macro(const struct milter_options *o, enum milter_stage st, struct str name)
{
	struct str list = o->macros[st];
	bool braced = name.n > 2 && name.p[0] == '{';
	struct str bare = braced ? str_sub(name, 1, name.n - 2) : name;

	if (!o->wants[st])
		return true;
	while (list.n > 0) {
		size_t n = 0;
		struct str word;

		while (n < list.n && list.p[n] != ' ' && list.p[n] != '\t' && list.p[n] != ',')
			n++;
		word = str_sub(list, 0, n);
		if (str_eq(word, name) || str_eq(word, bare))
			return true;
		list = str_skip(list, n + 1);
	}
	return false;
}

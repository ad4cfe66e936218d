/* SPDX-License-Identifier: ISC */
/*
 * milter: see milter.h.
 */
#include "smtpd/milter.h"

#include "base/num.h"
#include "rt/clock.h"

enum {
	OUT_MAX = 4 << 20,
	OUT_FLUSH = 128 << 10,		/* where nothing is answered, send when so much waits */
	MEMORY = 256 << 10,
	PATIENCE = 10,			/* time-outs a busy filter gets */
};

static enum milter_says
failed(struct milter *m, const char *why)
{
	m->why = why;
	milter_close(m, false);
	return MILTER_FAILED;
}

static const char *
io_why(enum io io)
{
	switch (io) {
	case IO_TIMEOUT:	return "no answer in time";
	case IO_CANCELLED:	return "shutting down";
	case IO_EOF:		return "closed the connection";
	case IO_OK:
	case IO_BROKEN:
	case IO_TOOLONG:	return "connection broken";
	}
	return "connection broken";
}

static enum milter_says
failed_io(struct milter *m, enum io io)
{
	m->io = io;
	return failed(m, io_why(io));
}

/* suspends */
static enum io
send_out(struct milter *m)
{
	enum io io = IO_OK;

	if (m->out.failed)
		return IO_BROKEN;
	conn_deadline(m->c, now_ms() + m->conf->timeout_ms);
	if (m->out.n > 0)
		io = conn_write(m->c, buf_str(&m->out));
	if (m->out.cap > OUT_FLUSH)
		buf_done(&m->out), buf_init(&m->out, OUT_MAX);
	buf_reset(&m->out);
	return io;
}

/* suspends.  The next frame; data lives until the next call. */
static enum milter_says
next_frame(struct milter *m, char *code, struct str *data)
{
	buf_shift(&m->in, m->used);
	m->used = 0;
	for (;;) {
		struct str bytes;
		size_t need;
		enum io io;

		switch (milter_frame(buf_str(&m->in), code, data, &need)) {
		case MILTER_FRAME:
			m->used = need;
			return MILTER_GO;
		case MILTER_BAD:
			return failed(m, "garbage");
		case MILTER_MORE:
			break;
		}
		io = conn_block(m->c, &bytes);
		if (io != IO_OK)
			return failed_io(m, io);
		bytes = str_sub(bytes, 0, need - m->in.n);
		if (!buf_put(&m->in, bytes))
			return failed(m, "garbage");
		conn_consume(m->c, bytes.n);
	}
}

/* suspends */
static enum milter_says
next_answer(struct milter *m, struct arena *a, struct milter_answer *out)
{
	enum milter_says got;
	struct str data;
	char code;

	conn_deadline(m->c, now_ms() + m->conf->timeout_ms);
	got = next_frame(m, &code, &data);
	if (got == MILTER_GO && !milter_answer_read(code, data, a, out, &m->why))
		return failed(m, m->why);
	return got;
}

bool
milter_open(struct milter *m, const struct filter_conf *conf, struct conn *c)
{
	struct milter_answer ans;
	struct arena a;

	*m = (struct milter){ .conf = conf, .c = c };
	buf_init(&m->out, OUT_MAX);
	buf_init(&m->in, MILTER_FRAME_MAX + 8);
	arena_init(&m->mem, MEMORY);
	arena_init(&a, MEMORY);
	milter_put_options(&m->out);
	m->io = send_out(m);
	if (m->io != IO_OK)
		(void)failed_io(m, m->io);
	else if (next_answer(m, &a, &ans) == MILTER_GO) {
		m->opt = ans.options;
		if (ans.code != MA_OPTIONS)
			(void)failed(m, "does not agree on options");
	}
	for (size_t i = 0; m->c && i < MS_COUNT; i++)
		m->opt.macros[i] = str_dup(&m->mem, m->opt.macros[i]);
	arena_done(&a);
	return m->c != NULL;
}

void
milter_close(struct milter *m, bool politely)
{
	struct conn *c = m->c;

	if (!c)
		return;
	m->c = NULL;
	if (politely) {
		buf_reset(&m->out);
		milter_put(&m->out, MC_QUIT, (struct str){});
		conn_deadline(c, now_ms() + 1000);
		(void)conn_write(c, buf_str(&m->out));
	}
	conn_close(c);
	buf_done(&m->out);
	buf_done(&m->in);
	arena_done(&m->mem);
	m->used = 0;
}

bool
milter_hears(const struct milter *m, enum milter_step no)
{
	return m->c && !(m->opt.steps & (uint32_t)no);
}

void
milter_macro(struct milter *m, enum milter_stage st, const char *name, struct str value)
{
	if (value.n == 0 || !milter_wants_macro(&m->opt, st, str_of(name)))
		return;
	milter_put_z(&m->out, str_of(name));
	milter_put_z(&m->out, value);
}

static enum milter_says
refuse(struct reply *r, struct reply with)
{
	*r = with;
	return MILTER_REFUSE;
}

/* What an answer means that may stand at any step. */
static enum milter_says
verdict_of(struct milter *m, const struct milter_answer *ans, struct reply *r)
{
	switch (ans->code) {
	case MA_CONTINUE:
		return MILTER_GO;
	case MA_ACCEPT:
		return MILTER_DONE;
	case MA_DISCARD:
		return MILTER_DISCARD;
	case MA_REJECT:
		return refuse(r, REPLY(550, 5, 7, 1, "refused by a filter"));
	case MA_TEMPFAIL:
		return refuse(r, REPLY(451, 4, 7, 1, "try again later"));
	case MA_REPLY:
		return refuse(r, ans->reply);
	case MA_CONN_FAIL:
	case MA_SHUTDOWN:
		return refuse(r, REPLY_BYE(421, 4, 7, 0, "try again later"));
	case MA_SKIP:
		return m->opt.steps & STEP_SKIP ? MILTER_SKIP : failed(m, "skips unasked");
	case MA_PROGRESS: case MA_OPTIONS: case MA_ADD_RCPT: case MA_ADD_RCPT_ARGS:
	case MA_DEL_RCPT: case MA_BODY: case MA_SENDER: case MA_ADD_HEADER:
	case MA_INSERT_HEADER: case MA_CHANGE_HEADER: case MA_QUARANTINE:
		break;
	}
	return failed(m, "answer out of place");
}

enum milter_says
milter_step(struct milter *m, uint32_t nr, struct arena *a, struct reply *r)
{
	int64_t until = now_ms() + PATIENCE * m->conf->timeout_ms;
	struct milter_answer ans;
	enum milter_says got;
	enum io io;

	if (m->opt.steps & nr) {
		io = m->out.n < OUT_FLUSH ? IO_OK : send_out(m);
		return io == IO_OK ? MILTER_GO : failed_io(m, io);
	}
	io = send_out(m);
	if (io != IO_OK)
		return failed_io(m, io);
	do {
		got = next_answer(m, a, &ans);
		if (got == MILTER_GO && now_ms() > until)
			return failed(m, "busy for too long");
	} while (got == MILTER_GO && ans.code == MA_PROGRESS);
	return got == MILTER_GO ? verdict_of(m, &ans, r) : got;
}

/* The right a change needs; 0: it is no change. */
static uint32_t
right_of(enum milter_code code)
{
	switch (code) {
	case MA_ADD_HEADER:
	case MA_INSERT_HEADER:	return MAY_ADD_HEADER;
	case MA_CHANGE_HEADER:	return MAY_CHANGE_HEADER;
	case MA_ADD_RCPT:	return MAY_ADD_RCPT;
	case MA_ADD_RCPT_ARGS:	return MAY_ADD_RCPT_ARGS;
	case MA_DEL_RCPT:	return MAY_DEL_RCPT;
	case MA_BODY:		return MAY_CHANGE_BODY;
	case MA_SENDER:		return MAY_CHANGE_SENDER;
	case MA_QUARANTINE:	return MAY_QUARANTINE;
	case MA_PROGRESS: case MA_OPTIONS: case MA_ACCEPT: case MA_CONTINUE: case MA_DISCARD:
	case MA_CONN_FAIL: case MA_SHUTDOWN: case MA_REJECT: case MA_SKIP: case MA_TEMPFAIL:
	case MA_REPLY:
		break;
	}
	return 0;
}

enum milter_says
milter_final(struct milter *m, const struct milter_changes *ch, struct arena *a, struct reply *r)
{
	int64_t until = now_ms() + PATIENCE * m->conf->timeout_ms;
	enum io io = send_out(m);

	if (io != IO_OK)
		return failed_io(m, io);
	for (;;) {
		struct milter_answer ans;
		enum milter_says got = next_answer(m, a, &ans);
		uint32_t right;

		if (got != MILTER_GO)
			return got;
		if (now_ms() > until)
			return failed(m, "busy for too long");
		if (ans.code == MA_PROGRESS)
			continue;
		right = right_of(ans.code);
		if (right == 0) {
			got = verdict_of(m, &ans, r);
			return got == MILTER_SKIP ? failed(m, "answer out of place") : got;
		}
		if (!(m->opt.actions & right))
			return failed(m, "change without the right to it");
		if (!ch->take(ch->ctx, &ans))
			return failed(m, "change that cannot be made");
	}
}

void
milter_abort(struct milter *m)
{
	if (!m->c)
		return;
	buf_reset(&m->out);			/* what was not sent need not be */
	milter_put(&m->out, MC_ABORT, (struct str){});
	if (send_out(m) != IO_OK)
		(void)failed(m, "connection broken");
}

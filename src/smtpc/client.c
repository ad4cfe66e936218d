/* SPDX-License-Identifier: ISC */
/*
 * client: see client.h.  RFC 5321 3.1, 3.2, 4.2; LMTP: RFC 2033.
 */
#include "smtpc/client.h"

#include "base/num.h"

enum { CLIENT_ARENA = 2 << 20, CLIENT_OUT_MAX = 256 * 1024, QUIT_MS = 2000 };

static struct str
mta_name(struct arena *a, const struct target *t)
{
	char ip[IP_TEXT_MAX];

	if (t->path.n)
		return str_dup(a, t->path);
	return str_cat(a, text_sanitise(t->host, false, a, 255), STR(" ["), ip_format(t->ip, ip),
	    STR("]"));
}

void
client_init(struct client *k, struct conn *c, const struct client_conf *conf,
    const struct target *t)
{
	*k = (struct client){ .c = c, .conf = conf, .born_ms = now_ms() };
	arena_init(&k->arena, CLIENT_ARENA);
	buf_init(&k->out, CLIENT_OUT_MAX);
	k->mta = mta_name(&k->arena, t);
}

bool
client_die(struct client *k, struct trouble t)
{
	if (k->dead)
		return false;
	k->dead = true;
	if (!t.mta.n)				/* our own words about it */
		t.text = str_cat(&k->arena, k->mta, STR(": "), t.text);
	k->trouble = t;
	return false;
}

bool
client_die_io(struct client *k, enum io io)
{
	struct trouble t = TROUBLE_TEMP(CLASS_HOST, "4.4.2", "");
	const char *what = "broke";

	switch (io) {
	case IO_OK:
	case IO_TOOLONG:
		return client_die(k, TROUBLE_TEMP(CLASS_HOST, "4.5.0", "its reply is not SMTP"));
	case IO_TIMEOUT:
		what = "timed out";
		t.status = STR("4.4.2");
		break;
	case IO_CANCELLED:
		t.class = CLASS_OWN;
		what = "was given up by us";
		break;
	case IO_EOF:
		what = "was closed by the server";
		break;
	case IO_BROKEN:
		break;
	}
	t.text = str_cat(&k->arena, STR("the connection "), str_of(what),
	    STR(" while waiting for "), str_of(k->phase ? k->phase : "the server"));
	return client_die(k, t);
}

bool
client_flush(struct client *k)
{
	if (k->dead)
		return false;
	if (k->out.failed)
		return client_die(k, TROUBLE_TEMP(CLASS_OWN, "4.3.0", "commands too long"));
	if (k->out.n == 0)
		return true;
	conn_deadline(k->c, deadline_in(k->conf->lim->client_block_ms));
	enum io io = conn_write(k->c, buf_str(&k->out));
	buf_reset(&k->out);
	return io == IO_OK || client_die_io(k, io);
}

bool
client_reply(struct client *k, int64_t ms, struct arena *a, struct reply_in *r)
{
	*r = (struct reply_in){};
	if (k->dead)
		return false;
	conn_deadline(k->c, deadline_in(ms));
	for (;;) {
		struct str line;
		enum io io = conn_line(k->c, REPLY_READ_LINE_MAX, &line);

		if (io != IO_OK)
			return client_die_io(k, io);
		switch (reply_read_line(r, line, a)) {
		case REPLY_MORE:
			continue;
		case REPLY_BROKEN:
			return client_die(k, TROUBLE_TEMP(CLASS_HOST, "4.5.0",
			    "its reply is not SMTP"));
		case REPLY_DONE:
			break;
		}
		if (r->code == 421)		/* RFC 5321 3.8: any time, and then it closes */
			(void)client_die(k, outcome_refused(r, CLASS_HOST, k->mta, &k->arena));
		return true;
	}
}

/* RFC 5321 4.2: 220.  RFC 7504: 521, and RFC 5321 3.1: 554, there is no mail service here. */
static bool
greeting(struct client *k)
{
	struct reply_in r;

	k->phase = "its greeting";
	if (!client_reply(k, k->conf->lim->client_cmd_ms, &k->arena, &r) || k->dead)
		return false;
	if (r.code == 220)
		return true;
	struct trouble t = outcome_refused(&r, CLASS_HOST, k->mta, &k->arena);
	if (r.code < 400) {
		t = TROUBLE_TEMP(CLASS_HOST, "4.5.0", "its greeting is not one");
	} else if (r.code != 521) {
		t.kind = OUT_TEMP;		/* another of its servers, or another day */
		if (t.status.n && t.status.p[0] == '5')
			t.status = STR("4.3.2");
	} else if (!r.c) {
		t.status = STR("5.3.2");
	}
	return client_die(k, t);
}

static bool
hello(struct client *k, const char *verb, struct reply_in *r)
{
	k->phase = verb;
	(void)buf_put(&k->out, str_of(verb));
	(void)buf_putc(&k->out, ' ');
	(void)buf_put(&k->out, k->conf->hostname);
	(void)buf_puts(&k->out, "\r\n");
	return client_flush(k) &&
	    client_reply(k, k->conf->lim->client_cmd_ms, &k->arena, r) && !k->dead;
}

static bool
hello_refused(struct client *k, const struct reply_in *r)
{
	struct trouble t = outcome_refused(r, CLASS_HOST, k->mta, &k->arena);

	if (r->code < 400)
		t = TROUBLE_TEMP(CLASS_HOST, "4.5.0", "its reply to the hello is none");
	t.kind = OUT_TEMP;			/* it is about us and it, not about a message */
	if (t.status.n && t.status.p[0] == '5')
		t.status = STR("4.3.2");
	return client_die(k, t);
}

bool
client_hello(struct client *k)
{
	struct reply_in r;

	if (!greeting(k) || !hello(k, k->conf->lmtp ? "LHLO" : "EHLO", &r))
		return false;
	if (r.code / 100 == 2) {
		ehlo_parse(&r, &k->ehlo);
		k->ext = k->ehlo.ext;
	} else if (k->conf->lmtp || r.code < 500) {
		return hello_refused(k, &r);
	} else {				/* RFC 5321 3.2: an old server */
		if (!hello(k, "HELO", &r))
			return false;
		if (r.code / 100 != 2)
			return hello_refused(k, &r);
		ehlo_parse(&r, &k->ehlo);
		k->ext = 0;
	}
	/* Its name is ours: by whatever way, we talk to ourselves. */
	if (!k->conf->routed && str_ieq(k->ehlo.name, k->conf->hostname))
		return client_die(k, TROUBLE_PERM(CLASS_POLICY, "5.4.6",
		    "mail for it loops back to us"));
	return true;
}

void
client_quit(struct client *k)
{
	struct reply_in r;

	if (!k->dead) {
		k->phase = "QUIT";
		buf_reset(&k->out);
		(void)buf_puts(&k->out, "QUIT\r\n");
		if (client_flush(k))
			(void)client_reply(k, QUIT_MS, &k->arena, &r);
	}
	client_done(k);
}

void
client_done(struct client *k)
{
	conn_close(k->c);
	k->c = NULL;
	buf_done(&k->out);
	arena_done(&k->arena);
}

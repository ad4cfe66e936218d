/* SPDX-License-Identifier: ISC */
/*
 * print_senders: the statements about senders as they would be written, and what they loosen.
 */
#include "base/buf.h"
#include "base/num.h"
#include "conf/config.h"
#include "conf/value.h"

static void
put_quoted(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, s.p[i]);
	}
	buf_putc(b, '"');
}

static void
put_list(struct buf *b, const char *before, const struct str *list, size_t n)
{
	if (n > 0)
		buf_put(b, str_of(before));
	for (size_t i = 0; i < n; i++) {
		buf_putc(b, ' ');
		buf_put(b, list[i]);
	}
}

static void
put_exception(struct buf *b, const struct exception *x)
{
	if (x->owner.n > 0) {
		buf_puts(b, " owner ");
		put_quoted(b, x->owner);
	}
	if (x->reason.n > 0) {
		buf_puts(b, " reason ");
		put_quoted(b, x->reason);
	}
	if (x->until.n > 0)
		buf_putf(b, " until " STR_F, STR_A(x->until));
}

static void
put_forwarder(struct buf *b, const struct forwarder *f)
{
	buf_putf(b, STR_F " via ", STR_A(f->name));
	switch (f->via) {
	case VIA_SPF_HOST:
		buf_puts(b, "spf-host");
		break;
	case VIA_DKIM:
		buf_puts(b, "dkim");
		break;
	case VIA_CERT:
		buf_putf(b, "cert " STR_F, STR_A(f->pin));
		break;
	case VIA_NET:
		buf_puts(b, "net ");
		format_net(b, &f->net);
		break;
	}
	put_list(b, " for", f->to, f->nto);
	if (f->inbox)
		buf_puts(b, " inbox");
	put_exception(b, &f->x);
}

typedef void put_fn(void *ctx, const char *name, struct str value, unsigned line);

static void
put_names(const char *name, const struct str *list, size_t n, put_fn *put, void *ctx)
{
	for (size_t i = 0; i < n; i++)
		put(ctx, name, list[i], 0);
}

void
senders_each(const struct config *cfg, put_fn *put, void *ctx)
{
	const struct senders_conf *c = &cfg->senders;
	struct buf b;

	buf_init(&b, 1 << 20);
	put_names("protect", c->protect, c->nprotect, put, ctx);
	put_names("arc-trust", c->arc_trust, c->narc_trust, put, ctx);
	for (size_t i = 0; i < c->nvip; i++, buf_reset(&b)) {
		put_quoted(&b, c->vip[i].name);
		put_list(&b, "", c->vip[i].addr, c->vip[i].naddr);
		put(ctx, "vip", buf_str(&b), c->vip[i].line);
	}
	for (size_t i = 0; i < c->nforwarder; i++, buf_reset(&b)) {
		put_forwarder(&b, &c->forwarder[i]);
		put(ctx, "forwarder", buf_str(&b), c->forwarder[i].x.line);
	}
	for (size_t i = 0; i < c->noutside; i++, buf_reset(&b)) {
		buf_put(&b, c->outside[i].domain);
		put_exception(&b, &c->outside[i].x);
		put(ctx, "outside-sender", buf_str(&b), c->outside[i].x.line);
	}
	for (size_t i = 0; i < c->nallowed; i++, buf_reset(&b)) {
		buf_put(&b, c->allowed[i].who);
		put_list(&b, " for", c->allowed[i].to, c->allowed[i].nto);
		put_exception(&b, &c->allowed[i].x);
		put(ctx, "allow-author", buf_str(&b), c->allowed[i].x.line);
	}
	buf_done(&b);
}

struct loosened { struct buf *out; size_t n; };

/* An exception, and what its line does not say. */
static void
put_loosened(void *ctx, const char *name, struct str value, unsigned line)
{
	struct loosened *l = ctx;

	if (str_eq(str_of(name), STR("protect")) || str_eq(str_of(name), STR("vip")))
		return;
	buf_putf(l->out, "line %u: %s " STR_F, line, name, STR_A(value));
	if (line > 0 && str_find(value, STR(" owner ")) < 0)
		buf_puts(l->out, "; no owner named");
	if (line > 0 && str_find(value, STR(" reason ")) < 0)
		buf_puts(l->out, "; no reason given");
	if (line > 0 && str_find(value, STR(" until ")) < 0)
		buf_puts(l->out, "; no end set");
	buf_putc(l->out, '\n');
	l->n++;
}

size_t
senders_loosened(const struct config *cfg, struct buf *out)
{
	struct loosened l = { out, 0 };

	if (cfg->senders.unverified == UNVERIFIED_INBOX) {
		buf_puts(out, "senders: unverified inbox: mail that nobody vouches for is not "
		    "marked (default junk)\n");
		l.n++;
	}
	if (cfg->senders.dmarc_reject == DMARC_REJECT_NEVER) {
		buf_puts(out, "senders: dmarc-reject never: what its domain asks to refuse goes to "
		    "Junk (default corroborated)\n");
		l.n++;
	}
	senders_each(cfg, put_loosened, &l);
	return l.n;
}

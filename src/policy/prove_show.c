/* SPDX-License-Identifier: ISC */
/*
 * prove_show: a counterexample as people read it: an SMTP dialogue, and the lines responsible.
 *
 * The request is made plain first: each field is replaced by the most ordinary class with which the
 * theorem still breaks.  The replies are those that the server would give.
 */
#include "policy/prove.h"

#include <stdlib.h>

#include "base/num.h"
#include "policy/prove_parts.h"

enum { TEXT_MAX = 16384, LINES_MAX = 8 };

/* ---- making plain ---- */

static __attribute__((noinline)) bool
still_breaks(const struct prover *w, const struct request *r, enum theorem t)
{
	struct asked q = prove_ask(w, r);

	return prove_breaks(w, &q, t);
}

static __attribute__((noinline)) void
make_plain(const struct prover *w, struct request *r, enum theorem t)
{
	for (size_t f = 0; f < SOURCES; f++) {
		const struct atom *was = r->source[f];

		for (size_t i = 0; was && i < w->c.n[f]; i++) {
			r->source[f] = &w->c.atom[f][i];
			if (r->source[f] == was || still_breaks(w, r, t))
				break;
		}
	}
	for (size_t i = 0; t != PROVE_P2 && i < w->c.n[FIELD_SENDER]; i++) {
		const struct atom *was = r->sender;

		if (w->c.atom[FIELD_SENDER][i].path.null)
			continue;
		r->sender = &w->c.atom[FIELD_SENDER][i];
		if (r->sender == was || still_breaks(w, r, t))
			break;
		r->sender = was;
	}
	for (size_t i = 0; i < w->c.n[FIELD_RCPT]; i++) {
		const struct atom *was = r->rcpt;

		if (w->c.atom[FIELD_RCPT][i].path.domain.n == 0)
			continue;
		r->rcpt = &w->c.atom[FIELD_RCPT][i];
		if (r->rcpt == was || still_breaks(w, r, t))
			break;
		r->rcpt = was;
	}
}

/* ---- the dialogue ---- */

static void
put_reply(struct buf *b, const struct verdict *v)
{
	const struct reply *r = &v->reply;

	buf_putf(b, "S: %u ", r->code);
	if (r->c)
		buf_putf(b, "%u.%u.%u ", r->c, r->s, r->d);
	buf_putf(b, STR_F "\n", STR_A(r->text));
}

static void
put_path(struct buf *b, const struct path *p)
{
	buf_putc(b, '<');
	if (!p->null) {
		buf_put(b, p->local);
		if (p->domain.n > 0) {
			buf_putc(b, '@');
			buf_put(b, p->domain);
		}
	}
	buf_puts(b, ">");
}

static void
put_client(struct buf *b, const struct prover *w, const struct request *r, const struct facts *f)
{
	struct arena a;
	static const enum field told[] = { FIELD_CLIENT, FIELD_HOST, FIELD_CERT, FIELD_POP,
	    FIELD_UID };

	(void)w;
	arena_init(&a, 1 << 16);
	buf_puts(b, "# ");
	for (size_t i = 0; i < COUNT(told); i++) {
		struct str text = r->source[told[i]] ?
		    class_text(told[i], r->source[told[i]], &a) : (struct str){};

		if (text.n > 0)
			buf_putf(b, STR_F ", ", STR_A(text));
	}
	buf_putf(b, "at listener " STR_F "%s\n", STR_A(f->listener_name),
	    f->tls ? " under TLS" : "");
	arena_done(&a);
}

static __attribute__((noinline)) void
put_dialogue(struct buf *b, const struct prover *w, const struct request *r,
    const struct facts *f)
{
	const struct policy *p = w->asked;
	struct verdict v = decide_connect(p, f);
	bool open = v.act != ACT_REJECT && v.act != ACT_DEFER;

	put_client(b, w, r, f);
	if (v.reply.code == 220)
		buf_putf(b, "S: 220 " STR_F " ESMTP\n", STR_A(p->cfg->hostname));
	else
		put_reply(b, &v);
	if (!open)
		return;
	v = decide_helo(p, f);
	buf_putf(b, "C: %s " STR_F "\n", f->listener == L_LMTP ? "LHLO" : "EHLO",
	    STR_A(f->helo));
	if (v.reply.code == 250)
		buf_putf(b, "S: 250 " STR_F "\n", STR_A(p->cfg->hostname));
	else
		put_reply(b, &v);
	if (f->id.user.n > 0)
		buf_putf(b, "# AUTH as " STR_F "%s\n", STR_A(f->id.user),
		    f->id.trusted ? "" : ", by a mechanism that is not trusted for relay");
	v = decide_mail(p, f);
	buf_puts(b, "C: MAIL FROM:");
	put_path(b, f->sender);
	buf_putc(b, '\n');
	put_reply(b, &v);
	if (v.act == ACT_REJECT || v.act == ACT_DEFER)
		return;
	v = decide_rcpt(p, f);
	buf_puts(b, "C: RCPT TO:");
	put_path(b, f->rcpt);
	buf_putc(b, '\n');
	put_reply(b, &v);
}

/* ---- who is responsible ---- */

static struct str
place_of(const struct verdict *v, struct arena *a)
{
	return v->line > 0 ? str_fmt(a, STR_F ":%u", STR_A(v->why), v->line) :
	    str_cat(a, v->why, STR(""));
}

/* The configuration without that line. */
static bool
take_out(struct config *cfg, struct str name, struct arena *a)
{
	struct grant *g = arena_alloc(a, (cfg->ngrant + 1) * sizeof *g);
	size_t n = 0;

	for (size_t i = 0; g && i < cfg->ngrant; i++)
		if (!str_eq(cfg->grant[i].name, name))
			g[n++] = cfg->grant[i];
	if (!g || n == cfg->ngrant)
		return false;
	cfg->grant = g;
	cfg->ngrant = n;
	return true;
}

/* Take out the line that spoke until the theorem holds: no smaller set does. */
static __attribute__((noinline)) void
put_lines(struct buf *b, const struct prover *w, const struct request *r, enum theorem t)
{
	struct prover *less = malloc(sizeof *less);
	struct arena a;

	if (!less)
		abort();
	arena_init(&a, 16 << 20);
	*less = *w;
	less->cfg = *w->asked->cfg;
	less->copy = *w->asked;
	less->copy.cfg = &less->cfg;
	less->asked = &less->copy;
	for (size_t i = 0; i < LINES_MAX; i++) {
		struct asked q = prove_ask(less, r);

		if (!prove_breaks(less, &q, t))
			break;
		buf_putf(b, STR_F " (rule " STR_F ")\n", STR_A(place_of(&q.a.v, &a)),
		    STR_A(q.a.v.rule));
		if (!take_out(&less->cfg, q.a.v.why, &a))
			break;
	}
	arena_done(&a);
	free(less);
}

/* ---- keeping ---- */

static struct path
keep_path(const struct path *p, struct arena *a)
{
	struct path copy = *p;

	copy.local = str_dup(a, p->local);
	copy.domain = str_dup(a, p->domain);
	return copy;
}

static __attribute__((noinline)) void
keep_facts(struct finding *to, const struct facts *f, struct arena *a)
{
	struct path *path = arena_alloc(a, 2 * sizeof *path);
	struct tls_peer *peer = f->peer ? arena_alloc(a, sizeof *peer) : NULL;

	if (!path)
		return;
	to->facts = *f;
	to->facts.id.user = str_dup(a, f->id.user);
	to->facts.id.cert = str_dup(a, f->id.cert);
	to->facts.id.pop_user = str_dup(a, f->id.pop_user);
	to->facts.id.host = str_dup(a, f->id.host);
	to->facts.id.uid_name = str_dup(a, f->id.uid_name);
	path[0] = keep_path(f->sender, a);
	path[1] = keep_path(f->rcpt, a);
	to->facts.sender = &path[0];
	to->facts.rcpt = &path[1];
	if (peer) {
		*peer = (struct tls_peer){
			.issuer_text = str_dup(a, f->peer->issuer_text),
			.subject_text = str_dup(a, f->peer->subject_text),
		};
		peer->dns = f->peer->ndns ? arena_alloc(a, sizeof *peer->dns) : NULL;
		if (peer->dns)
			peer->dns[0] = str_dup(a, f->peer->dns[0]), peer->ndns = 1;
	}
	to->facts.peer = peer;
	to->has_facts = true;
}

[[gnu::noinline]] static struct str
summary(const struct prover *w, const struct asked *q, enum theorem t)
{
	struct arena *a = &w->p->a;

	switch (t) {
	case PROVE_P1:
		return q->entitled ? STR("a recipient elsewhere is taken without a grant") :
		    STR("a stranger can send anywhere through this server");
	case PROVE_P2:
		return STR("a stranger can send anywhere by writing the right sender");
	case PROVE_P3:
		return STR("a stranger can write in the name of our domains without proof");
	case PROVE_P4:
		return STR("somebody who may relay can send as somebody else");
	case PROVE_P5:
		return q->f.listener == L_SUBMISSION ?
		    STR("a submission listener takes mail from strangers, or without TLS") :
		    STR("an mx listener relays by login");
	case PROVE_REQUIRED:
		return str_fmt(a, "\"" STR_F "\" does not hold",
		    STR_A(w->p->require[require_which(w, q)]));
	case PROVE_P6:
	case PROVE_P7:
	case PROVE_P8:
	case PROVE_TOO_COMPLEX:
	case PROVE_COUNT:
		break;
	}
	return str_of(prove_says(t));
}

static __attribute__((noinline)) void
keep(struct prover *w, const struct request *plain, enum theorem t)
{
	struct asked q = prove_ask(w, plain);
	struct finding *f;
	struct buf b;

	f = prove_note(w->p, t, summary(w, &q, t));
	if (!f)
		return;
	f->where = str_dup(&w->p->a, place_of(&q.a.v, &w->p->a));
	buf_init(&b, TEXT_MAX);
	put_dialogue(&b, w, plain, &q.f);
	f->dialogue = str_dup(&w->p->a, buf_str(&b));
	buf_reset(&b);
	put_lines(&b, w, plain, t);
	f->lines = str_dup(&w->p->a, buf_str(&b));
	buf_done(&b);
	keep_facts(f, &q.f, &w->p->a);
}

void
prove_keep(struct prover *w, const struct request *r, enum theorem t)
{
	struct request plain = *r;

	make_plain(w, &plain, t);
	keep(w, &plain, t);
}

void
prove_print(const struct finding *f, struct buf *out)
{
	struct str rest = f->dialogue, line;

	buf_putf(out, "%s: " STR_F "\n", prove_name(f->theorem), STR_A(f->what));
	while (rest.n > 0) {
		line = str_split(&rest, '\n');
		buf_putf(out, "    " STR_F "\n", STR_A(line));
	}
	rest = f->lines;
	while (rest.n > 0) {
		line = str_split(&rest, '\n');
		buf_putf(out, "  because of " STR_F "\n", STR_A(line));
	}
}

/* ---- classes in words ---- */

static struct str
client_text(const struct atom *a, struct arena *mem)
{
	char room[2][IP_TEXT_MAX];

	if (ip_eq(a->ip, a->last))
		return str_fmt(mem, "client " STR_F, STR_A(ip_format(a->ip, room[0])));
	return str_fmt(mem, "client " STR_F " (to " STR_F ")", STR_A(ip_format(a->ip, room[0])),
	    STR_A(ip_format(a->last, room[1])));
}

static struct str
cert_text(const struct atom *a, struct arena *mem)
{
	if (!a->peer)
		return (struct str){};
	if (a->verify != TV_OK)
		return a->name.n > 0 ? str_fmt(mem, "certificate with pin %.12s...", a->name.p) :
		    STR("certificate that is not verified");
	return str_fmt(mem, "verified certificate " STR_F "%s" STR_F,
	    STR_A(a->peer->subject_text), a->peer->ndns ? " for " : "",
	    STR_A(a->peer->ndns ? a->peer->dns[0] : STR("")));
}

static struct str
address_text(const struct atom *a, struct arena *mem)
{
	if (a->path.null)
		return STR("<>");
	return str_cat(mem, STR("<"), a->path.local, a->path.domain.n > 0 ? STR("@") : STR(""),
	    a->path.domain, STR(">"));
}

struct str
class_text(enum field field, const struct atom *a, struct arena *mem)
{
	switch (field) {
	case FIELD_CLIENT:
		return client_text(a, mem);
	case FIELD_HOST:
		return a->name.n > 0 ? str_cat(mem, STR("named "), a->name) : a->name;
	case FIELD_CERT:
		return cert_text(a, mem);
	case FIELD_AUTH:
		return a->name.n == 0 ? a->name : str_cat(mem, STR("login "), a->name,
		    a->trusted ? STR("") : STR(" (mechanism not trusted)"));
	case FIELD_POP:
		return a->name.n > 0 ? str_cat(mem, STR("POP login "), a->name) : a->name;
	case FIELD_UID:
		return a->local ? str_fmt(mem, "local user id %u", a->uid) : (struct str){};
	case FIELD_SENDER:
	case FIELD_RCPT:
		return address_text(a, mem);
	case FIELD_COUNT:
		break;
	}
	return (struct str){};
}

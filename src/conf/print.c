/* SPDX-License-Identifier: ISC */
/*
 * print: what is in force, and where each value comes from.
 *
 * One walk over the tables and the structured statements calls a sink for every value; the sinks
 * write text that config_parse takes again, or JSON.  Owns nothing beyond a call.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/num.h"
#include "conf/print.h"
#include "conf/settings.h"
#include "conf/value.h"

/* by bit, see PRIV_ */
static const char *const privacy_words[] = {
	"needmailhelo", "needexpnhelo", "needvrfyhelo", "noexpn", "novrfy", "noverb", "noetrn",
	"authwarnings", "restrictmailq", "restrictqrun", "restrictexpand", "nobodyreturn",
	"noreceipts", "noactualrecipient", "noreflection",
};

struct printer {
	const struct config *cfg;
	struct buf *out;
	bool json;
	size_t n;			/* values written */
	const char *block;		/* open block, "" at the top */
	struct str of;			/* what the block is of: "example.org" */
};

static unsigned
line_of(const struct config *cfg, const void *field)
{
	for (const struct origin *o = cfg->origins->first; o != NULL; o = o->next)
		if (o->field == field)
			return o->line;
	return 0;
}

static void
put_json(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_putf(b, "\\%c", c);
		else if (c < 0x20)
			buf_putf(b, "\\u%04x", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

/* One value; line 0 is the default. */
static void
put_value(struct printer *p, const char *name, struct str value, unsigned line)
{
	struct buf *b = p->out;

	if (p->json) {
		buf_putf(b, "%s{\"block\":\"%s\",\"of\":", p->n ? ",\n " : "", p->block);
		put_json(b, p->of);
		buf_putf(b, ",\"name\":\"%s\",\"value\":", name);
		put_json(b, value);
		buf_puts(b, ",\"from\":");
		if (line == 0)
			buf_puts(b, "\"default\"}");
		else
			buf_putf(b, "\"" STR_F ":%u\"}", STR_A(p->cfg->file), line);
	} else {
		size_t from = b->n;

		buf_putf(b, "%s%-24s ", p->block[0] ? "    " : "", name);
		buf_put(b, value);
		while (b->n - from < 56)
			buf_putc(b, ' ');
		if (line == 0)
			buf_puts(b, " # default\n");
		else
			buf_putf(b, " # line %u\n", line);
	}
	p->n++;
}

/* A word as it must be written to be read again; JSON has quotes of its own. */
static struct str
word(const struct printer *p, struct str s)
{
	bool plain = s.n > 0 && s.p[0] != '#' && s.p[s.n - 1] != '{';
	unsigned open = 0;
	char *q;
	size_t n = 0;

	for (size_t i = 0; i < s.n && plain; i++) {
		open += s.p[i] == '{';
		plain = (unsigned char)s.p[i] > ' ' && strchr(";\"\\", s.p[i]) == NULL &&
		    (s.p[i] != '}' || open-- > 0) && (s.p[0] != '{' || p->block[0] == 'd');
	}
	if (plain || p->json || (q = arena_alloc(p->cfg->memory, 2 * s.n + 2)) == NULL)
		return s;
	q[n++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			q[n++] = '\\';
		q[n++] = s.p[i];
	}
	q[n++] = '"';
	return (struct str){ q, n };
}

/* All settings of simple types; empty texts without a default were never given. */
static void
put_simple(struct printer *p, const struct block *block, const void *base)
{
	struct buf value;

	buf_init(&value, 65536);
	for (size_t i = 0; i < block->nset; i++) {
		const struct setting *s = &block->set[i];

		buf_reset(&value);
		if (!setting_format(s, base, &value) || value.n == 0)
			continue;
		put_value(p, s->name, word(p, buf_str(&value)),
		    line_of(p->cfg, (const char *)base + s->offset));
	}
	buf_done(&value);
}

/* heading: the statement's words in front of what the block is of */
static void
open_block(struct printer *p, const char *name, const char *heading, struct str of)
{
	p->block = name;
	p->of = of;
	if (!p->json)
		buf_putf(p->out, "%s" STR_F " {\n", heading, STR_A(of));
}

static void
close_block(struct printer *p)
{
	p->block = "";
	p->of = STR("");
	if (!p->json)
		buf_puts(p->out, "}\n");
}

static void
put_nets(struct printer *p, const char *name, const struct nets *nets)
{
	struct buf b;

	if (nets->n == 0)
		return;
	buf_init(&b, 65536);
	buf_puts(&b, "from");
	for (size_t i = 0; i < nets->n; i++) {
		buf_putc(&b, ' ');
		format_net(&b, &nets->net[i]);
	}
	put_value(p, name, buf_str(&b), line_of(p->cfg, nets));
	buf_done(&b);
}

static void
put_listener(struct printer *p, const struct listener *l)
{
	static const char *const kinds[] = { "mx", "submission", "lmtp", "local" };
	char ip[IP_TEXT_MAX];
	struct buf b;

	buf_init(&b, 1024);
	buf_putf(&b, "%s ", kinds[l->kind]);
	if (l->path.n > 0)
		buf_put(&b, word(p, l->path));
	else
		buf_putf(&b, l->ip.v6 ? "[" STR_F "]:%u" : STR_F ":%u", STR_A(ip_format(l->ip, ip)),
		    l->port);
	open_block(p, "listen", "listen ", buf_str(&b));
	put_simple(p, &block_listen, l);
	if (l->path.n > 0) {
		char mode[16];

		(void)snprintf(mode, sizeof mode, "%o", l->mode);
		put_value(p, "mode", str_of(mode), l->line);
	}
	put_nets(p, "proxy", &l->proxy_from);
	put_nets(p, "xclient", &l->xclient_from);
	close_block(p);
	buf_done(&b);
}

static void
put_fmt(struct printer *p, const char *name, unsigned line, struct buf *b)
{
	put_value(p, name, buf_str(b), line);
	buf_reset(b);
}

static void
put_mechanisms(struct printer *p, const char *what, const unsigned *set)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_putf(&b, "%s", what);
	for (unsigned i = 0; i < MECH_COUNT; i++)
		if (*set & MECH_BIT(i)) {
			buf_putc(&b, ' ');
			buf_put(&b, auth_mech_name((enum auth_mech)i));
		}
	put_value(p, "auth", buf_str(&b), line_of(p->cfg, set));
	buf_done(&b);
}

static void
put_auth(struct printer *p)
{
	const struct auth_conf *a = &p->cfg->auth;
	struct arena *mem = p->cfg->memory;
	struct buf b;

	put_mechanisms(p, "mechanisms", &a->offered);
	put_mechanisms(p, "trusted", &a->trusted);
	if (a->keytab.n > 0)
		put_value(p, "auth", str_cat(mem, STR("keytab "), word(p, a->keytab)),
		    line_of(p->cfg, &a->keytab));
	buf_init(&b, 16384);
	if (a->oauth.keys_file.n > 0) {
		buf_putf(&b, "oauth issuer " STR_F, STR_A(word(p, a->oauth.issuer)));
		buf_putf(&b, " audience " STR_F, STR_A(word(p, a->oauth.audience)));
		buf_putf(&b, " keys " STR_F, STR_A(word(p, a->oauth.keys_file)));
		buf_putf(&b, " claim " STR_F, STR_A(word(p, a->oauth.claim)));
		put_value(p, "auth", buf_str(&b), line_of(p->cfg, &a->oauth));
	}
	buf_done(&b);
	put_nets(p, "auth parameter", &a->parameter_from);
}

static void
put_passwords(struct printer *p, const struct domain *d)
{
	static const char *const kinds[] = {
		[PW_DEFAULT] = "none", [PW_NONE] = "none", [PW_FILE] = "file",
		[PW_DOVECOT] = "dovecot", [PW_PAM] = "pam", [PW_SQLITE] = "sqlite",
		[PW_POSTGRESQL] = "postgresql", [PW_LDAP] = "ldap",
	};
	struct buf b;

	buf_init(&b, 8192);
	buf_putf(&b, "%s", kinds[d->passwords]);
	if (d->passwords_at.n > 0 && d->passwords > PW_NONE)
		buf_putf(&b, " " STR_F, STR_A(word(p, d->passwords_at)));
	put_value(p, "passwords", buf_str(&b), line_of(p->cfg, &d->passwords));
	buf_done(&b);
}

static void
put_domain(struct printer *p, const struct domain *d)
{
	const struct config *cfg = p->cfg;
	struct buf b;

	buf_init(&b, 8192);
	open_block(p, "domain", "domain ", d->name);
	if (d->users == USERS_FILE)
		buf_putf(&b, "file " STR_F, STR_A(word(p, d->users_file)));
	else
		buf_put(&b, d->users == USERS_SYSTEM ? STR("system") : STR("none"));
	put_fmt(p, "users", line_of(cfg, &d->users), &b);
	put_passwords(p, d);
	if (d->aliases_file.n > 0) {
		buf_putf(&b, "file " STR_F, STR_A(word(p, d->aliases_file)));
		put_fmt(p, "aliases", line_of(cfg, &d->aliases_file), &b);
	}
	if (d->virtusers_file.n > 0) {
		buf_putf(&b, "file " STR_F, STR_A(word(p, d->virtusers_file)));
		put_fmt(p, "virtusers", line_of(cfg, &d->virtusers_file), &b);
	}
	if (d->forwards_file.n > 0) {
		buf_putf(&b, "file " STR_F, STR_A(word(p, d->forwards_file)));
		put_fmt(p, "forwards", line_of(cfg, &d->forwards_file), &b);
	}
	put_simple(p, &block_domain, d);
	if (d->detail != 0)
		buf_putc(&b, d->detail);
	else
		buf_puts(&b, "none");
	put_fmt(p, "detail", line_of(cfg, &d->detail), &b);
	if (d->deliver == DLV_MAILDIR)
		buf_putf(&b, "maildir " STR_F, STR_A(word(p, d->maildir)));
	else if (d->deliver == DLV_LMTP)
		buf_putf(&b, "lmtp " STR_F, STR_A(word(p, d->lmtp)));
	else
		buf_puts(&b, "discard");
	put_fmt(p, "deliver", line_of(cfg, &d->deliver), &b);
	if (d->mail_ids_set) {
		buf_putf(&b, "%u:%u", d->mail_uid, d->mail_gid);
		put_fmt(p, "mail-user", line_of(cfg, &d->mail_uid), &b);
	}
	for (size_t i = 0; i < d->ndkim; i++) {
		buf_putf(&b, STR_F " " STR_F "%s", STR_A(d->dkim[i].selector),
		    STR_A(word(p, d->dkim[i].file)),
		    d->dkim[i].stage == DKIM_NEXT ? " next" :
		    d->dkim[i].stage == DKIM_RETIRING ? " retiring" : "");
		put_fmt(p, "dkim", d->line, &b);
	}
	close_block(p);
	buf_done(&b);
}

static void
put_grant(struct printer *p, const struct grant *g)
{
	struct buf b;

	buf_init(&b, 65536);
	buf_puts(&b, "from ");
	switch (g->kind) {
	case GRANT_AUTHENTICATED:
		buf_puts(&b, "authenticated");
		break;
	case GRANT_LOCAL_UID:
		buf_puts(&b, "local-uid ");
		if (g->uid_any)
			buf_puts(&b, "any");
		else
			buf_putu(&b, g->uid);
		break;
	case GRANT_HOSTNAME:				/* from access maps only */
		buf_puts(&b, "hostname");
		break;
	case GRANT_NETWORK:
		buf_puts(&b, "network ");
		format_net(&b, &g->net);
		break;
	case GRANT_CERTIFICATE:
		if (g->pin.n > 0)
			buf_putf(&b, "certificate pin " STR_F, STR_A(g->pin));
		else
			buf_putf(&b, "certificate ca " STR_F " san " STR_F, STR_A(word(p,
			    g->ca_file)),
			    STR_A(g->san));
		break;
	case GRANT_POP:
		buf_puts(&b, "pop-login for ");
		format_ms(&b, g->pop_ms);
		break;
	case GRANT_DESTINATION:
		buf_reset(&b);
		buf_putf(&b, "to domain " STR_F, STR_A(g->domain));
		if (g->via.n > 0)
			buf_putf(&b, " via " STR_F, STR_A(word(p, g->via)));
		if (g->recipients_file.n > 0)
			buf_putf(&b, " recipients " STR_F, STR_A(word(p, g->recipients_file)));
		break;
	}
	for (size_t i = 0; i < g->nsending_as; i++)
		buf_putf(&b, "%s " STR_F, i ? "" : " sending-as", STR_A(word(p, g->sending_as[i])));
	put_value(p, "relay", buf_str(&b), g->line);
	buf_done(&b);
}

static void
put_filter(struct printer *p, const struct filter_conf *f)
{
	static const char *const kinds[] = { " mx", " submission", " lmtp", " local" };
	const char *name = f->kind == FILTER_MILTER ? "milter" : "policy-service";
	struct buf b;

	buf_init(&b, 1024);
	open_block(p, name, name, str_cat(p->cfg->memory, STR(" "), f->name));
	put_value(p, "address", word(p, f->address), f->line);
	put_simple(p, f->kind == FILTER_MILTER ? &block_milter : &block_policy_service, f);
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (f->on & 1u << i)
			buf_put(&b, str_of(kinds[i] + (b.n == 0)));
	put_value(p, "on", buf_str(&b), line_of(p->cfg, &f->on));
	close_block(p);
	buf_done(&b);
}

static void
put_limits(struct printer *p)
{
	const struct limits *lim = &p->cfg->lim;
	struct buf b;

	open_block(p, "limits", "limits", STR(""));
	put_simple(p, &block_limits, lim);
	buf_init(&b, 1024);
	for (size_t i = 0; i < lim->nretry; i++) {
		if (i > 0)
			buf_putc(&b, ' ');
		format_ms(&b, lim->retry_ms[i]);
	}
	put_value(p, "retry", buf_str(&b), line_of(p->cfg, lim->retry_ms));
	buf_done(&b);
	close_block(p);
}

static void
put_dns_list(struct printer *p, struct str zone, const struct dns_server *s, size_t n)
{
	const char *name = zone.n > 0 ? "stub" : "server";
	unsigned line = line_of(p->cfg, s);
	char ip[IP_TEXT_MAX];
	struct buf b;

	if (n == 0)
		return;
	buf_init(&b, 8192);
	buf_put(&b, zone);
	for (size_t i = 0; i < n; i++)
		buf_putf(&b, s[i].ip.v6 ? "%s[" STR_F "]:%u" : "%s" STR_F ":%u", b.n ? " " : "",
		    STR_A(ip_format(s[i].ip, ip)), s[i].port);
	put_value(p, name, buf_str(&b), line);
	buf_done(&b);
}

static void
put_blocks(struct printer *p)
{
	const struct config *cfg = p->cfg;
	const struct dns_conf *d = &cfg->dns;
	char ip[IP_TEXT_MAX];

	open_block(p, "dns", "dns", STR(""));
	put_simple(p, &block_dns, d);
	put_dns_list(p, STR(""), d->server, d->nserver);
	for (size_t i = 0; i < d->nstub; i++)
		put_dns_list(p, d->stub[i].zone, d->stub[i].server, d->stub[i].nserver);
	for (size_t i = 0; i < d->nanchor; i++)
		put_value(p, "trust-anchor", word(p, d->anchor[i]), line_of(cfg, &d->anchor));
	close_block(p);
	open_block(p, "log", "log", STR(""));
	put_simple(p, &block_log, &cfg->log);
	close_block(p);
	open_block(p, "roles", "roles", STR(""));
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		char ids[32];

		(void)snprintf(ids, sizeof ids, "%u:%u", cfg->role[i].uid, cfg->role[i].gid);
		put_value(p, role_word((enum role_kind)i), str_of(ids),
		    line_of(cfg, &cfg->role[i]));
	}
	close_block(p);
	if (!cfg->test.on)
		return;
	open_block(p, "test", "test", STR(""));
	put_simple(p, &block_test, &cfg->test);
	if (cfg->test.assume_peer_set)
		put_value(p, "peer-address", ip_format(cfg->test.assume_peer, ip),
		    line_of(cfg, &cfg->test));
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].test)
			put_value(p, "relay-from", str_fmt(cfg->memory, STR_F "/%u",
			    STR_A(ip_format(cfg->grant[i].net.ip, ip)), cfg->grant[i].net.bits),
			    cfg->grant[i].line);
	close_block(p);
}

static void
put_privacy(struct printer *p)
{
	struct buf b;

	buf_init(&b, 512);
	for (unsigned i = 0; i < 15; i++)
		if (p->cfg->privacy & 1u << i)
			buf_putf(&b, "%s%s", b.n ? " " : "", privacy_words[i]);
	if (b.n > 0)
		put_value(p, "privacy", buf_str(&b), line_of(p->cfg, &p->cfg->privacy));
	buf_done(&b);
}

static void
put_statement(void *ctx, const char *name, struct str value, unsigned line)
{
	put_value(ctx, name, value, line);
}

static void
put_all(struct printer *p)
{
	const struct config *cfg = p->cfg;

	put_simple(p, &block_top, cfg);
	for (size_t i = 0; i < cfg->nlistener; i++)
		put_listener(p, &cfg->listener[i]);
	for (size_t i = 0; i < cfg->ncert; i++) {
		struct str both = str_cat(cfg->memory, word(p, cfg->cert[i].chain),
		    STR(" "), word(p, cfg->cert[i].key));

		put_value(p, "certificate", both, line_of(cfg, &cfg->cert));
	}
	put_privacy(p);
	put_auth(p);
	put_nets(p, "exempt", &cfg->exempt);
	put_nets(p, "normalise", &cfg->normalise);
	for (size_t i = 0; i < cfg->ndomain; i++)
		put_domain(p, &cfg->domain[i]);
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (!cfg->grant[i].test)
			put_grant(p, &cfg->grant[i]);
	for (size_t i = 0; i < cfg->nroute; i++)
		put_value(p, "route", str_cat(cfg->memory, cfg->route[i].domain, STR(" via "),
		    word(p, cfg->route[i].hop.word)), cfg->route[i].line);
	if (cfg->routes_file.n > 0)
		put_value(p, "routes", str_cat(cfg->memory, STR("file "),
		    word(p, cfg->routes_file)),
		    line_of(cfg, &cfg->routes_file));
	for (size_t i = 0; i < cfg->nmay_send; i++) {
		struct str line = word(p, cfg->may_send[i].who);

		for (size_t k = 0; k < cfg->may_send[i].naddr; k++)
			line = str_cat(cfg->memory, line, STR(" "),
			    word(p, cfg->may_send[i].addr[k]));
		put_value(p, "may-send", line, cfg->may_send[i].line);
	}
	if (cfg->observe_all)
		put_value(p, "policy", STR("observe"), line_of(cfg, &cfg->observe));
	for (size_t i = 0; i < cfg->nobserve; i++)
		put_value(p, "policy", str_cat(cfg->memory, STR("observe "),
		    word(p, cfg->observe[i])), line_of(cfg, &cfg->observe));
	if (cfg->access_file.n > 0)
		put_value(p, "access", str_cat(cfg->memory, STR("file "),
		    word(p, cfg->access_file)),
		    line_of(cfg, &cfg->access_file));
	for (size_t i = 0; i < cfg->nfilter; i++)
		put_filter(p, &cfg->filter[i]);
	open_block(p, "senders", "senders", STR(""));
	put_simple(p, &block_senders, &cfg->senders);
	close_block(p);
	senders_each(cfg, put_statement, p);
	put_limits(p);
	put_blocks(p);
}

void
config_print(const struct config *cfg, struct buf *out)
{
	struct printer p = { .cfg = cfg, .out = out, .block = "" };

	put_all(&p);
}

void
config_print_json(const struct config *cfg, struct buf *out)
{
	struct printer p = { .cfg = cfg, .out = out, .json = true, .block = "" };

	buf_puts(out, "[");
	put_all(&p);
	buf_puts(out, "]\n");
}

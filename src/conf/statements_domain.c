/* SPDX-License-Identifier: ISC */
/*
 * statements_domain: what stands inside the braces of domain, dns and test.
 *
 * base is the struct of the block.  Mistakes are reported, reading goes on.
 */
#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

void
take_domain_block(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct domain *d;

	if (n->nword != 2 || !n->block) {
		read_error(r, &n->word[0], "write: domain NAME { ... }");
		return;
	}
	d = &cfg->domain[r->domains];				/* room was counted */
	*d = (struct domain){ .line = n->word[0].line, .detail = '+' };
	if (!read_ok(r, &n->word[1], value_domain(n->word[1].s, r->a, &d->name)))
		d->name = STR("invalid");
	else if (str_chr(d->name, '.') < 0 && !cfg->test.on)
		(void)read_ok(r, &n->word[1], "is not fully qualified");
	cfg->ndomain = ++r->domains;
	block_read(r, &block_domain, n->child, d);
}

void
take_users(struct reader *r, const struct node *n, void *base)
{
	struct domain *d = base;
	const struct word *w = n->nword > 1 ? &n->word[1] : &n->word[0];

	if (n->nword == 3 && str_eq(w->s, STR("file"))) {
		d->users = USERS_FILE;
		(void)read_ok(r, &n->word[2],
		    value_path(n->word[2].s, r->dir, r->a, &d->users_file));
	} else if (n->nword == 2 && str_eq(w->s, STR("system"))) {
		d->users = USERS_SYSTEM;
	} else if (n->nword == 2 && str_eq(w->s, STR("none"))) {
		d->users = USERS_NONE;
	} else {
		read_error(r, w, "write: users file PATH, users system, or users none");
		return;
	}
	read_origin(r, &d->users, n->word[0].line);
}

void
take_table_file(struct reader *r, const struct node *n, void *base)
{
	struct domain *d = base;
	struct str *at = str_eq(n->word[0].s, STR("aliases")) ? &d->aliases_file :
	    str_eq(n->word[0].s, STR("forwards")) ? &d->forwards_file : &d->virtusers_file;

	if (n->nword != 3 || !str_eq(n->word[1].s, STR("file")) || n->block)
		read_error(r, &n->word[0], "write: " STR_F " file PATH", STR_A(n->word[0].s));
	else if (read_ok(r, &n->word[2], value_path(n->word[2].s, r->dir, r->a, at)))
		read_origin(r, at, n->word[0].line);
}

/* Only the three variables, each whole. */
static const char *
template_bad(struct str t, bool *has_user, bool *has_home)
{
	for (ssize_t at; (at = str_chr(t, '{')) >= 0; ) {
		struct str rest = str_skip(t, (size_t)at);

		if (str_starts(rest, STR("{user}")))
			*has_user = true;
		else if (str_starts(rest, STR("{home}")))
			*has_home = true;
		else if (!str_starts(rest, STR("{domain}")))
			return "knows only {domain}, {user} and {home}";
		t = str_skip(rest, 1);
	}
	return NULL;
}

static void
read_maildir(struct reader *r, struct domain *d, const struct word *w)
{
	bool user = false, home = false;

	if (!read_ok(r, w, template_bad(w->s, &user, &home)))
		return;
	if (!user && !home)
		(void)read_ok(r, w, "would put everybody's mail into one Maildir (use {user})");
	if (home && !str_starts(w->s, STR("{home}")))
		(void)read_ok(r, w, "must begin with {home} where it uses it");
	d->deliver = DLV_MAILDIR;
	if (home)
		d->maildir = w->s;
	else
		(void)read_ok(r, w, value_path(w->s, r->dir, r->a, &d->maildir));
}

static void
read_lmtp(struct reader *r, struct domain *d, const struct word *w)
{
	struct str text = str_cat(r->a, STR("lmtp:"), w->s);
	struct hop hop;

	d->deliver = DLV_LMTP;
	d->lmtp = w->s;
	if (str_chr(w->s, ':') < 0 || w->s.p[0] == '/')
		(void)read_ok(r, w, value_path(w->s, r->dir, r->a, &d->lmtp));
	else
		(void)read_ok(r, w, value_hop(text, r->a, &hop));
}

void
take_deliver(struct reader *r, const struct node *n, void *base)
{
	struct domain *d = base;

	if (n->nword == 3 && str_eq(n->word[1].s, STR("maildir")))
		read_maildir(r, d, &n->word[2]);
	else if (n->nword == 3 && n->word[2].s.n > 0 && str_eq(n->word[1].s, STR("lmtp")))
		read_lmtp(r, d, &n->word[2]);
	else if (n->nword == 2 && str_eq(n->word[1].s, STR("discard")))
		d->deliver = DLV_DISCARD;
	else
		read_error(r, &n->word[0],
		    "write: deliver maildir TEMPLATE, deliver lmtp ADDRESS, or deliver discard");
	read_origin(r, &d->deliver, n->word[0].line);
}

void
take_dkim(struct reader *r, const struct node *n, void *base)
{
	struct domain *d = base;
	struct dkim_key k = { .line = n->word[0].line }, *to;

	if (n->nword != 3 && n->nword != 4) {
		read_error(r, &n->word[0], "write: dkim SELECTOR KEY [next | retiring]");
		return;
	}
	if (n->nword == 4 && str_eq(n->word[3].s, STR("next")))
		k.stage = DKIM_NEXT;
	else if (n->nword == 4 && str_eq(n->word[3].s, STR("retiring")))
		k.stage = DKIM_RETIRING;
	else if (n->nword == 4 && !str_eq(n->word[3].s, STR("active")))
		(void)read_ok(r, &n->word[3], "is none of active, next, retiring");
	if (!read_ok(r, &n->word[1], value_domain(n->word[1].s, r->a, &k.selector)) ||
	    !read_ok(r, &n->word[2], value_path(n->word[2].s, r->dir, r->a, &k.file)))
		return;
	for (size_t i = 0; i < d->ndkim; i++)
		if (str_eq(d->dkim[i].selector, k.selector))
			(void)read_ok(r, &n->word[1], "has a key already");
	to = read_push(r, (void **)&d->dkim, &d->ndkim, sizeof k);
	if (to != NULL)
		*to = k;
}

void
take_detail(struct reader *r, const struct node *n, void *base)
{
	struct domain *d = base;

	if (n->nword == 2 && str_eq(n->word[1].s, STR("none")))
		d->detail = '\0';
	else if (n->nword == 2 && n->word[1].s.n == 1 && strchr("+-=_#.", n->word[1].s.p[0]))
		d->detail = n->word[1].s.p[0];
	else
		read_error(r, &n->word[0], "write: detail +, another one of - = _ # . or none");
	read_origin(r, &d->detail, n->word[0].line);
}

void
take_mail_user(struct reader *r, const struct node *n, void *base)
{
	struct domain *d = base;
	struct str gid = n->nword == 2 ? n->word[1].s : STR(""), uid = str_split(&gid, ':');

	if (n->nword != 2 || !num_parse_u32(uid, &d->mail_uid) ||
	    (gid.n > 0 && !num_parse_u32(gid, &d->mail_gid))) {
		read_error(r, &n->word[0], "write: mail-user UID[:GID], in numbers");
		return;
	}
	if (gid.n == 0)
		d->mail_gid = d->mail_uid;
	if (d->mail_uid == 0 || d->mail_uid == UINT32_MAX)
		(void)read_ok(r, &n->word[1], "cannot own mailboxes");
	d->mail_ids_set = true;
	read_origin(r, &d->mail_uid, n->word[0].line);
}

static void
read_dns_servers(struct reader *r, const struct node *n, size_t from, struct dns_server **list,
    size_t *nlist)
{
	if (n->nword <= from)
		read_error(r, &n->word[0], "names no server");
	for (size_t i = from; i < n->nword; i++) {
		struct dns_server s = { .port = 53 }, *to;

		if (!ip_parse(n->word[i].s, &s.ip) &&
		    !read_ok(r, &n->word[i], value_ip_port(n->word[i].s, &s.ip, &s.port)))
			continue;
		to = read_push(r, (void **)list, nlist, sizeof s);
		if (to != NULL)
			*to = s;
	}
}

void
take_dns_server(struct reader *r, const struct node *n, void *base)
{
	struct dns_conf *d = base;

	read_dns_servers(r, n, 1, &d->server, &d->nserver);
	read_origin(r, d->server, n->word[0].line);
}

void
take_dns_stub(struct reader *r, const struct node *n, void *base)
{
	struct dns_conf *d = base;
	struct dns_stub s = {}, *to;

	if (n->nword < 3) {
		read_error(r, &n->word[0], "write: stub ZONE ADDRESS[:PORT] ...");
		return;
	}
	s.zone = n->word[1].s;
	if (s.zone.n > 1 && s.zone.p[s.zone.n - 1] == '.')
		s.zone.n--;
	if (!str_eq(s.zone, STR(".")) &&
	    !read_ok(r, &n->word[1], value_domain(s.zone, r->a, &s.zone)))
		return;
	read_dns_servers(r, n, 2, &s.server, &s.nserver);
	read_origin(r, s.server, n->word[0].line);
	to = read_push(r, (void **)&d->stub, &d->nstub, sizeof s);
	if (to != NULL)
		*to = s;
}

void
take_dns_anchor(struct reader *r, const struct node *n, void *base)
{
	struct dns_conf *d = base;
	struct str *to;

	if (n->nword != 2) {
		read_error(r, &n->word[0], "write the record as one word, in quotes");
		return;
	}
	to = read_push(r, (void **)&d->anchor, &d->nanchor, sizeof *to);
	if (to != NULL)
		*to = n->word[1].s;
	read_origin(r, &d->anchor, n->word[0].line);
}

void
take_test_peer(struct reader *r, const struct node *n, void *base)
{
	struct test_conf *t = base;

	if (n->nword != 2 || !ip_parse(n->word[1].s, &t->assume_peer))
		read_error(r, &n->word[0], "write: peer-address ADDRESS");
	else
		t->assume_peer_set = true;
}

/* SPDX-License-Identifier: ISC */
/*
 * statements: the top-level statements that are more than one value.
 *
 * Each function reads one statement and reports all its mistakes.  What two statements say
 * together (the same port twice, a route for our own domain) is judged later, in check.
 */
#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

static const struct { const char *word; enum listener_kind kind; } kinds[] = {
	{ "mx", L_MX }, { "submission", L_SUBMISSION }, { "lmtp", L_LMTP }, { "local", L_LOCAL },
};

static bool
listener_kind(struct reader *r, const struct word *w, enum listener_kind *out)
{
	struct suggestion s = { .word = w->s };
	char text[128];

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (str_eq(w->s, str_of(kinds[i].word))) {
			*out = kinds[i].kind;
			return true;
		}
		suggest_try(&s, str_of(kinds[i].word));
	}
	read_error(r, w, "'" STR_F "' is no kind of listener (mx, submission, lmtp, local)%s",
	    (int)MIN(w->s.n, (size_t)60), w->s.p, suggest_text(&s, text));
	return false;
}

static void
listener_place(struct reader *r, struct listener *l, const struct word *w)
{
	bool path = w->s.n > 0 && (w->s.p[0] == '/' || str_starts(w->s, STR("./")) ||
	    (str_chr(w->s, ':') < 0 && (l->kind == L_LOCAL || l->kind == L_LMTP)));

	if (!path && l->kind == L_LOCAL) {
		read_error(r, w, "a local listener is a Unix socket: give a path");
		return;
	}
	if (path && l->kind != L_LOCAL && l->kind != L_LMTP) {
		read_error(r, w, "only local and lmtp listeners can be Unix sockets");
		return;
	}
	if (path) {
		if (read_ok(r, w, value_path(w->s, r->dir, r->a, &l->path)) && l->path.n > 107)
			read_error(r, w, "path too long for a socket (107 bytes)");
		return;
	}
	(void)read_ok(r, w, value_ip_port(w->s, &l->ip, &l->port));
}

static void
listener_name(struct reader *r, struct listener *l, size_t index)
{
	unsigned same = 1;

	for (size_t i = 0; i < index; i++)
		same += r->cfg->listener[i].kind == l->kind;
	for (size_t i = 0; i < COUNT(kinds) && l->name.n == 0; i++)
		if (kinds[i].kind == l->kind)
			l->name = same == 1 ? str_of(kinds[i].word) :
			    str_fmt(r->a, "%s%u", kinds[i].word, same);
}

void
take_listen(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct listener l = { .line = n->word[0].line };

	if (n->nword != 3) {
		read_error(r, &n->word[0], "write: listen KIND ADDRESS:PORT, or listen local PATH");
		return;
	}
	if (!listener_kind(r, &n->word[1], &l.kind))
		return;
	listener_place(r, &l, &n->word[2]);
	l.mode = l.kind == L_LMTP ? 0660 : 0666;
	l.tls = l.kind == L_MX || (l.kind == L_SUBMISSION && l.port == 587) ? LTLS_STARTTLS :
	    l.kind == L_SUBMISSION ? LTLS_IMPLICIT : LTLS_OFF;

	struct listener *to = &cfg->listener[r->listeners++];	/* room was counted */

	*to = l;
	block_read(r, &block_listen, n->child, to);
	listener_name(r, to, r->listeners - 1);
	cfg->nlistener = r->listeners;
}

void
take_certificate(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct cert c = {}, *to;

	if (n->nword != 3) {
		read_error(r, &n->word[0], "write: certificate CHAIN KEY");
		return;
	}
	if (!read_ok(r, &n->word[1], value_path(n->word[1].s, r->dir, r->a, &c.chain)) ||
	    !read_ok(r, &n->word[2], value_path(n->word[2].s, r->dir, r->a, &c.key)))
		return;
	to = read_push(r, (void **)&cfg->cert, &cfg->ncert, sizeof c);
	if (to != NULL)
		*to = c;
	read_origin(r, &cfg->cert, n->word[0].line);
}

/* "from NET NET ..." */
static void
read_nets(struct reader *r, const struct node *n, struct nets *out)
{
	if (n->nword < 3 || !str_eq(n->word[1].s, STR("from")) || n->block) {
		read_error(r, &n->word[0], "write: " STR_F " from NETWORK ...",
		    STR_A(n->word[0].s));
		return;
	}
	for (size_t i = 2; i < n->nword; i++) {
		struct net net, *to;

		if (!read_ok(r, &n->word[i], value_net(n->word[i].s, &net)))
			continue;
		to = read_push(r, (void **)&out->net, &out->n, sizeof net);
		if (to != NULL)
			*to = net;
	}
	read_origin(r, out, n->word[0].line);
}

void
take_nets(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;

	read_nets(r, n, str_eq(n->word[0].s, STR("exempt")) ? &cfg->exempt : &cfg->normalise);
}

void
take_peer_list(struct reader *r, const struct node *n, void *base)
{
	struct listener *l = base;

	read_nets(r, n, str_eq(n->word[0].s, STR("proxy")) ? &l->proxy_from : &l->xclient_from);
}

void
take_mode(struct reader *r, const struct node *n, void *base)
{
	struct listener *l = base;
	unsigned mode = 0;

	if (n->nword != 2) {
		read_error(r, &n->word[0], "write: mode 660");
		return;
	}
	for (size_t i = 0; i < n->word[1].s.n; i++) {
		char c = n->word[1].s.p[i];

		if (c < '0' || c > '7' || mode > 0777) {
			(void)read_ok(r, &n->word[1], "is not an octal mode");
			return;
		}
		mode = mode * 8 + (unsigned)(c - '0');
	}
	if (mode > 0777)
		(void)read_ok(r, &n->word[1], "is not an octal mode");
	l->mode = mode;
}

void
take_privacy(struct reader *r, const struct node *n, void *base)
{
	static const struct { const char *word; uint64_t bits; } flags[] = {
		{ "public", 0 },
		{ "needmailhelo", PRIV_NEEDMAILHELO }, { "needexpnhelo", PRIV_NEEDEXPNHELO },
		{ "needvrfyhelo", PRIV_NEEDVRFYHELO }, { "noexpn", PRIV_NOEXPN },
		{ "novrfy", PRIV_NOVRFY }, { "noverb", PRIV_NOVERB }, { "noetrn", PRIV_NOETRN },
		{ "authwarnings", PRIV_AUTHWARNINGS }, { "restrictmailq", PRIV_RESTRICTMAILQ },
		{ "restrictqrun", PRIV_RESTRICTQRUN }, { "restrictexpand", PRIV_RESTRICTEXPAND },
		{ "nobodyreturn", PRIV_NOBODYRETURN }, { "noreceipts", PRIV_NORECEIPTS },
		{ "noactualrecipient", PRIV_NOACTUALRECIPIENT },
		{ "noreflection", PRIV_NOREFLECTION },
		/* all but the restrict* family and nobodyreturn */
		{ "goaway", PRIV_NEEDMAILHELO | PRIV_NEEDEXPNHELO | PRIV_NEEDVRFYHELO |
		    PRIV_NOEXPN | PRIV_NOVRFY | PRIV_NOVERB | PRIV_NOETRN | PRIV_AUTHWARNINGS |
		    PRIV_NORECEIPTS | PRIV_NOACTUALRECIPIENT | PRIV_NOREFLECTION },
	};
	struct config *cfg = base;

	for (size_t i = 1; i < n->nword; i++) {
		struct suggestion s = { .word = n->word[i].s };
		char text[128];
		size_t k = 0;

		while (k < COUNT(flags) && !str_ieq(s.word, str_of(flags[k].word)))
			suggest_try(&s, str_of(flags[k++].word));
		if (k < COUNT(flags))
			cfg->privacy |= flags[k].bits;
		else
			read_error(r, &n->word[i], "unknown privacy flag%s", suggest_text(&s,
			    text));
	}
	read_origin(r, &cfg->privacy, n->word[0].line);
}

void
take_route(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct route_line line = { .line = n->word[0].line }, *to;
	struct str d;

	if (n->nword != 4 || !str_eq(n->word[2].s, STR("via")) || n->block) {
		read_error(r, &n->word[0], "write: route DOMAIN via HOP");
		return;
	}
	d = n->word[1].s;
	if (str_eq(d, STR("*"))) {
		line.domain = d;
	} else {
		bool below = d.n > 1 && d.p[0] == '.';

		if (!read_ok(r, &n->word[1], value_domain(below ? str_skip(d, 1) : d, r->a, &d)))
			return;
		line.domain = below ? str_cat(r->a, STR("."), d) : d;
	}
	if (!read_ok(r, &n->word[3], value_hop(n->word[3].s, r->a, &line.hop)))
		return;
	to = read_push(r, (void **)&cfg->route, &cfg->nroute, sizeof line);
	if (to != NULL)
		*to = line;
}

void
take_routes(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;

	if (n->nword != 3 || !str_eq(n->word[1].s, STR("file")) || n->block)
		read_error(r, &n->word[0], "write: routes file PATH");
	else if (read_ok(r, &n->word[2], value_path(n->word[2].s, r->dir, r->a, &cfg->routes_file)))
		read_origin(r, &cfg->routes_file, n->word[0].line);
}

void
take_access(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;

	if (n->nword != 3 || !str_eq(n->word[1].s, STR("file")) || n->block)
		read_error(r, &n->word[0], "write: access file PATH");
	else if (read_ok(r, &n->word[2], value_path(n->word[2].s, r->dir, r->a, &cfg->access_file)))
		read_origin(r, &cfg->access_file, n->word[0].line);
}

void
take_retry(struct reader *r, const struct node *n, void *base)
{
	struct limits *lim = base;

	lim->nretry = 0;
	for (size_t i = 1; i < n->nword; i++) {
		int64_t ms;

		if (!read_ok(r, &n->word[i], value_ms(n->word[i].s, &ms)))
			continue;
		if (ms < 1000 || ms > 7 * 86'400'000LL)
			(void)read_ok(r, &n->word[i], "is out of range (1s to 7d)");
		else if (lim->nretry == RETRY_MAX)
			(void)read_ok(r, &n->word[i], "is one wait too many (32)");
		else
			lim->retry_ms[lim->nretry++] = ms;
	}
	if (n->nword < 2)
		read_error(r, &n->word[0], "write: retry TIME ...");
	read_origin(r, lim->retry_ms, n->word[0].line);
}

void
take_single_block(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct { const struct block *block; void *at; } place[] = {
		{ &block_limits, &cfg->lim }, { &block_dns, &cfg->dns }, { &block_log, &cfg->log },
		{ &block_roles, cfg }, { &block_test, cfg },
		{ &block_senders, &cfg->senders },
	};

	if (n->nword != 1 || !n->block) {
		read_error(r, &n->word[0], "write: " STR_F " { ... }", STR_A(n->word[0].s));
		return;
	}
	for (size_t i = 0; i < COUNT(place); i++)
		if (str_eq(n->word[0].s, str_of(place[i].block->name))) {
			if (place[i].block == &block_test) {
				place[i].at = &cfg->test;
				cfg->test.on = true;
				read_origin(r, &cfg->test, n->word[0].line);
			}
			block_read(r, place[i].block, n->child, place[i].at);
		}
}

void
take_role_id(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	enum role_kind kind;
	struct str uid, gid;

	if (n->nword != 2 || !role_find(n->word[0].s, &kind)) {
		read_error(r, &n->word[0], "write: ROLE UID[:GID]");
		return;
	}
	gid = n->word[1].s;
	uid = str_split(&gid, ':');
	struct role_id *id = &cfg->role[kind];

	if (!num_parse_u32(uid, &id->uid) || (gid.n > 0 && !num_parse_u32(gid, &id->gid)) ||
	    id->uid == UINT32_MAX || (gid.n > 0 && id->gid == UINT32_MAX)) {
		(void)read_ok(r, &n->word[1], "is not a numeric UID[:GID]");
		return;
	}
	if (gid.n == 0)
		id->gid = id->uid;
	if (id->uid == 0 && kind != ROLE_KEEPER && kind != ROLE_LOCAL)
		(void)read_ok(r, &n->word[1], "is root: only keeper and local may need that");
	read_origin(r, id, n->word[0].line);
}

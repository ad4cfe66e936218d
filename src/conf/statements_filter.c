/* SPDX-License-Identifier: ISC */
/*
 * statements_filter: the blocks of milters and policy services.
 *
 * They are asked in the order of the file.  Both kinds share their settings and their array.
 */
#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

static const char *const failure_words[] = { "tempfail", "accept", "reject", NULL };

#define FILTER_ROWS(where)                                                                         \
	{ .name = "address", .type = SET_OWN,                                                      \
	  .offset = offsetof(struct filter_conf, address),                                         \
	  .take = take_filter_address,                                                             \
	  .syntax = "unix:PATH | inet:HOST:PORT",                                                  \
	  .text =                                                                                  \
	    "Where it listens. Must be given. A host name is looked up once, when the process "    \
	    "that makes the connections starts." },                                                \
	{ .name = "timeout", .type = SET_MS,                                                       \
	  .offset = offsetof(struct filter_conf, timeout_ms),                                      \
	  .dflt = "30s", .min = 100u, .max = 600'000u,                                             \
	  .text =                                                                                  \
	    "How long each of its answers, and the connection, may take. A milter that says it "   \
	    "is at work gets ten times that for a message." },                                     \
	{ .name = "failure", .type = SET_WORD,                                                     \
	  .offset = offsetof(struct filter_conf, failure),                                         \
	  .dflt = "tempfail", .words = failure_words,                                              \
	  .text =                                                                                  \
	    "What becomes of mail while it cannot be asked, is too slow or talks nonsense: "       \
	    "tempfail answers 451, reject 550, accept goes on without it." },                      \
	{ .name = "on", .type = SET_OWN,                                                           \
	  .offset = offsetof(struct filter_conf, on),                                              \
	  .take = take_filter_on,                                                                  \
	  .syntax = "mx | submission | lmtp | local ...",                                          \
	  .text = where },

static const struct setting set_milter[] = {
	FILTER_ROWS("Kinds of listeners whose mail it sees. Default: mx submission.")
};

static const struct setting set_policy[] = {
	FILTER_ROWS("Kinds of listeners whose mail it is asked about. Default: mx.")
};

const struct block block_milter = {
	.name = "milter", .set = set_milter, .nset = COUNT(set_milter),
	.text =
	    "Inside the braces of a milter: a mail filter that speaks the protocol of sendmail's "
	    "libmilter (version 6), such as rspamd, OpenDKIM or clamav-milter. It can refuse, "
	    "hold or discard a message and change its fields, body and envelope. Recipients "
	    "that it names pass the same rules as those a client names, and a sender it sets "
	    "may be none of ours: it can never let anybody relay. Filters are asked in the "
	    "order of the file, after postern's own rules, and each sees what those before it "
	    "changed; of a message of more than 128K each sees what the client sent. Discarded "
	    "mail leaves a line in the log.",
};

const struct block block_policy_service = {
	.name = "policy-service", .set = set_policy, .nset = COUNT(set_policy),
	.text =
	    "Inside the braces of a policy service: a server that speaks the SMTPD access policy "
	    "delegation protocol of Postfix, such as postgrey. It is asked at each recipient and "
	    "at the end of the message. OK and DUNNO are both no objection; REJECT, DEFER, "
	    "DEFER_IF_PERMIT, 4xx and 5xx refuse, HOLD keeps the message for the administrator, "
	    "DISCARD drops it with a line in the log, PREPEND adds a field. It can never let "
	    "anybody relay.",
};

void
take_filter_address(struct reader *r, const struct node *n, void *base)
{
	struct filter_conf *f = base;
	struct str s, host;
	ssize_t colon;
	uint64_t port;

	if (n->nword != 2 || n->block) {
		read_error(r, &n->word[0], "write: address unix:PATH, or address inet:HOST:PORT");
		return;
	}
	f->address = s = n->word[1].s;
	if (str_starts(s, STR("unix:"))) {
		if (read_ok(r, &n->word[1], value_path(str_skip(s, 5), r->dir, r->a, &f->path)) &&
		    f->path.n > 107)
			read_error(r, &n->word[1], "path too long for a socket (107 bytes)");
		return;
	}
	s = str_skip(s, 5);
	colon = str_rchr(s, ':');
	if (!str_starts(f->address, STR("inet:")) || colon < 1) {
		(void)read_ok(r, &n->word[1], "is neither unix:PATH nor inet:HOST:PORT");
		return;
	}
	host = str_sub(s, 0, (size_t)colon);
	if (value_ip_port(s, &f->ip, &f->port) == NULL)
		return;
	if (!num_parse_u64(str_skip(s, (size_t)colon + 1), &port) || port == 0 || port > 65535) {
		(void)read_ok(r, &n->word[1], "has no port (1 to 65535)");
		return;
	}
	f->port = (uint16_t)port;
	(void)read_ok(r, &n->word[1], value_domain(host, r->a, &f->host));
}

void
take_filter_on(struct reader *r, const struct node *n, void *base)
{
	static const char *const kinds[] = { "mx", "submission", "lmtp", "local" };
	struct filter_conf *f = base;

	f->on = 0;
	if (n->nword < 2 || n->block)
		read_error(r, &n->word[0], "write: on mx submission");
	for (size_t i = 1; i < n->nword; i++) {
		size_t k = 0;

		while (k < COUNT(kinds) && !str_eq(n->word[i].s, str_of(kinds[k])))
			k++;
		if (k < COUNT(kinds))
			f->on |= 1u << k;
		else
			(void)read_ok(r, &n->word[i],
			    "is no kind of listener (mx, submission, lmtp, local)");
	}
	read_origin(r, &f->on, n->word[0].line);
}

void
take_filter(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	bool milter = str_eq(n->word[0].s, STR("milter"));
	struct filter_conf *f = &cfg->filter[cfg->nfilter];	/* room was counted */

	if (n->nword != 2 || !n->block) {
		read_error(r, &n->word[0], "write: " STR_F " NAME { address ... }",
		    STR_A(n->word[0].s));
		return;
	}
	for (size_t i = 0; i < n->word[1].s.n; i++)
		if (!ascii_isalnum(n->word[1].s.p[i]) && strchr("-_.", n->word[1].s.p[i]) == NULL) {
			(void)read_ok(r, &n->word[1], "is no name (letters, digits, - _ .)");
			return;
		}
	for (size_t i = 0; i < cfg->nfilter; i++)
		if (str_eq(cfg->filter[i].name, n->word[1].s))
			read_error(r, &n->word[1], "a filter of this name stands in line %u",
			    cfg->filter[i].line);
	if (cfg->nfilter == FILTERS_MAX) {
		read_error(r, &n->word[0], "too many filters (32)");
		return;
	}
	*f = (struct filter_conf){
		.kind = milter ? FILTER_MILTER : FILTER_POLICY, .name = n->word[1].s,
		.label = str_cat(r->a, n->word[0].s, STR(" "), n->word[1].s),
		.on = milter ? 1u << L_MX | 1u << L_SUBMISSION : 1u << L_MX,
		.line = n->word[0].line,
	};
	cfg->nfilter++;
	block_defaults(r, milter ? &block_milter : &block_policy_service, f);
	block_read(r, milter ? &block_milter : &block_policy_service, n->child, f);
	if (f->address.n == 0)
		read_error(r, &n->word[0], "no address is given");
}

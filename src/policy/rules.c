/* SPDX-License-Identifier: ISC */
/*
 * rules: what postern decides, in which order, with which words.
 *
 * Read the tables from top to bottom: they are the policy.  A function above a table says when
 * its rule speaks.  Replies are RFC 5321 codes with enhanced codes of RFC 3463 and 7505.
 */
#include "policy/rules.h"

#include "base/num.h"
#include "base/str.h"
#include "conf/config.h"
#include "policy/grants.h"

#define RULE(name_) \
	static enum match \
	name_(const struct policy *p, const struct facts *f, struct verdict *v)
#define UNUSED(x) ((void)(x))

static inline enum match
yes_if(bool b)
{
	return b ? MATCH_YES : MATCH_NO;
}


/* Strangers are those whom no grant covers. */
static bool
stranger(const struct policy *p, const struct facts *f)
{
	return !grants_source(p->cfg, f, false).yes;
}

/* The host itself, over TCP.  No right to relay comes from it, only the truth of its name. */
static bool
ourselves(const struct facts *f)
{
	return !f->have_ip || ip_is_loopback(f->ip) || ip_eq(f->ip, f->server_ip);
}

/* ---- connect ---- */

RULE(full) { UNUSED(p); UNUSED(v); return yes_if(f->full); }
RULE(full_ip) { UNUSED(p); UNUSED(v); return yes_if(f->full_ip); }
RULE(rate_ip) { UNUSED(p); UNUSED(v); return yes_if(f->rate_ip); }
RULE(blocked) { UNUSED(p); UNUSED(v); return yes_if(f->blocked); }
RULE(early) { UNUSED(p); UNUSED(v); return yes_if(f->early_talk); }

#define BYE(code_, c_, s_, d_, text_) \
	{ .code = (code_), .c = (c_), .s = (s_), .d = (d_), .text = STR_INIT(text_), .close = true }
#define SAY(code_, c_, s_, d_, text_) \
	{ .code = (code_), .c = (c_), .s = (s_), .d = (d_), .text = STR_INIT(text_) }

static const struct rule connect_rules[] = {
	{ "sessions", full, ACT_DEFER, BYE(421, 4, 3, 2, "too busy, try again later") },
	{ "sessions-per-address", full_ip, ACT_DEFER,
	  BYE(421, 4, 7, 0, "too many connections from your address") },
	{ "connection-rate", rate_ip, ACT_DEFER,
	  BYE(421, 4, 7, 0, "too many connections from your address in a minute") },
	{ "block-list", blocked, ACT_REJECT, BYE(554, 5, 7, 1, "your address is blocked here") },
	{ "early-talker", early, ACT_REJECT, BYE(554, 5, 5, 1, "you spoke before the greeting") },
};
const struct stage stage_connect = {
	"connect", connect_rules, COUNT(connect_rules), SAY(220, 0, 0, 0, ""),
};

/* ---- HELO and EHLO ---- */

/* Nobody outside has our name, one of our domains, or our address (RFC 5321 4.1.4 lets us judge a
 * lie about ourselves). */
RULE(claims_us)
{
	const struct config *cfg = p->cfg;

	UNUSED(v);
	if (f->listener != L_MX || ourselves(f) || !stranger(p, f) ||
	    nets_have(&cfg->exempt, &f->ip))
		return MATCH_NO;
	if (f->helo_literal)
		return yes_if(ip_eq(f->helo_ip, f->server_ip) || ip_is_loopback(f->helo_ip));
	return yes_if(domain_eq(f->helo, cfg->hostname) || policy_own(p, f->helo));
}

static const struct rule helo_rules[] = {
	{ "helo-claims-us", claims_us, ACT_REJECT,
	  SAY(550, 5, 7, 1, "that is our name, not yours") },
};
const struct stage stage_helo = {
	"helo", helo_rules, COUNT(helo_rules), SAY(250, 0, 0, 0, ""),
};

/* ---- MAIL ---- */

RULE(must_encrypt) { UNUSED(p); UNUSED(v); return yes_if(f->tls_needed && !f->tls); }

RULE(must_login)
{
	UNUSED(p), UNUSED(v);
	return yes_if(f->listener == L_SUBMISSION && f->id.user.n == 0 && f->id.cert.n == 0);
}

RULE(too_big)
{
	UNUSED(v);
	return yes_if(f->size > p->cfg->lim.message_size);
}

RULE(spool_full) { UNUSED(p); UNUSED(v); return yes_if(f->spool_full); }

RULE(unqualified)
{
	UNUSED(p), UNUSED(v);
	return yes_if(!f->sender->null && f->sender->domain.n == 0);
}

RULE(sender_gone) { UNUSED(p); UNUSED(v); return yes_if(f->sender_dns == DNSF_NXDOMAIN); }
RULE(sender_null_mx) { UNUSED(p); UNUSED(v); return yes_if(f->sender_dns == DNSF_NULL_MX); }

static const struct rule mail_rules[] = {
	{ "must-encrypt", must_encrypt, ACT_REJECT,
	  SAY(530, 5, 7, 0, "STARTTLS first") },			/* RFC 3207 4 */
	{ "must-login", must_login, ACT_REJECT, SAY(530, 5, 7, 0, "authentication required") },
	{ "sender-unqualified", unqualified, ACT_REJECT,
	  SAY(553, 5, 5, 4, "sender address needs a domain") },
	{ "size-declared", too_big, ACT_REJECT, SAY(552, 5, 3, 4, "message too big") },
	{ "spool-reserve", spool_full, ACT_DEFER, SAY(452, 4, 3, 1, "no space, try again later") },
	{ "sender-domain-gone", sender_gone, ACT_REJECT,
	  SAY(550, 5, 1, 8, "sender domain does not exist") },
	{ "sender-null-mx", sender_null_mx, ACT_REJECT,
	  SAY(550, 5, 7, 27, "sender domain takes no mail") },
};
const struct stage stage_mail = {
	"mail", mail_rules, COUNT(mail_rules), SAY(250, 2, 1, 0, "sender ok"),
};

/* ---- RCPT ---- */

RULE(guessing)
{
	UNUSED(v);
	return yes_if(f->listener == L_MX && f->unknown >= p->cfg->lim.unknown_rcpt &&
		      stranger(p, f));
}

RULE(not_asked)
{
	UNUSED(p), UNUSED(v);
	return f->dest == DEST_LATER || f->dest == DEST_NONE ? MATCH_UNSURE : MATCH_NO;
}

/* A name that other mailers would read as an address of a third host: percent, bang and quoted
 * forms are plain local parts here, but a stranger learns that before the name is looked for. */
static bool
looks_routed(const struct path *rcpt)
{
	for (size_t i = 0; i < rcpt->local.n; i++)
		if (rcpt->local.p[i] == '%' || rcpt->local.p[i] == '!' || rcpt->local.p[i] == '@')
			return true;
	return false;
}

RULE(remote_tail)
{
	UNUSED(v);
	return yes_if(f->dest == DEST_UNKNOWN && looks_routed(f->rcpt) && stranger(p, f));
}

RULE(relay_source)
{
	struct grant_hit g;

	if (f->dest != DEST_REMOTE)
		return MATCH_NO;
	g = grants_source(p->cfg, f, true);
	if (!g.yes)
		return MATCH_NO;
	v->relay = true, v->grant = g.kind, v->why = g.name;
	return MATCH_YES;
}

RULE(remote)
{
	UNUSED(v);
	return yes_if(f->dest == DEST_REMOTE && !grants_source(p->cfg, f, true).yes);
}

/* Own domain, nobody of that name, and no right to speak for us: a lie.  Known addresses are
 * decided at the end of data, where our own signature can prove a returning message. */
RULE(claims_own)
{
	UNUSED(v);
	return yes_if(f->sender && !f->sender->null && f->sender_dest == DEST_UNKNOWN &&
		      stranger(p, f) && policy_own(p, f->sender->domain));
}

RULE(unknown) { UNUSED(p); UNUSED(v); return yes_if(f->dest == DEST_UNKNOWN); }
RULE(disabled) { UNUSED(p); UNUSED(v); return yes_if(f->dest == DEST_DISABLED); }
RULE(over_quota) { UNUSED(p); UNUSED(v); return yes_if(f->dest == DEST_FULL); }

RULE(too_many)
{
	UNUSED(v);
	return yes_if(f->nrcpt >= policy_rcpt_max(p, f));
}

/* A bounce answers one message and so has one recipient. */
RULE(bounce_second)
{
	UNUSED(v);
	return yes_if(f->sender && f->sender->null && f->nrcpt >= 1 && f->listener != L_LMTP &&
		      stranger(p, f));
}

RULE(relayed)
{
	struct grant_hit g;

	if (f->dest != DEST_RELAYED)
		return MATCH_NO;
	g = grants_destination(p->cfg, f->rcpt->domain);
	v->relay = true, v->grant = GRANT_DESTINATION, v->why = g.name;
	return yes_if(g.yes);
}

RULE(ours) { UNUSED(p); UNUSED(v); return yes_if(f->dest == DEST_LOCAL); }
RULE(always) { UNUSED(p); UNUSED(f); UNUSED(v); return MATCH_YES; }

static const struct rule rcpt_rules[] = {
	{ "recipient-guessing", guessing, ACT_DEFER,
	  SAY(450, 4, 7, 1, "too many unknown recipients, try the others later") },
	{ "recipient-look-up", not_asked, ACT_DEFER, SAY(451, 4, 4, 3, "try again later") },
	{ "remote-tail", remote_tail, ACT_REJECT, SAY(550, 5, 7, 1, "relaying denied") },
	{ "relaying-denied", remote, ACT_REJECT, SAY(550, 5, 7, 1, "relaying denied") },
	{ "sender-claims-us", claims_own, ACT_REJECT,
	  SAY(550, 5, 7, 1, "sender must authenticate") },
	{ "unknown-recipient", unknown, ACT_REJECT, SAY(550, 5, 1, 1, "no such mailbox here") },
	{ "recipient-disabled", disabled, ACT_REJECT, SAY(550, 5, 2, 1, "mailbox disabled") },
	{ "recipient-over-quota", over_quota, ACT_DEFER, SAY(452, 4, 2, 2, "mailbox full") },
	{ "too-many-recipients", too_many, ACT_DEFER, SAY(452, 4, 5, 3, "too many recipients") },
	{ "bounce-recipients", bounce_second, ACT_DEFER,
	  SAY(452, 4, 5, 3, "a bounce has one recipient") },
	{ "relay-granted", relay_source, ACT_ACCEPT, SAY(250, 2, 1, 5, "recipient ok") },
	{ "relay-destination", relayed, ACT_ACCEPT, SAY(250, 2, 1, 5, "recipient ok") },
	{ "own-domain", ours, ACT_ACCEPT, SAY(250, 2, 1, 5, "recipient ok") },
	{ "nothing-granted", always, ACT_REJECT, SAY(550, 5, 7, 1, "relaying denied") },
};
const struct stage stage_rcpt = {
	"rcpt", rcpt_rules, COUNT(rcpt_rules), SAY(550, 5, 7, 1, "relaying denied"),
};

/* ---- DATA, BDAT ---- */

RULE(no_rcpt) { UNUSED(p); UNUSED(v); return yes_if(f->nrcpt == 0); }

static const struct rule data_rules[] = {
	{ "no-valid-recipients", no_rcpt, ACT_REJECT, SAY(554, 5, 5, 1, "no valid recipients") },
	{ "spool-reserve", spool_full, ACT_DEFER, SAY(452, 4, 3, 1, "no space, try again later") },
};
const struct stage stage_data = {
	"data", data_rules, COUNT(data_rules), SAY(354, 0, 0, 0, "end with CRLF.CRLF"),
};

/* ---- end of data ---- */

RULE(bare) { UNUSED(p); UNUSED(v); return yes_if(f->content.faults & CONTENT_BARE); }
RULE(nul) { UNUSED(p); UNUSED(v); return yes_if(f->content.faults & CONTENT_NUL); }
RULE(long_line) { UNUSED(p); UNUSED(v); return yes_if(f->content.faults & CONTENT_LONG_LINE); }
RULE(size) { UNUSED(p); UNUSED(v); return yes_if(f->content.faults & CONTENT_SIZE); }
RULE(header) { UNUSED(p); UNUSED(v); return yes_if(f->content.faults & CONTENT_HEADER); }
RULE(loop) { UNUSED(p); UNUSED(v); return yes_if(f->content.faults & CONTENT_LOOP); }

static const struct rule end_rules[] = {
	{ "bare-line-end", bare, ACT_REJECT, BYE(550, 5, 6, 0, "bare CR or LF") },
	{ "nul", nul, ACT_REJECT, BYE(550, 5, 6, 0, "NUL in message") },
	{ "line-length", long_line, ACT_REJECT, SAY(550, 5, 6, 0, "line too long") },
	{ "size", size, ACT_REJECT, SAY(552, 5, 3, 4, "message too big") },
	{ "header-size", header, ACT_REJECT, SAY(552, 5, 3, 4, "header too big") },
	{ "loop", loop, ACT_REJECT, SAY(554, 5, 4, 6, "too many hops, this mail is looping") },
};
const struct stage stage_end = {
	"end", end_rules, COUNT(end_rules), SAY(250, 2, 0, 0, "queued"),
};

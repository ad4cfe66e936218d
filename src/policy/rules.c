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


bool
rule_stranger(const struct policy *p, const struct facts *f)
{
	return !grants_source(p, f, false).yes;
}

bool
rule_ourselves(const struct facts *f)
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
	{ "sessions", full, ACT_DEFER, BYE(421, 4, 3, 2, "too busy, try again later"), FIRM },
	{ "sessions-per-address", full_ip, ACT_DEFER,
	  BYE(421, 4, 7, 0, "too many connections from your address"), SOFT },
	{ "connection-rate", rate_ip, ACT_DEFER,
	  BYE(421, 4, 7, 0, "too many connections from your address in a minute"), SOFT },
	{ "block-list", blocked, ACT_REJECT, BYE(554, 5, 7, 1, "your address is blocked here"),
	  SOFT },
	{ "access-connect", rule_access_connect, ACT_REJECT, BYE(554, 5, 7, 1, "Access denied"),
	  SOFT },
	{ "early-talker", early, ACT_REJECT, BYE(554, 5, 5, 1, "you spoke before the greeting"),
	  SOFT },
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
	if (f->listener != L_MX || rule_ourselves(f) || !rule_stranger(p, f) ||
	    nets_have(&cfg->exempt, &f->ip))
		return MATCH_NO;
	if (f->helo_literal)
		return yes_if(ip_eq(f->helo_ip, f->server_ip) || ip_is_loopback(f->helo_ip));
	return yes_if(domain_eq(f->helo, cfg->hostname) || policy_own(p, f->helo));
}

static const struct rule helo_rules[] = {
	{ "helo-claims-us", claims_us, ACT_REJECT,
	  SAY(550, 5, 7, 1, "that is our name, not yours"), SOFT },
};
const struct stage stage_helo = {
	"helo", helo_rules, COUNT(helo_rules), SAY(250, 0, 0, 0, ""),
};

/* ---- MAIL ---- */

RULE(must_encrypt) { UNUSED(p); UNUSED(v); return yes_if(f->tls_needed && !f->tls); }

/* A certificate is as good as a login where a line grants it something. */
RULE(must_login)
{
	UNUSED(v);
	return yes_if(f->listener == L_SUBMISSION && f->id.user.n == 0 &&
		      (f->id.cert.n == 0 || rule_stranger(p, f)));
}

RULE(too_big)
{
	UNUSED(v);
	return yes_if(f->size > p->cfg->lim.message_size);
}

RULE(spool_full) { UNUSED(p); UNUSED(v); return yes_if(f->spool_full); }

RULE(unqualified)
{
	UNUSED(v);
	return yes_if(!f->sender->null && f->sender->domain.n == 0 && !p->cfg->accept_unqualified);
}

/* The sender's domain matters of those whom nothing else speaks for. */
static bool
domain_counts(const struct policy *p, const struct facts *f)
{
	return !p->cfg->accept_unresolvable && rule_stranger(p, f) && !rule_access_ok(p, f);
}

RULE(sender_gone)
{
	UNUSED(v);
	return yes_if(f->sender_dns == DNSF_NXDOMAIN && domain_counts(p, f));
}

RULE(sender_null_mx)
{
	UNUSED(v);
	return yes_if(f->sender_dns == DNSF_NULL_MX && domain_counts(p, f));
}

RULE(sender_later)
{
	UNUSED(v);
	return yes_if(f->sender_dns == DNSF_TEMP && domain_counts(p, f));
}

static const struct rule mail_rules[] = {
	{ "must-encrypt", must_encrypt, ACT_REJECT,
	  SAY(530, 5, 7, 0, "STARTTLS first"), FIRM },			/* RFC 3207 4 */
	{ "must-login", must_login, ACT_REJECT, SAY(530, 5, 7, 0, "authentication required"),
	  FIRM },
	{ "tls-level", rule_tls_level, ACT_DEFER,
	  SAY(403, 4, 7, 0, "stronger encryption required"), SOFT },
	{ "sender-unqualified", unqualified, ACT_REJECT,
	  SAY(553, 5, 5, 4, "sender address needs a domain"), FIRM },
	{ "size-declared", too_big, ACT_REJECT, SAY(552, 5, 3, 4, "message too big"), FIRM },
	{ "spool-reserve", spool_full, ACT_DEFER, SAY(452, 4, 3, 1, "no space, try again later"),
	  FIRM },
	{ "sender-binding", rule_binding, ACT_REJECT,
	  SAY(553, 5, 7, 1, "you may not send as this address"), NAMED },
	{ "access-from", rule_access_from, ACT_REJECT, SAY(550, 5, 7, 1, "Access denied"), SOFT },
	{ "sender-domain-gone", sender_gone, ACT_REJECT,
	  SAY(550, 5, 1, 8, "sender domain does not exist"), SOFT },
	{ "sender-null-mx", sender_null_mx, ACT_REJECT,
	  SAY(550, 5, 7, 27, "sender domain takes no mail"), SOFT },
	{ "sender-sends-nothing", rule_sends_nothing, ACT_REJECT,
	  SAY(550, 5, 7, 23, "the sender's domain publishes that it sends no mail"), SOFT },
	{ "sender-domain-look-up", sender_later, ACT_DEFER,
	  SAY(451, 4, 1, 8, "sender domain cannot be looked up now"), SOFT },
};
const struct stage stage_mail = {
	"mail", mail_rules, COUNT(mail_rules), SAY(250, 2, 1, 0, "sender ok"),
};

/* ---- RCPT ---- */

RULE(guessing)
{
	UNUSED(v);
	return yes_if(f->listener == L_MX && f->unknown >= p->cfg->lim.unknown_rcpt &&
		      rule_stranger(p, f));
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
	return yes_if(f->dest == DEST_UNKNOWN && looks_routed(f->rcpt) && rule_stranger(p, f));
}

RULE(relay_source)
{
	struct grant_hit g;

	if (f->dest != DEST_REMOTE)
		return MATCH_NO;
	g = grants_source(p, f, true);
	if (!g.yes)
		return MATCH_NO;
	v->relay = true, v->grant = g.kind, v->why = g.name, v->line = g.line;
	return MATCH_YES;
}

RULE(remote)
{
	UNUSED(v);
	return yes_if(f->dest == DEST_REMOTE && !grants_source(p, f, true).yes &&
		      !grants_destination(p, f->rcpt).yes);
}

/* The name might have been granted, could it have been looked up. */
RULE(name_later)
{
	UNUSED(v);
	return yes_if(f->dest == DEST_REMOTE && f->id.host_later &&
		      access_needs_name(&p->access) && !grants_source(p, f, true).yes &&
		      !grants_destination(p, f->rcpt).yes);
}

/* A rewritten sender is the way back of one bounce: with our mark, from <>, and alone. */
RULE(srs_later) { UNUSED(p); UNUSED(v); return f->srs == SRSF_LATER ? MATCH_UNSURE : MATCH_NO; }
RULE(srs_bad)
{
	UNUSED(p), UNUSED(v);
	return yes_if(f->srs == SRSF_BAD || f->srs_taken || (f->srs == SRSF_GOOD &&
		      (f->nrcpt > 0 || !f->sender || !f->sender->null)));
}

RULE(tag_later) { UNUSED(p); UNUSED(v); return f->tag == SRSF_LATER ? MATCH_UNSURE : MATCH_NO; }
RULE(tag_bad) { UNUSED(p); UNUSED(v); return yes_if(f->tag == SRSF_BAD); }

/* All that leaves this domain is tagged, says its owner: this answers nothing of ours. */
RULE(untagged)
{
	const struct domain *d;

	UNUSED(v);
	if (!f->sender || !f->sender->null || f->tag == SRSF_GOOD || f->srs == SRSF_GOOD ||
	    f->dest != DEST_LOCAL || str_ieq(f->rcpt->local, STR("postmaster")) ||
	    !rule_stranger(p, f))
		return MATCH_NO;
	d = config_domain(p->cfg, f->rcpt->domain);
	return yes_if(d && d->batv_required);
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
		      rule_stranger(p, f));
}

/* What is junk for a mailbox here is refused for one elsewhere (nothing is taken and dropped), and
 * one message has one reply: such recipients do not share a transaction. */
RULE(differ)
{
	UNUSED(p), UNUSED(v);
	return yes_if(f->listener == L_MX && f->nrcpt > 0 && f->leaves != f->tx_leaves &&
		      rule_stranger(p, f));
}

RULE(relayed)
{
	struct grant_hit g;

	if (f->dest != DEST_RELAYED && f->dest != DEST_REMOTE)
		return MATCH_NO;
	g = grants_destination(p, f->rcpt);
	v->relay = true, v->grant = GRANT_DESTINATION, v->why = g.name, v->line = g.line;
	return yes_if(g.yes);
}

RULE(ours) { UNUSED(p); UNUSED(v); return yes_if(f->dest == DEST_LOCAL); }
RULE(always) { UNUSED(p); UNUSED(f); UNUSED(v); return MATCH_YES; }

static const struct rule rcpt_rules[] = {
	{ "recipient-guessing", guessing, ACT_DEFER,
	  SAY(450, 4, 7, 1, "too many unknown recipients, try the others later"), SOFT },
	{ "recipient-look-up", not_asked, ACT_DEFER, SAY(451, 4, 4, 3, "try again later"), FIRM },
	{ "access-map-unread", rule_access_unread, ACT_DEFER, SAY(451, 4, 4, 3,
	  "try again later"), FIRM },
	{ "remote-tail", remote_tail, ACT_REJECT, SAY(550, 5, 7, 1, "relaying denied"), FIRM },
	{ "client-name-look-up", name_later, ACT_DEFER, SAY(450, 4, 7, 1,
	  "relaying denied for now: your name cannot be looked up"), FIRM },
	{ "sender-not-granted", rule_narrowed, ACT_REJECT,
	  SAY(550, 5, 7, 1, "relaying denied for this sender"), FIRM },
	{ "relaying-denied", remote, ACT_REJECT, SAY(550, 5, 7, 1, "relaying denied"), FIRM },
	{ "access-to", rule_access_to, ACT_REJECT, SAY(550, 5, 7, 1, "Access denied"), SOFT },
	{ "sender-claims-us", rule_claims_own, ACT_REJECT,
	  SAY(550, 5, 7, 1, "sender must authenticate"), SOFT },
	{ "bounce-address-look-up", srs_later, ACT_DEFER, SAY(451, 4, 4, 3, "try again later"),
	  FIRM },
	{ "bounce-address", srs_bad, ACT_REJECT,
	  SAY(550, 5, 7, 1, "this address takes a single bounce, and only if we made it"), FIRM },
	{ "bounce-tag-look-up", tag_later, ACT_DEFER, SAY(451, 4, 4, 3, "try again later"),
	  FIRM },
	{ "bounce-tag", tag_bad, ACT_REJECT, SAY(550, 5, 7, 1, "that tag is not ours, or too old"),
	  FIRM },
	{ "bounce-untagged", untagged, ACT_REJECT,
	  SAY(550, 5, 7, 1, "this bounce answers no mail of ours"), SOFT },
	{ "unknown-recipient", unknown, ACT_REJECT, SAY(550, 5, 1, 1, "no such mailbox here"),
	  FIRM },
	{ "recipient-disabled", disabled, ACT_REJECT, SAY(550, 5, 2, 1, "mailbox disabled"),
	  FIRM },
	{ "recipient-over-quota", over_quota, ACT_DEFER, SAY(452, 4, 2, 2, "mailbox full"), FIRM },
	{ "too-many-recipients", too_many, ACT_DEFER, SAY(452, 4, 5, 3, "too many recipients"),
	  FIRM },
	{ "bounce-recipients", bounce_second, ACT_DEFER,
	  SAY(452, 4, 5, 3, "a bounce has one recipient"), SOFT },
	{ "recipients-differ", differ, ACT_DEFER,
	  SAY(452, 4, 5, 3, "this recipient in a transaction of its own"), SOFT },
	{ "recipient-class", rule_other_class, ACT_DEFER,
	  SAY(452, 4, 5, 3, "this recipient in a message of its own, please"), SOFT },
	{ "relay-granted", relay_source, ACT_ACCEPT, SAY(250, 2, 1, 5, "recipient ok"), FIRM },
	{ "relay-destination", relayed, ACT_ACCEPT, SAY(250, 2, 1, 5, "recipient ok"), FIRM },
	{ "own-domain", ours, ACT_ACCEPT, SAY(250, 2, 1, 5, "recipient ok"), FIRM },
	{ "nothing-granted", always, ACT_REJECT, SAY(550, 5, 7, 1, "relaying denied"), FIRM },
};
const struct stage stage_rcpt = {
	"rcpt", rcpt_rules, COUNT(rcpt_rules), SAY(550, 5, 7, 1, "relaying denied"),
};

/* ---- DATA, BDAT ---- */

RULE(no_rcpt) { UNUSED(p); UNUSED(v); return yes_if(f->nrcpt == 0); }

static const struct rule data_rules[] = {
	{ "no-valid-recipients", no_rcpt, ACT_REJECT, SAY(554, 5, 5, 1, "no valid recipients"),
	  FIRM },
	{ "spool-reserve", spool_full, ACT_DEFER, SAY(452, 4, 3, 1, "no space, try again later"),
	  FIRM },
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

/* Who sends it does not learn where it goes. */
#define JUNK SAY(250, 2, 0, 0, "queued")

static const struct rule end_rules[] = {
	{ "bare-line-end", bare, ACT_REJECT, BYE(550, 5, 6, 0, "bare CR or LF"), FIRM },
	{ "nul", nul, ACT_REJECT, BYE(550, 5, 6, 0, "NUL in message"), FIRM },
	{ "line-length", long_line, ACT_REJECT, SAY(550, 5, 6, 0, "line too long"), FIRM },
	{ "size", size, ACT_REJECT, SAY(552, 5, 3, 4, "message too big"), FIRM },
	{ "header-size", header, ACT_REJECT, SAY(552, 5, 3, 4, "header too big"), FIRM },
	{ "author-grammar", rule_from_grammar, ACT_REJECT,
	  SAY(550, 5, 6, 0, "From does not name one author"), SOFT },
	{ "author-domains", rule_from_domains, ACT_REJECT,
	  SAY(550, 5, 7, 1, "From names authors of several domains"), SOFT },
	{ "loop", loop, ACT_REJECT, SAY(554, 5, 4, 6, "too many hops, this mail is looping"),
	  FIRM },
	{ "author-binding", rule_authors, ACT_REJECT,
	  SAY(550, 5, 7, 1, "you may not write as this address"), NAMED },
	{ "null-sender-content", rule_null_sender, ACT_REJECT,
	  SAY(550, 5, 7, 1, "the empty sender is for reports"), NAMED },
	{ "must-sign", rule_must_sign, ACT_REJECT,
	  SAY(550, 5, 7, 1, "mail of our users must be signed (S/MIME or OpenPGP)"), SOFT },
	{ "own-domain-claim", rule_own, ACT_REJECT,
	  SAY(550, 5, 7, 1, "sender must authenticate"), SOFT },
	{ "own-domain-look-up", rule_own_later, ACT_DEFER, SAY(451, 4, 4, 3, "try again later"),
	  SOFT },
	{ "own-domain-list", rule_own_list, ACT_JUNK, JUNK, SOFT },
	{ "own-domain-spf", rule_own_spf, ACT_JUNK, JUNK, SOFT },
	{ "author-domain-gone", rule_author_gone, ACT_REJECT,
	  SAY(550, 5, 1, 8, "the author's domain does not exist"), SOFT },
	{ "author-null-mx", rule_author_null_mx, ACT_REJECT,
	  SAY(550, 5, 7, 27, "the author's domain takes no mail"), SOFT },
	{ "author-look-up", rule_author_later, ACT_DEFER, SAY(451, 4, 4, 3, "try again later"),
	  SOFT },
	{ "dmarc-reject", rule_dmarc_reject, ACT_REJECT,
	  SAY(550, 5, 7, 1, "rejected per DMARC policy"), SOFT },
	{ "dmarc", rule_dmarc_junk, ACT_JUNK, JUNK, SOFT },
	{ "author-unverified-refused", rule_unverified_no, ACT_REJECT,
	  SAY(550, 5, 7, 26, "nobody vouches for the author: neither DKIM nor SPF passes for the "
	  "domain in From"), SOFT },
	{ "author-unverified", rule_unverified, ACT_JUNK, JUNK, SOFT },
	{ "header-odd", rule_odd, ACT_JUNK, JUNK, SOFT },
	{ "display-address", rule_name_ours, ACT_JUNK, JUNK, SOFT },
	{ "display-vip", rule_name_vip, ACT_JUNK, JUNK, SOFT },
	{ "look-alike", rule_look_alike, ACT_JUNK, JUNK, SOFT },
	{ "mixed-script", rule_mixed_script, ACT_JUNK, JUNK, SOFT },
	{ "dkim-replay", rule_replayed, ACT_JUNK, JUNK, SOFT },
};
const struct stage stage_end = {
	"end", end_rules, COUNT(end_rules), SAY(250, 2, 0, 0, "queued"),
};

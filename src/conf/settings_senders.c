/* SPDX-License-Identifier: ISC */
/*
 * settings_senders: the `senders` block: what becomes of mail by what is known of its author.
 */
#include "base/num.h"
#include "conf/settings.h"

/* in the order of the enums in conf/senders.h */
static const char *const unverified[] = { "junk", "inbox", "reject", NULL };
static const char *const dmarc_reject[] = { "corroborated", "always", "never", NULL };
static const char *const own_dkim[] = { "published", "declared", "local-keys", NULL };
static const char *const replay[] = { "log", "junk", NULL };

static const char *const must_sign[] = { "no", "any", "smime", "openpgp", NULL };

static const struct setting set_senders[] = {
	{ .name = "unverified", .type = SET_WORD,
	  .offset = offsetof(struct senders_conf, unverified),
	  .dflt = "junk", .words = unverified,
	  .text =
	    "What becomes of mail whose author nobody vouches for: neither a DKIM signature nor "
	    "a meaningful SPF pass of the author's own domain, and no policy that says more. "
	    "junk puts it into the Junk folder, reject refuses it with 550 5.7.26, inbox "
	    "delivers it like any other." },
	{ .name = "dmarc-reject", .type = SET_WORD,
	  .offset = offsetof(struct senders_conf, dmarc_reject),
	  .dflt = "corroborated", .words = dmarc_reject,
	  .text =
	    "What becomes of mail that fails DMARC where the author's domain asks to reject. "
	    "corroborated refuses it when something else speaks against it too (no signature "
	    "of that domain at all, a look-alike or protected name, a blocked client) and puts "
	    "it into the Junk folder otherwise; always refuses, never puts all into Junk." },
	{ .name = "own-strict", .type = SET_BOOL,
	  .offset = offsetof(struct senders_conf, own_strict),
	  .dflt = "no",
	  .text =
	    "Refuse an envelope sender of one of our domains at RCPT, unless the session is "
	    "entitled to it, although the message might prove that it is ours." },
	{ .name = "own-dkim", .type = SET_WORD,
	  .offset = offsetof(struct senders_conf, own_dkim),
	  .dflt = "published", .words = own_dkim,
	  .text =
	    "Which DKIM signatures of our own domains prove that mail from outside is ours. "
	    "published: every key that the domain's DNS shows, declared: those of domains with "
	    "an outside-sender line, local-keys: the keys of this server alone. The keys of "
	    "this server count in every case, and without DNS." },
	{ .name = "dkim-replay", .type = SET_WORD,
	  .offset = offsetof(struct senders_conf, replay),
	  .dflt = "log", .words = replay,
	  .text =
	    "What becomes of mail whose signature was seen on more than dkim-replay-count "
	    "deliveries and whose envelope says nothing for it." },
	{ .name = "dkim-replay-count", .type = SET_COUNT,
	  .offset = offsetof(struct senders_conf, replay_count),
	  .dflt = "50", .min = 2, .max = 1'000'000,
	  .text =
	    "Deliveries of one signature that are no replay." },
	{ .name = "must-sign", .type = SET_WORD,
	  .offset = offsetof(struct senders_conf, must_sign),
	  .dflt = "no", .words = must_sign,
	  .text =
	    "Refuse mail of our own users (logins and users of this host) that is not signed by "
	    "S/MIME or OpenPGP. Only the form is looked at: who reads the mail checks the "
	    "signature. Reports on mail that was read need none." },
};

const struct block block_senders = {
	.name = "senders", .set = set_senders, .nset = COUNT(set_senders),
	.text = "What becomes of mail from others by what is known of its author.",
};

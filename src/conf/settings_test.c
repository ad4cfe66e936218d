/* SPDX-License-Identifier: ISC */
/*
 * settings_test: the blocks `test` and `roles`.
 */
#include "base/num.h"
#include "conf/settings.h"

static const struct setting set_test[] = {
	{ .name = "accepted-file", .type = SET_PATH,
	  .offset = offsetof(struct test_conf, accepted_file),
	  .text =
	    "Append every accepted message to this file, one JSON object a line." },
	{ .name = "peer-address", .type = SET_OWN,
	  .offset = offsetof(struct test_conf, assume_peer),
	  .take = take_test_peer,
	  .syntax =
	    "ADDRESS",
	  .text =
	    "Treat every client as coming from this address." },
	{ .name = "auth-on-mx", .type = SET_BOOL,
	  .offset = offsetof(struct test_conf, auth_on_mx),
	  .dflt = "no",
	  .text =
	    "Offer AUTH on mx listeners, inside TLS." },
	{ .name = "check-senders", .type = SET_BOOL,
	  .offset = offsetof(struct test_conf, check_senders),
	  .dflt = "yes",
	  .text =
	    "no: who wrote a message is not asked, neither of DNS nor of the message; what comes "
	    "in the name of our own domains is taken too." },
	{ .name = "relay-from", .type = SET_OWN,
	  .offset = offsetof(struct test_conf, on),
	  .take = take_test_relay, .many = true,
	  .syntax =
	    "NETWORK ...",
	  .text =
	    "As relay from network, but loopback networks are taken." },
};

const struct block block_test = {
	.name = "test", .set = set_test, .nset = COUNT(set_test),
	.text =
	    "For test suites. Refused unless every listener is on a loopback address or a "
	    "Unix socket.",
};

#define ROLE_ROW(word_) \
	{ .name = word_, .type = SET_OWN, .take = take_role_id, .syntax = "UID[:GID]", .text = "" }

static const struct setting set_roles[] = {
	ROLE_ROW("keeper"),
	ROLE_ROW("pool"),
	ROLE_ROW("smtpd"),
	ROLE_ROW("queue"),
	ROLE_ROW("smtpc"),
	ROLE_ROW("resolver"),
	ROLE_ROW("vault"),
	ROLE_ROW("local"),
	ROLE_ROW("lookup"),
	ROLE_ROW("fetch"),
	ROLE_ROW("admin"),
};

const struct block block_roles = {
	.name = "roles", .set = set_roles, .nset = COUNT(set_roles),
	.text = "Numeric ids under which the processes run when the server is started as root. "
	    "They need no names in /etc/passwd, and no file but their own may belong to them. "
	    "Default: 71000 for keeper's helpers and one more for each process of this list.",
};

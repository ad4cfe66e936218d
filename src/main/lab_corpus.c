/* SPDX-License-Identifier: ISC */
/*
 * lab_corpus: see lab_corpus.h.
 */
#include "main/lab_corpus.h"

#define EVIL "198.51.100.66"
#define LAN "192.168.77.20"
#define REST "To: <USER>\r\nSubject: lab\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n" \
	"Message-ID: <lab@evil.example>\r\n\r\nThis is postern lab.\r\n"
#define FROM(x) "From: " x "\r\n" REST

const char lab_zone[] =
	"evil.example. MX 10 mx.evil.example.\nmx.evil.example. A " EVIL "\n"
	"evil.example. TXT \"v=spf1 ip4:" EVIL " -all\"\n"
	"_dmarc.evil.example. TXT \"v=DMARC1; p=none\"\n"
	"helo.evil.example. A " EVIL "\nhelo.evil.example. TXT \"v=spf1 a -all\"\n"
	"plusall.example. MX 10 mx.evil.example.\nplusall.example. TXT \"v=spf1 +all\"\n"
	"parked.example. MX 10 mx.evil.example.\nparked.example. TXT \"v=spf1 -all\"\n"
	"silent.example. MX 10 mx.evil.example.\n"
	"nullmx.example. MX 0 .\n"
	"bank.example. MX 10 mx.bank.example.\nmx.bank.example. A 203.0.113.10\n"
	"bank.example. TXT \"v=spf1 ip4:203.0.113.10 -all\"\n"
	"_dmarc.bank.example. TXT \"v=DMARC1; p=reject\"\n"
	"quarantine.example. MX 10 mx.bank.example.\n"
	"quarantine.example. TXT \"v=spf1 ip4:203.0.113.10 -all\"\n"
	"_dmarc.quarantine.example. TXT \"v=DMARC1; p=quarantine\"\n"
	"friend.example. MX 10 mx.friend.example.\nmx.friend.example. A 203.0.113.9\n"
	"friend.example. TXT \"v=spf1 ip4:203.0.113.9 -all\"\n"
	"_dmarc.friend.example. TXT \"v=DMARC1; p=reject\"\n";

const struct attack lab_corpus[] = {
	/* relaying */
	{ "relay: anybody to anybody", EVIL, "mx.evil.example", "x@evil.example",
	  "v@victim.example", FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: by our sender", EVIL, "mx.evil.example", "USER", "v@victim.example",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: by the empty sender", EVIL, "mx.evil.example", "", "v@victim.example",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: percent", EVIL, "mx.evil.example", "x@evil.example", "v%victim.example@OWN",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: bang", EVIL, "mx.evil.example", "x@evil.example", "victim.example!v@OWN",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: source route", EVIL, "mx.evil.example", "x@evil.example", "@OWN:v@victim.example",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: quoted", EVIL, "mx.evil.example", "x@evil.example", "\"v@victim.example\"@OWN",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: two ats", EVIL, "mx.evil.example", "x@evil.example", "v@victim.example@OWN",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: final dot", EVIL, "mx.evil.example", "x@evil.example", "v@victim.example.",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: address literal", EVIL, "mx.evil.example", "x@evil.example", "v@[203.0.113.77]",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "relay: from this host over TCP", "127.0.0.1", "localhost", "USER", "v@victim.example",
	  FROM("<USER>"), MUST_REFUSE },
	{ "HELO with our name", EVIL, "OWN", "x@evil.example", "USER", FROM("<x@evil.example>"),
	  MUST_REFUSE },
	/* our own domains */
	{ "own domain: envelope and From", EVIL, "mx.evil.example", "USER", "USER", FROM("<USER>"),
	  MUST_REFUSE },
	{ "own domain: envelope alone", EVIL, "mx.evil.example", "USER", "USER",
	  FROM("<x@evil.example>"), MUST_REFUSE },
	{ "own domain: From alone", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("The Boss <USER>"), MUST_REFUSE },
	{ "own domain: From alone, empty envelope", EVIL, "helo.evil.example", "", "USER",
	  FROM("<USER>"), MUST_REFUSE },
	{ "own domain: Sender alone", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  "From: <x@evil.example>\r\nSender: <USER>\r\n" REST, MUST_REFUSE },
	{ "own domain: an unused sub-domain", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<ceo@no.such.OWN>"), MUST_REFUSE },
	{ "own domain: somebody who does not exist", EVIL, "mx.evil.example",
	  "no-such-user-here@OWN", "USER", FROM("<no-such-user-here@OWN>"), MUST_REFUSE },
	{ "own domain: from the LAN", LAN, "printer.lan", "USER", "USER", FROM("<USER>"),
	  MUST_REFUSE },
	{ "own domain: from this host over TCP", "127.0.0.1", "localhost", "USER", "USER",
	  FROM("<USER>"), MUST_REFUSE },
	{ "own domain: as a display name", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("\"USER\" <x@evil.example>"), NOT_INBOX },
	/* others' domains */
	{ "DMARC reject: unsigned, from elsewhere", EVIL, "mx.evil.example", "x@evil.example",
	  "USER", FROM("<admin@bank.example>"), NOT_INBOX },
	{ "DMARC reject: with the right envelope", EVIL, "mx.evil.example", "admin@bank.example",
	  "USER", FROM("<admin@bank.example>"), NOT_INBOX },
	{ "DMARC reject: HELO passes, empty envelope", EVIL, "helo.evil.example", "", "USER",
	  FROM("<admin@bank.example>"), NOT_INBOX },
	{ "DMARC reject: a sub-domain that is not there", EVIL, "mx.evil.example",
	  "x@evil.example", "USER", FROM("<admin@no.such.bank.example>"), NOT_INBOX },
	{ "DMARC quarantine", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<admin@quarantine.example>"), NOT_INBOX },
	{ "SPF +all", EVIL, "mx.evil.example", "x@plusall.example", "USER",
	  FROM("<x@plusall.example>"), NOT_INBOX },
	{ "SPF -all alone", EVIL, "mx.evil.example", "x@parked.example", "USER",
	  FROM("<x@parked.example>"), NOT_INBOX },
	{ "nobody vouches", EVIL, "mx.evil.example", "x@silent.example", "USER",
	  FROM("<x@silent.example>"), NOT_INBOX },
	{ "SPF passes for another domain", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@silent.example>"), NOT_INBOX },
	{ "author in no domain", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@gone.example>"), NOT_INBOX },
	{ "author in a domain without mail", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@nullmx.example>"), NOT_INBOX },
	{ "a signature that proves nothing", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  "DKIM-Signature: v=1; a=rsa-sha256; d=bank.example; s=s; h=from; bh=AAAA; b=AAAA\r\n"
	  FROM("<admin@bank.example>"), NOT_INBOX },
	/* composition */
	{ "two From fields", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  "From: <admin@bank.example>\r\n" FROM("<x@evil.example>"), MUST_REFUSE },
	{ "two authors", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<admin@bank.example>, <x@evil.example>"), MUST_REFUSE },
	{ "no From", EVIL, "mx.evil.example", "x@evil.example", "USER", REST, MUST_REFUSE },
	{ "From is a group", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("admins: <admin@bank.example>;"), MUST_REFUSE },
	{ "route in From", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<@bank.example:x@evil.example>"), MUST_REFUSE },
	{ "encoded address", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("=?utf-8?q?=3Cadmin=40bank.example=3E?="), MUST_REFUSE },
	{ "first line begins with a blank", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  " From: <admin@bank.example>\r\n" FROM("<x@evil.example>"), MUST_REFUSE },
	{ "space before the colon", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  "From : <admin@bank.example>\r\n" FROM("<x@evil.example>"), MUST_REFUSE },
	{ "two Subject fields", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  "Subject: another\r\n" FROM("<x@evil.example>"), MUST_REFUSE },
	/* smuggling */
	{ "smuggling: LF . LF", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@evil.example>") "\n.\nMAIL FROM:<USER>\r\n", MUST_REFUSE },
	{ "smuggling: LF . CR LF", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@evil.example>") "\n.\r\nMAIL FROM:<USER>\r\n", MUST_REFUSE },
	{ "smuggling: CR . CR", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@evil.example>") "\r.\rMAIL FROM:<USER>\r\n", MUST_REFUSE },
	/* honest mail */
	{ "control: a friend's mail, SPF aligned", "203.0.113.9", "mx.friend.example",
	  "ann@friend.example", "USER", FROM("Ann <ann@friend.example>"), MUST_INBOX },
	{ "control: the attacker as himself", EVIL, "mx.evil.example", "x@evil.example", "USER",
	  FROM("<x@evil.example>"), MUST_INBOX },
	{ "control: old but legal forms", "203.0.113.9", "mx.friend.example", "ann@friend.example",
	  "USER", FROM("\"B., Ann\" <ann@friend.example> (at work)"), MUST_INBOX },
};
const size_t lab_corpus_n = sizeof lab_corpus / sizeof lab_corpus[0];

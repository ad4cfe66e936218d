/* SPDX-License-Identifier: ISC */
/*
 * settings_tables: all blocks of postern.conf but the limits (settings_limits.c).
 *
 * Constant data: one row per setting with its place, default, and the text of the manual.  Rows
 * marked SET_OWN are statements with a grammar of their own, read by the function they name.
 */
#include "base/num.h"
#include "conf/settings.h"


static const char *const forward_unsigned[] = { "srs", "wrap", "refuse", NULL };

static const struct setting set_top[] = {
	{ .name = "hostname", .type = SET_DOMAIN,
	  .offset = offsetof(struct config, hostname),
	  .text =
	    "Name of this server, as other servers see it: in the greeting, in EHLO and "
	    "in Received. Must be given, and be fully qualified." },
	{ .name = "listen", .type = SET_OWN,
	  .offset = offsetof(struct config, listener),
	  .take = take_listen, .many = true,
	  .syntax =
	    "mx | submission | lmtp ADDRESS:PORT [{ ... }], or lmtp | local PATH [{ ... "
	    "}]",
	  .text =
	    "Where clients are heard. mx takes mail for our domains and never offers "
	    "AUTH; submission takes mail of our users; lmtp speaks RFC 2033; local is the "
	    "socket of the sendmail command, whose users are known by their numeric id. "
	    "IPv6 addresses stand in brackets." },
	{ .name = "certificate", .type = SET_OWN,
	  .offset = offsetof(struct config, cert),
	  .take = take_certificate, .many = true,
	  .syntax =
	    "CHAIN KEY",
	  .text =
	    "A certificate chain and its private key, PEM files. Given again for further "
	    "names or key types. The key may be readable by its owner only." },
	{ .name = "spool", .type = SET_PATH,
	  .offset = offsetof(struct config, spool_dir),
	  .dflt = "/var/spool/postern",
	  .text =
	    "Directory of the mail that has been promised to be delivered." },
	{ .name = "run", .type = SET_PATH,
	  .offset = offsetof(struct config, run_dir),
	  .dflt = "/run/postern",
	  .text =
	    "Directory of the control socket and other things that end with the server." },
	{ .name = "data", .type = SET_PATH,
	  .offset = offsetof(struct config, data_dir),
	  .text =
	    "Directory of small lasting state. Default: data, below the spool." },
	{ .name = "workers", .type = SET_COUNT,
	  .offset = offsetof(struct config, workers),
	  .dflt = "0", .min = 0u, .max = 64u,
	  .text =
	    "Number of server processes; 0 is one per core." },
	{ .name = "clients", .type = SET_COUNT,
	  .offset = offsetof(struct config, clients),
	  .dflt = "0", .min = 0u, .max = 64u,
	  .text =
	    "Number of processes that send; 0 is one per core." },
	{ .name = "greeting", .type = SET_TEXT,
	  .offset = offsetof(struct config, greeting),
	  .dflt = "ESMTP",
	  .text =
	    "What the greeting says behind the name of the server. One line, no product "
	    "or version unless you write it." },
	{ .name = "privacy", .type = SET_OWN,
	  .offset = offsetof(struct config, privacy),
	  .take = take_privacy, .many = true,
	  .syntax =
	    "FLAG ...",
	  .text =
	    "sendmail's PrivacyOptions by their names: public, needmailhelo, "
	    "needexpnhelo, needvrfyhelo, noexpn, novrfy, noverb, noetrn, authwarnings, "
	    "restrictmailq, restrictqrun, restrictexpand, nobodyreturn, noreceipts, "
	    "noactualrecipient, noreflection, goaway. VRFY and EXPN give nothing away "
	    "with or without them." },
	{ .name = "announce-binarymime", .type = SET_BOOL,
	  .offset = offsetof(struct config, announce_binarymime),
	  .dflt = "no",
	  .text =
	    "Announce BINARYMIME (RFC 3030)." },
	{ .name = "exempt", .type = SET_OWN,
	  .offset = offsetof(struct config, exempt),
	  .loose = LOOSE_UP, .take = take_nets, .many = true,
	  .syntax =
	    "from NETWORK ...",
	  .text =
	    "Peers to which the limits per address do not apply." },
	{ .name = "normalise", .type = SET_OWN,
	  .offset = offsetof(struct config, normalise),
	  .loose = LOOSE_UP, .take = take_nets, .many = true,
	  .syntax =
	    "from NETWORK ...",
	  .text =
	    "Peers whose bare line feeds are mended on the way in instead of refused: old "
	    "devices in your own network, never a mail server." },
	{ .name = "domain", .type = SET_OWN,
	  .offset = offsetof(struct config, domain),
	  .take = take_domain_block, .many = true,
	  .syntax =
	    "NAME { ... }",
	  .text =
	    "A domain whose mail ends here. The first one is the main domain: addresses "
	    "without a domain, and those at the name or address of the server, are looked "
	    "up there." },
	{ .name = "auth", .type = SET_OWN,
	  .offset = offsetof(struct config, auth),
	  .take = take_auth, .many = true,
	  .syntax =
	    "mechanisms NAME ... | trusted NAME ... | keytab FILE | oauth issuer URL audience "
	    "NAME keys FILE [claim NAME] | parameter from NETWORK ...",
	  .text =
	    "How users say who they are, always inside TLS. mechanisms: what submission "
	    "listeners offer (default SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN; also "
	    "SCRAM-SHA-1-PLUS SCRAM-SHA-1 EXTERNAL GSSAPI OAUTHBEARER XOAUTH2 LOGIN DIGEST-MD5 "
	    "CRAM-MD5; KERBEROS_V4 is refused). trusted: which of them may grant relay (default "
	    "all). keytab: the key of the service smtp@HOSTNAME for GSSAPI. oauth: bearer tokens "
	    "of that issuer, for that audience, signed by a key of the JWKS file; claim names "
	    "the user (default email). parameter: peers whose AUTH= on MAIL is believed." },
	{ .name = "relay", .type = SET_OWN,
	  .offset = offsetof(struct config, grant),
	  .take = take_relay, .many = true,
	  .syntax =
	    "from authenticated | network NETWORK ... | local-uid NUMBER ... | any | "
	    "certificate pin HASH | certificate ca FILE san NAME | pop-login [for TIME], "
	    "each [sending-as any | DOMAIN-OR-ADDRESS ...]; or to domain NAME ... [via HOP] "
	    "[recipients FILE]",
	  .text =
	    "Grants the right to send elsewhere through this server. Without a grant "
	    "nobody may. sending-as narrows a grant to senders (a network and a certificate "
	    "without it: to our own domains); a sender can never be a grant. A host name "
	    "is a grant only as a RELAY line of an access map, where "
	    "its address is verified." },
	{ .name = "route", .type = SET_OWN,
	  .offset = offsetof(struct config, route),
	  .take = take_route, .many = true,
	  .syntax =
	    "DOMAIN | .DOMAIN | * via HOP",
	  .text =
	    "Where mail for other domains goes instead of their MX. A hop is HOST[:PORT] "
	    "(its MX, then its addresses), [HOST][:PORT] (its addresses only), "
	    "lmtp:HOST:PORT, lmtp:/PATH, discard, or error:STATUS:TEXT. The longest match "
	    "wins; * is everything else." },
	{ .name = "routes", .type = SET_OWN,
	  .offset = offsetof(struct config, routes_file),
	  .take = take_routes,
	  .syntax =
	    "file PATH",
	  .text =
	    "The same from a file in the format of sendmail's mailertable, asked after "
	    "the route lines." },
	{ .name = "access", .type = SET_OWN,
	  .offset = offsetof(struct config, access_file),
	  .take = take_access,
	  .syntax =
	    "file PATH",
	  .text =
	    "sendmail's access map, read as it is and again when it changes: hosts, "
	    "networks, addresses, with or without tags, and what to do with them. RELAY "
	    "of a network, of a host whose name is verified both ways, of a destination or "
	    "of a certificate is a grant; From: RELAY is refused." },
	{ .name = "relay-hosts-only", .type = SET_BOOL,
	  .offset = offsetof(struct config, relay_hosts_only),
	  .dflt = "no",
	  .text =
	    "RELAY of a name in the access map is for that name alone, not for names "
	    "below it." },
	{ .name = "blocklist-recipients", .type = SET_BOOL,
	  .offset = offsetof(struct config, blocklist_recipients),
	  .dflt = "no",
	  .text =
	    "Refusals of the access map that have no tag count for recipients as they do "
	    "for senders. Those with To: always count." },
	{ .name = "forward-unsigned", .type = SET_WORD,
	  .offset = offsetof(struct config, forward_unsigned),
	  .dflt = "srs", .words = forward_unsigned,
	  .text =
	    "What an alias or forward does with mail whose author's domain asks for rejection "
	    "(DMARC) and did not sign it, so that the next server will see it fail: send it with "
	    "a sender of ours like all other mail (srs), send it whole inside a message of ours "
	    "(wrap), or refuse it." },
	{ .name = "accept-unqualified-senders", .type = SET_BOOL,
	  .offset = offsetof(struct config, accept_unqualified),
	  .dflt = "no", .loose = LOOSE_UP,
	  .text =
	    "Take senders that are a name without a domain." },
	{ .name = "accept-unresolvable-domains", .type = SET_BOOL,
	  .offset = offsetof(struct config, accept_unresolvable),
	  .dflt = "no", .loose = LOOSE_UP,
	  .text =
	    "Take senders whose domain does not exist, takes no mail, or cannot be looked "
	    "up now. Without it they are refused with 550 5.1.8, 550 5.7.27 and 451 4.1.8." },
	{ .name = "may-send", .type = SET_OWN,
	  .offset = offsetof(struct config, may_send),
	  .take = take_may_send, .many = true,
	  .syntax =
	    "WHO ADDRESS ...",
	  .text =
	    "Whom else somebody may write as, beside the own address, its details and "
	    "aliases that lead to it alone. WHO is a login, uid:NUMBER or uid:NAME of a "
	    "user of this host, or members:LIST@DOMAIN. An address may be @DOMAIN, all of "
	    "it." },
	{ .name = "policy", .type = SET_OWN,
	  .offset = offsetof(struct config, observe),
	  .take = take_policy, .many = true, .loose = LOOSE_UP,
	  .syntax =
	    "observe [RULE ...]",
	  .text =
	    "Rules that only log what they would have done. Without names: all but those "
	    "on whom may write as whom, which must be named. Those without which nothing "
	    "is safe, relaying first of all, cannot be observed only." },
	{ .name = "senders", .type = SET_OWN,
	  .offset = offsetof(struct config, senders),
	  .take = take_single_block,
	  .syntax =
	    "{ ... }",
	  .text =
	    "What becomes of mail by what is known of its author, see below." },
	{ .name = "protect", .type = SET_OWN,
	  .offset = offsetof(struct config, senders.protect),
	  .take = take_protect, .many = true,
	  .syntax =
	    "DOMAIN ...",
	  .text =
	    "Domains of others that are often imitated: banks, partners, offices. Names that "
	    "look like them go to Junk, and their DMARC policy is obeyed to the letter." },
	{ .name = "vip", .type = SET_OWN,
	  .offset = offsetof(struct config, senders.vip),
	  .take = take_vip, .many = true,
	  .syntax =
	    "NAME ADDRESS ...",
	  .text =
	    "A person whose name is used to deceive. Mail under that name from another address "
	    "than these goes to Junk." },
	{ .name = "forwarder", .type = SET_OWN,
	  .offset = offsetof(struct config, senders.forwarder),
	  .take = take_forwarder, .many = true,
	  .syntax =
	    "DOMAIN via spf-host | dkim | cert PIN | net NETWORK [for ADDRESS ...] [inbox] "
	    "[owner WHO] [reason TEXT] [until DAY]",
	  .text =
	    "A server that forwards mail to our users, and how it is known: its name passes SPF, "
	    "it signs, its certificate, its network. What it brings is not refused for the "
	    "author's DMARC policy but goes to Junk, with inbox to the inbox. Mail in the name of "
	    "our own domains gains nothing by it." },
	{ .name = "outside-sender", .type = SET_OWN,
	  .offset = offsetof(struct config, senders.outside),
	  .take = take_outside_sender, .many = true,
	  .syntax =
	    "DOMAIN [owner WHO] [reason TEXT] [until DAY]",
	  .text =
	    "One of our domains whose mail others send too, signed with a key that its DNS "
	    "shows." },
	{ .name = "arc-trust", .type = SET_OWN,
	  .offset = offsetof(struct config, senders.arc_trust),
	  .take = take_protect, .many = true, .loose = LOOSE_UP,
	  .syntax =
	    "DOMAIN ...",
	  .text =
	    "Sealers whose word on the mail they pass on is believed: what passed DMARC there "
	    "does not go to Junk for failing it here." },
	{ .name = "allow-author", .type = SET_OWN,
	  .offset = offsetof(struct config, senders.allowed),
	  .take = take_allow_author, .many = true, .loose = LOOSE_UP,
	  .syntax =
	    "ADDRESS [for ADDRESS ...] [owner WHO] [reason TEXT] [until DAY]",
	  .text =
	    "An author (@DOMAIN: all of it) whose mail does not go to Junk. It lifts no refusal, "
	    "and is nothing for our own domains." },
	{ .name = "milter", .type = SET_OWN,
	  .offset = offsetof(struct config, filter),
	  .take = take_filter, .many = true,
	  .syntax =
	    "NAME { ... }",
	  .text =
	    "A mail filter that is asked about mail while it arrives, see below." },
	{ .name = "policy-service", .type = SET_OWN,
	  .offset = offsetof(struct config, filter),
	  .take = take_filter, .many = true,
	  .syntax =
	    "NAME { ... }",
	  .text =
	    "A policy server of Postfix's protocol that is asked about mail, see below." },
	{ .name = "limits", .type = SET_OWN,
	  .offset = offsetof(struct config, lim),
	  .take = take_single_block,
	  .syntax =
	    "{ ... }",
	  .text =
	    "Limits and time-outs, see below." },
	{ .name = "dns", .type = SET_OWN,
	  .offset = offsetof(struct config, dns),
	  .take = take_single_block,
	  .syntax =
	    "{ ... }",
	  .text =
	    "Where names are looked up, see below." },
	{ .name = "log", .type = SET_OWN,
	  .offset = offsetof(struct config, log),
	  .take = take_single_block,
	  .syntax =
	    "{ ... }",
	  .text =
	    "Where events are written, see below." },
	{ .name = "roles", .type = SET_OWN,
	  .offset = offsetof(struct config, role),
	  .take = take_single_block,
	  .syntax =
	    "{ ... }",
	  .text =
	    "Numeric ids of the processes, see below." },
	{ .name = "test", .type = SET_OWN,
	  .offset = offsetof(struct config, test),
	  .loose = LOOSE_UP, .take = take_single_block, .many = true,
	  .syntax =
	    "{ ... }",
	  .text =
	    "For test suites only, see below." },
};

const struct block block_top = {
	.name = "", .set = set_top, .nset = COUNT(set_top),
	.text =
	    "The file itself.",
};

static const char *const listen_tls[] = { "off", "starttls", "implicit", "required", NULL };
static const char *const listen_auth[] = { "default", "off", "offered", "required", NULL };
static const char *const listen_certs[] = { "off", "request", "require", NULL };

static const struct setting set_listen[] = {
	{ .name = "name", .type = SET_TEXT,
	  .offset = offsetof(struct listener, name),
	  .text =
	    "Name of the listener in logs and policies. Default: its kind, with a number "
	    "from the second on." },
	{ .name = "tls", .type = SET_WORD,
	  .offset = offsetof(struct listener, tls),
	  .words = listen_tls,
	  .text =
	    "Default: starttls on mx when there is a certificate; implicit on submission, "
	    "but starttls on port 587; off elsewhere. required is starttls without which no "
	    "mail is taken; on submission it always is. A public mx must not require it." },
	{ .name = "auth", .type = SET_WORD,
	  .offset = offsetof(struct listener, auth),
	  .words = listen_auth,
	  .text =
	    "Whether clients may (offered) or must (required) say who they are before they "
	    "send. Default: required on submission, off elsewhere; mx never offers it." },
	{ .name = "client-certificates", .type = SET_WORD,
	  .offset = offsetof(struct listener, client_certs),
	  .dflt = "off", .words = listen_certs,
	  .text =
	    "request: ask clients for a certificate and note what it is worth; require: "
	    "take nothing from a client whose certificate client-ca does not vouch for and "
	    "no relay line names by its pin." },
	{ .name = "client-ca", .type = SET_PATH,
	  .offset = offsetof(struct listener, client_ca),
	  .text =
	    "PEM file of the authorities that vouch for clients. Public authorities are "
	    "never taken for this." },
	{ .name = "greeting", .type = SET_TEXT,
	  .offset = offsetof(struct listener, greeting),
	  .text =
	    "As above, for this listener." },
	{ .name = "mode", .type = SET_OWN,
	  .offset = offsetof(struct listener, mode),
	  .take = take_mode,
	  .syntax =
	    "OCTAL",
	  .text =
	    "Permissions of a Unix socket. Default: 666 for local, 660 for lmtp." },
	{ .name = "proxy", .type = SET_OWN,
	  .offset = offsetof(struct listener, proxy_from),
	  .take = take_peer_list, .many = true,
	  .syntax =
	    "from NETWORK ...",
	  .text =
	    "Peers that must begin with a PROXY protocol header, version 1 or 2. From "
	    "everybody else it is an error." },
	{ .name = "xclient", .type = SET_OWN,
	  .offset = offsetof(struct listener, xclient_from),
	  .take = take_peer_list, .many = true,
	  .syntax =
	    "from NETWORK ...",
	  .text =
	    "Peers that may use XCLIENT." },
};

const struct block block_listen = {
	.name = "listen", .set = set_listen, .nset = COUNT(set_listen),
	.text =
	    "Inside the braces of a listen statement.",
};


static const struct setting set_domain[] = {
	{ .name = "users", .type = SET_OWN,
	  .offset = offsetof(struct domain, users),
	  .take = take_users,
	  .syntax =
	    "file PATH | system | none",
	  .text =
	    "Who has a mailbox: a Dovecot passwd-file, the accounts of this system, or "
	    "nobody (aliases only)." },
	{ .name = "aliases", .type = SET_OWN,
	  .offset = offsetof(struct domain, aliases_file),
	  .take = take_table_file,
	  .syntax =
	    "file PATH",
	  .text =
	    "Aliases in sendmail's format." },
	{ .name = "virtusers", .type = SET_OWN,
	  .offset = offsetof(struct domain, virtusers_file),
	  .take = take_table_file,
	  .syntax =
	    "file PATH",
	  .text =
	    "Whole addresses in the format of sendmail's virtusertable, asked before "
	    "aliases and users." },
	{ .name = "forwards", .type = SET_OWN,
	  .offset = offsetof(struct domain, forwards_file),
	  .take = take_table_file,
	  .syntax =
	    "file PATH",
	  .text =
	    "Forwards that users asked for, kept by `postern forward`: a copy of what reaches "
	    "the inbox goes to an address elsewhere, once that address has confirmed it." },
	{ .name = "passwords", .type = SET_OWN,
	  .offset = offsetof(struct domain, passwords),
	  .take = take_passwords,
	  .syntax =
	    "file FILE | dovecot SOCKET | pam SERVICE | sqlite FILE | postgresql FILE | ldap FILE "
	    "| none",
	  .text =
	    "Where the passwords of this domain's users are checked. Default: the users file. "
	    "dovecot is the path of its auth socket (auth-client); the files of sqlite, "
	    "postgresql and ldap say how to ask, see postern-passwords(5), and may be readable "
	    "by their owner only." },
	{ .name = "tag-senders", .type = SET_BOOL,
	  .offset = offsetof(struct domain, batv),
	  .dflt = "no",
	  .text =
	    "Envelope senders of this domain leave tagged (BATV: prvs=...), so that a bounce "
	    "shows whether it answers mail of ours. The header stays as it is." },
	{ .name = "tagged-bounces-only", .type = SET_BOOL,
	  .offset = offsetof(struct domain, batv_required),
	  .dflt = "no",
	  .text =
	    "Bounces to addresses of this domain without such a tag are refused, but for "
	    "postmaster. Turn it on a week after tag-senders, and only if all mail of the "
	    "domain leaves through this server." },
	{ .name = "catch-all", .type = SET_TEXT,
	  .offset = offsetof(struct domain, catch_all),
	  .text =
	    "User of this domain, or address, that takes mail for all names nobody else "
	    "has." },
	{ .name = "detail", .type = SET_OWN,
	  .offset = offsetof(struct domain, detail),
	  .take = take_detail,
	  .syntax =
	    "CHARACTER | none",
	  .text =
	    "Separates a user from a detail that is not looked up: user+detail. Default: "
	    "+" },
	{ .name = "deliver", .type = SET_OWN,
	  .offset = offsetof(struct domain, deliver),
	  .take = take_deliver,
	  .syntax =
	    "maildir TEMPLATE | lmtp ADDRESS:PORT | lmtp PATH | discard",
	  .text =
	    "How mail reaches the mailbox. In the template {domain}, {user} and {home} "
	    "stand for those of the recipient. Default: maildir {home}/Maildir for system "
	    "users." },
	{ .name = "junk-detail", .type = SET_TEXT,
	  .offset = offsetof(struct domain, junk_detail),
	  .text =
	    "Detail under which junk is handed over by LMTP: user+DETAIL. Without it the "
	    "server there sorts by the field Postern-Verdict." },
	{ .name = "mail-user", .type = SET_OWN,
	  .offset = offsetof(struct domain, mail_uid),
	  .take = take_mail_user,
	  .syntax =
	    "UID[:GID]",
	  .text =
	    "Numeric owner of mailboxes whose user has no ids of their own. Default: the "
	    "id local has, which is that of the server where it was not started by root." },
	{ .name = "dkim", .type = SET_OWN,
	  .offset = offsetof(struct domain, dkim),
	  .take = take_dkim, .many = true,
	  .syntax =
	    "SELECTOR KEY [active | next | retiring]",
	  .text =
	    "Signs mail of this domain with the PEM key (RSA or Ed25519) of that selector; with "
	    "several, one signature each. A key that is next does not sign yet, one that is "
	    "retiring no more; both are ours when mail comes back. postern dkim rotate goes "
	    "from one stage to the next." },
};

const struct block block_domain = {
	.name = "domain", .set = set_domain, .nset = COUNT(set_domain),
	.text =
	    "Inside the braces of a domain.",
};


static const struct setting set_dns[] = {
	{ .name = "server", .type = SET_OWN,
	  .offset = offsetof(struct dns_conf, server),
	  .take = take_dns_server, .many = true,
	  .syntax =
	    "ADDRESS[:PORT] ...",
	  .text =
	    "Resolvers to forward to. Default: those of /etc/resolv.conf; where that names "
	    "none, the answers come from the authoritative servers, from the root down." },
	{ .name = "stub", .type = SET_OWN,
	  .offset = offsetof(struct dns_conf, stub),
	  .take = take_dns_stub, .many = true,
	  .syntax =
	    "ZONE ADDRESS[:PORT] ...",
	  .text =
	    "Authoritative servers of one zone. It is taken as unsigned unless a trust anchor "
	    "is given for it." },
	{ .name = "trust-anchor", .type = SET_OWN,
	  .offset = offsetof(struct dns_conf, anchor),
	  .take = take_dns_anchor, .many = true,
	  .syntax =
	    "\"OWNER DS|DNSKEY ...\"",
	  .text =
	    "A further trust anchor for DNSSEC, as one record in quotes." },
	{ .name = "trust-anchor-file", .type = SET_PATH,
	  .offset = offsetof(struct dns_conf, anchor_file),
	  .text =
	    "File of trust anchors. Default: the root key of the distribution." },
	{ .name = "validate", .type = SET_BOOL,
	  .offset = offsetof(struct dns_conf, validate),
	  .dflt = "yes", .loose = LOOSE_DOWN,
	  .text =
	    "Validate DNSSEC. Without it DANE is never used." },
	{ .name = "query-localhost", .type = SET_BOOL,
	  .offset = offsetof(struct dns_conf, query_localhost),
	  .dflt = "no",
	  .text =
	    "Allow name servers on loopback addresses." },
};

const struct block block_dns = {
	.name = "dns", .set = set_dns, .nset = COUNT(set_dns),
	.text =
	    "Where names are looked up.",
};

static const char *const log_level[] = { "debug", "info", "warning", "error", NULL };

static const struct setting set_log[] = {
	{ .name = "file", .type = SET_PATH,
	  .offset = offsetof(struct log_conf, path),
	  .text =
	    "A file, opened again on postern reload. Default: standard error, as service "
	    "managers want it." },
	{ .name = "json", .type = SET_BOOL,
	  .offset = offsetof(struct log_conf, json),
	  .dflt = "no",
	  .text =
	    "Write JSON instead of key=value." },
	{ .name = "level", .type = SET_WORD,
	  .offset = offsetof(struct log_conf, level),
	  .dflt = "info", .words = log_level,
	  .text =
	    "The least important events that are written." },
};

const struct block block_log = {
	.name = "log", .set = set_log, .nset = COUNT(set_log),
	.text =
	    "Where events are written, one line each.",
};

const struct block *const blocks_all[] = {
	&block_top, &block_listen, &block_domain, &block_milter, &block_policy_service,
	&block_senders, &block_limits, &block_dns, &block_log,
	&block_roles, &block_test, NULL,
};

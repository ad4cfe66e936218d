/* SPDX-License-Identifier: ISC */
/*
 * settings_limits: the limits block, one row per number: name, field, default, range, manual text.
 *
 * The defaults are the product's promises about resources; the documents quote them from here.
 * A row's last letters say in which direction a change opens the house, so that `postern check`
 * can list it.  Times in the ranges are milliseconds, sizes bytes.
 */
#include "conf/settings.h"
#include "base/num.h"

#define AT(field) offsetof(struct limits, field)
#define COUNT_(name_, field_, dflt_, min_, max_, loose_, text_) \
	{ .name = name_, .type = SET_COUNT, .offset = AT(field_), .dflt = dflt_, .min = min_, \
	  .max = max_, .loose = LOOSE_##loose_, .text = text_ }
#define BYTES_(name_, field_, dflt_, min_, max_, loose_, text_) \
	{ .name = name_, .type = SET_BYTES, .offset = AT(field_), .dflt = dflt_, .min = min_, \
	  .max = max_, .loose = LOOSE_##loose_, .text = text_ }
#define MS_(name_, field_, dflt_, min_, max_, loose_, text_) \
	{ .name = name_, .type = SET_MS, .offset = AT(field_), .dflt = dflt_, .min = min_, \
	  .max = max_, .loose = LOOSE_##loose_, .text = text_ }

static const struct setting set[] = {
	BYTES_("command-line", cmd_line, "4096", 512u, 65536u, NO,
	    "Longest command line, end of line included. RFC 5321 4.5.3.1.4 says 512; "
	    "extensions add to it."),
	BYTES_("auth-line", auth_line, "12K", 12288u, 65536u, NO,
	    "Longest line of an AUTH exchange (RFC 4954 section 4)."),
	MS_("command-timeout", cmd_ms, "5m", 10000u, 3600000u, NO,
	    "How long a session may stay silent between commands (RFC 5321 4.5.3.2.7)."),
	MS_("early-timeout", cmd_early_ms, "60s", 5000u, 3600000u, NO,
	    "The same before EHLO or HELO."),
	MS_("stress-timeout", cmd_stress_ms, "20s", 1000u, 3600000u, NO,
	    "The same when nine of ten sessions are taken."),
	BYTES_("data-rate", data_rate, "500", 0u, 1073741824u, DOWN,
	    "Slowest average at which a message may arrive, in bytes a second; 0 is no "
	    "minimum."),
	MS_("data-rate-window", data_rate_ms, "60s", 1000u, 3600000u, NO,
	    "The time over which data-rate is averaged."),
	MS_("tls-timeout", tls_ms, "60s", 1000u, 600000u, NO,
	    "Time for a TLS handshake, in both directions."),
	COUNT_("commands", commands, "1000", 20u, 1000000u, NO,
	    "Commands in one connection before 421."),
	COUNT_("noop-commands", noop_commands, "100", 5u, 1000000u, NO,
	    "How many of them may be NOOP, RSET or VRFY."),
	COUNT_("messages-per-connection", messages_conn, "100", 1u, 1000000u, NO,
	    "Messages in one connection before 421."),
	COUNT_("soft-errors", errors_soft, "5", 1u, 1000u, NO,
	    "Errors in a session after which every reply is delayed."),
	MS_("error-delay", errors_soft_delay_ms, "1s", 0, 60000u, NO,
	    "The delay of each reply after soft-errors."),
	COUNT_("hard-errors", errors_hard, "15", 1u, 1000u, UP,
	    "Errors in a session after which it is closed."),
	COUNT_("auth-errors", errors_auth, "4", 1u, 100u, UP,
	    "Failed AUTH commands in a session after which it is closed."),
	COUNT_("auth-failures-per-address", auth_ip, "20", 1u, 1000000u, UP,
	    "Failed AUTH commands of one address, within auth-window, after which it hears "
	    "421 before its passwords are looked at. An address from which a user has logged in "
	    "keeps access to that user."),
	COUNT_("auth-failures-per-network", auth_net, "100", 1u, 1000000u, UP,
	    "The same for an IPv4 /24 or an IPv6 /64."),
	COUNT_("auth-failures-per-user", auth_user, "20", 1u, 1000000u, UP,
	    "The same for one user name, from addresses where that user never logged in."),
	COUNT_("auth-spray", auth_spray, "10", 2u, 1000000u, UP,
	    "Users that may be tried with the same password within auth-window before every "
	    "further one with it is refused unseen."),
	MS_("auth-window", auth_window_ms, "10m", 1000u, 86400000u, NO,
	    "Over which time failed AUTH commands are counted."),
	MS_("auth-delay", auth_delay_ms, "250ms", 0, 10000u, DOWN,
	    "How long the answer to the first failed AUTH of an address waits; each further one "
	    "waits twice as long, up to 32 times this."),
	COUNT_("unknown-recipients", unknown_rcpt, "5", 1u, 10000u, UP,
	    "Unknown recipients in a session after which further ones get 450 4.7.1, with "
	    "delay. Those accepted before are delivered."),
	COUNT_("sessions", sessions_mx, "2000", 1u, 1000000u, NO,
	    "Sessions at the same time on all mx listeners together."),
	COUNT_("sessions-per-address", sessions_ip, "50", 1u, 1000000u, UP,
	    "Of them from one IPv4 address or one IPv6 /64."),
	COUNT_("connections-per-minute", conn_rate_ip, "300", 1u, 1000000u, UP,
	    "New connections a minute from one address or /64."),
	COUNT_("sessions-per-user", sessions_user, "20", 1u, 100000u, UP,
	    "Submission: sessions of one identity at the same time."),
	COUNT_("submission-sessions-per-address", sessions_ip_submission, "200", 1u, 1000000u, UP,
	    "Submission: sessions of one address that have not authenticated."),
	BYTES_("message-size", message_size, "50M", 65536u, 4294967296u, NO,
	    "Largest message accepted (SIZE, RFC 1870)."),
	COUNT_("recipients", rcpt_max_mx, "100", 100u, 100000u, NO,
	    "Recipients of one message on mx listeners (RFC 5321 4.5.3.1.8: at least 100)."),
	COUNT_("submission-recipients", rcpt_max_submission, "1000", 100u, 100000u, NO,
	    "Recipients of one message on submission, lmtp and local listeners."),
	BYTES_("body-line", body_line, "32K", 1000u, 1048576u, NO,
	    "Longest line accepted in a message."),
	BYTES_("header-size", header_bytes, "256K", 16384u, 16777216u, NO,
	    "Largest header section accepted."),
	COUNT_("header-fields", header_fields, "1000", 100u, 100000u, NO,
	    "Most header fields accepted."),
	COUNT_("received-fields", received_max, "50", 10u, 1000u, UP,
	    "Received fields at which a message is taken to be looping."),
	BYTES_("message-memory", message_memory, "256M", 1048576u, 68719476736u, NO,
	    "Memory that all messages now arriving in one worker may take together; beyond "
	    "it 452."),
	COUNT_("alias-depth", alias_depth, "10", 1u, 30u, NO,
	    "Steps from one alias or forward to the next."),
	COUNT_("expansion", expansion, "1000", 10u, 1000000u, UP,
	    "Recipients that one recipient may become."),
	COUNT_("forward-rate", forward_rate, "200", 1u, 1000000u, UP,
	    "Messages an hour that one forward of a user passes on; what is beyond stays in the "
	    "mailbox here."),
	MS_("client-connect-timeout", client_connect_ms, "30s", 1000u, 600000u, NO,
	    "Time to connect to another server."),
	MS_("client-command-timeout", client_cmd_ms, "300s", 10000u, 3600000u, NO,
	    "Time for its greeting and its replies to EHLO, MAIL and RCPT."),
	MS_("client-data-timeout", client_data_ms, "120s", 10000u, 3600000u, NO,
	    "Time for its reply to DATA."),
	MS_("client-block-timeout", client_block_ms, "180s", 10000u, 3600000u, NO,
	    "Time for each block of content to be taken."),
	MS_("client-dot-timeout", client_dot_ms, "600s", 60000u, 7200000u, NO,
	    "Time for the reply to the final dot. A short one makes duplicates (RFC 1047)."),
	COUNT_("client-recipients", client_rcpt, "50", 1u, 1000u, NO,
	    "Recipients in one outgoing transaction; a smaller LIMITS RCPTMAX is followed."),
	COUNT_("client-messages", client_messages, "100", 1u, 100000u, NO,
	    "Messages sent over one connection."),
	MS_("client-idle", client_idle_ms, "10s", 0, 600000u, NO,
	    "How long an outgoing connection waits for the next message."),
	MS_("client-life", client_total_ms, "300s", 1000u, 3600000u, NO,
	    "How long an outgoing connection may be reused at all."),
	{ .name = "retry", .type = SET_OWN, .offset = AT(retry_ms),
	    .dflt = "2m 5m 10m 20m 40m 1h 1h 1h 2h",
	  .take = take_retry, .syntax = "TIME ...", .text =
	    "Waits between attempts; the last one repeats." },
	COUNT_("retry-jitter", retry_jitter, "10", 0u, 50u, NO,
	    "Every wait is changed by up to this many percent either way."),
	MS_("give-up", give_up_ms, "5d", 60000u, 7776000000u, NO,
	    "Age at which a message that cannot be delivered is returned."),
	MS_("give-up-bounce", give_up_bounce_ms, "1d", 60000u, 7776000000u, NO,
	    "The same for messages with the null sender."),
	MS_("delay-notice", delay_notice_ms, "4h", 0, 7776000000u, NO,
	    "Age at which an authenticated or local sender is told that mail is late; 0 is "
	    "never."),
	COUNT_("destination-connections", dest_parallel, "20", 1u, 1000u, NO,
	    "Most connections to one destination at the same time; adapts below this."),
	COUNT_("destination-start", dest_parallel_start, "5", 1u, 1000u, NO,
	    "Connections to begin with."),
	COUNT_("spool-reserve-percent", spool_reserve_percent, "5", 0u, 90u, NO,
	    "Free space of the spool's file system below which mail is refused with 452, in "
	    "percent; the smaller of this and spool-reserve holds."),
	BYTES_("spool-reserve", spool_reserve, "1G", 1048576u, 1099511627776u, NO,
	    "The same in bytes."),
	BYTES_("spool-segment", spool_segment, "64M", 8388608u, 1073741824u, NO,
	    "Size of log segments and journal files to be made; smaller on a small disk."),
	BYTES_("spool-big-file", spool_big_file, "16M", 1048576u, 1073741824u, NO,
	    "Prepared size of files for large messages; a larger message makes its file grow."),
	COUNT_("spool-ahead", spool_ahead, "4", 1u, 64u, NO,
	    "Segments kept ready for use, and half of the number of big files."),
	MS_("dns-time", dns_ms, "20s", 1000u, 300000u, NO,
	    "Time for all DNS questions about one message together."),
	COUNT_("dns-queries", dns_queries, "60", 10u, 10000u, UP,
	    "DNS questions about one message."),
	COUNT_("dkim-signatures", dkim_signatures, "10", 1u, 1000u, UP,
	    "DKIM signatures of a message that are evaluated."),
	COUNT_("dkim-keys", dkim_keys, "5", 1u, 1000u, UP,
	    "DKIM keys that are fetched for a message."),
	COUNT_("spf-terms", spf_terms, "10", 10u, 10u, NO,
	    "SPF terms that ask the DNS (RFC 7208 4.6.4 fixes this number)."),
	COUNT_("spf-void", spf_void, "2", 2u, 10u, NO,
	    "SPF look-ups without an answer before permerror."),
	COUNT_("spf-names", spf_names, "10", 10u, 10u, NO,
	    "Names of one mx or ptr term (RFC 7208 4.6.4 fixes this number)."),
	COUNT_("spf-weak-v4", spf_weak_v4, "12", 0u, 32u, DOWN,
	    "An SPF pass by a wider IPv4 range than this many bits is weak."),
	COUNT_("spf-weak-v6", spf_weak_v6, "28", 0u, 128u, DOWN,
	    "The same for IPv6."),
	{ .name = "unannounced-pipelining", .type = SET_BOOL, .offset = AT(early_pipelining),
	    .dflt = "no",
	  .loose = LOOSE_UP, .text =
	    "Take commands that were pipelined although PIPELINING was not announced to "
	    "this client." },
};

const struct block block_limits = {
	.name = "limits", .set = set, .nset = COUNT(set),
	.text = "Every bound on what a peer, a message or a queue entry may cost.",
};

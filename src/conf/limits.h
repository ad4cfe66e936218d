/* SPDX-License-Identifier: ISC */
/*
 * limits: every number that bounds what a peer, a message or a queue entry may cost.
 *
 * One field per setting of the `limits` block of postern.conf(5); name, default, range and manual
 * text stand in conf/settings.c and nowhere else.  All fields are 64 bits wide so that one typed
 * table can fill them; times are milliseconds (_ms), sizes are bytes.
 */
#ifndef CONF_LIMITS_H
#define CONF_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_MAX = 32 };

struct limits {
	/* one SMTP session, server side */
	uint64_t cmd_line;		/* longest command line, bytes */
	uint64_t auth_line;		/* longest line of an AUTH exchange */
	int64_t cmd_ms;			/* wait for a command */
	int64_t cmd_early_ms;		/* ... before EHLO */
	int64_t cmd_stress_ms;		/* ... when nearly all sessions are taken */
	uint64_t data_rate;		/* bytes/s at least, averaged over data_rate_ms */
	int64_t data_rate_ms;
	int64_t tls_ms;			/* TLS handshake, both directions */
	uint64_t commands;		/* commands per connection */
	uint64_t noop_commands;		/* ... of them NOOP, RSET, VRFY */
	uint64_t messages_conn;		/* messages per connection */
	uint64_t errors_soft;		/* errors before each reply is delayed */
	int64_t errors_soft_delay_ms;
	uint64_t errors_hard;		/* errors before 421 */
	uint64_t errors_auth;		/* failed AUTHs before 421 */
	uint64_t auth_ip;		/* failed AUTHs of an address in auth_window_ms */
	uint64_t auth_net;		/* ... of a /24 or /64 */
	uint64_t auth_user;		/* ... for one user, from addresses not known for it */
	uint64_t auth_spray;		/* users tried with one password */
	int64_t auth_window_ms;
	int64_t auth_delay_ms;		/* of the first failure; doubles up to 32 times that */
	uint64_t unknown_rcpt;		/* unknown recipients before 450 4.7.1 */
	/* all sessions together */
	uint64_t sessions_mx;
	uint64_t sessions_ip;		/* mx: per address, or per /64 */
	uint64_t conn_rate_ip;		/* mx: new connections a minute per address */
	uint64_t sessions_user;		/* submission: per identity after AUTH */
	uint64_t sessions_ip_submission;/* submission: per address before AUTH */
	/* one message */
	uint64_t message_size;
	uint64_t rcpt_max_mx;
	uint64_t rcpt_max_submission;
	uint64_t body_line;		/* longest line of a message, accepted */
	uint64_t header_bytes;
	uint64_t header_fields;
	uint64_t received_max;		/* Received fields: loop */
	uint64_t message_memory;	/* messages held in memory by one worker, together */
	/* expansion */
	uint64_t alias_depth;
	uint64_t expansion;		/* recipients one recipient may become */
	uint64_t forward_rate;		/* messages an hour by one forward of a user */
	/* SMTP client */
	int64_t client_connect_ms;
	int64_t client_cmd_ms;		/* greeting, EHLO, MAIL, RCPT */
	int64_t client_data_ms;		/* reply to DATA */
	int64_t client_block_ms;	/* each write of content */
	int64_t client_dot_ms;		/* reply to the final dot */
	uint64_t client_rcpt;		/* recipients per transaction out */
	uint64_t client_messages;	/* messages over one connection */
	int64_t client_idle_ms;		/* cached connection idle */
	int64_t client_total_ms;	/* life of a connection */
	/* queue */
	int64_t retry_ms[RETRY_MAX];	/* waits between attempts; the last repeats */
	uint64_t nretry;
	uint64_t retry_jitter;		/* +- percent */
	int64_t give_up_ms;
	int64_t give_up_bounce_ms;
	int64_t delay_notice_ms;
	uint64_t dest_parallel;		/* connections to one destination at most */
	uint64_t dest_parallel_start;
	/* spool */
	uint64_t spool_reserve_percent;	/* free space kept: the smaller of percent and bytes */
	uint64_t spool_reserve;
	uint64_t spool_segment;		/* size of segments and journal files */
	uint64_t spool_big_file;	/* prepared size of files for large messages */
	uint64_t spool_ahead;		/* segments kept ready; twice as many big files */
	/* checks of one message */
	int64_t dns_ms;
	uint64_t dns_queries;
	uint64_t dkim_signatures;
	uint64_t dkim_keys;
	uint64_t spf_terms;
	uint64_t spf_void;
	uint64_t spf_names;		/* names per mx or ptr */
	uint64_t spf_weak_v4;		/* a wider match is weak */
	uint64_t spf_weak_v6;
	/* switches that stand with the numbers */
	bool early_pipelining;		/* take pipelining that was not announced */
};

#endif

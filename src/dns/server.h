/* SPDX-License-Identifier: ISC */
/*
 * server: the resolver role: questions from the other roles, answered by libunbound.
 *
 * 1. libunbound runs on the loop's own stack only (it needs up to 256 KiB of it), driven by our
 *    timers and descriptor watches; it makes no thread and no child.
 * 2. What DNSSEC calls bogus leaves as DNS_BOGUS without records, in one place (answer_of).
 * 3. Questions in progress, caches and sockets are bounded; a question ends at its asker's time.
 *
 * Settings: the dns block.  No servers: those of /etc/resolv.conf, and the root servers where that
 * names none.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <stdbool.h>

struct role_env;

/* Before the sandbox, on the loop's stack: makes libunbound's context, which reads its files now.
 * False, and a log line: a setting it refuses. */
bool resolver_setup(struct role_env *env);
void resolver_role_run(struct role_env *env);	/* suspends */

#endif

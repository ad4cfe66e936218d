/* SPDX-License-Identifier: ISC */
/*
 * server: the resolver role: questions from the other roles, answered by libunbound.
 *
 * 1. libunbound runs on the loop's own stack only (it needs up to 256 KiB of it), driven by our
 *    timers and descriptor watches; it makes no thread and no child.
 * 2. What DNSSEC calls bogus leaves as DNS_BOGUS without records, in one place (answer_of).
 * 3. Questions in progress, caches and sockets are bounded; a question ends at its asker's time.
 *
 * Settings: the dns block.  No servers: those of /etc/resolv.conf (role file "resolv.conf" when
 * keeper gives it), and the root servers where that names none.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

struct role_env;

void resolver_role_run(struct role_env *env);	/* suspends */

#endif

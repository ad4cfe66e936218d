/* SPDX-License-Identifier: ISC */
/*
 * sender_facts: what the checks of a message found, in the words of policy and of its record.
 *
 * Pure; slices point into the checks, the query and its arena.
 */
#ifndef SMTPD_SENDER_FACTS_H
#define SMTPD_SENDER_FACTS_H

#include "conf/config.h"
#include "policy/sender.h"
#include "trust/checks.h"

void sender_facts(const struct config *cfg, const struct checks *c, const struct checks_query *q,
    struct sender_facts *out);
/* enum found, without FOUND_JUDGED and FOUND_JUNK */
uint32_t sender_found(const struct checks *c, const struct checks_query *q);

struct spool_rcpt;
/* replay_key of a passing signature of the author's, if neither SPF nor a field of the message
 * names where it came from and went to; else 0. */
uint64_t sender_replayed(const struct checks *c,
    const struct spool_rcpt *rcpt, size_t nrcpt);

#endif

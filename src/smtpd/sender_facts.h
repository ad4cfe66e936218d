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

#endif

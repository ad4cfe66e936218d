/* SPDX-License-Identifier: ISC */
/*
 * ub: libunbound over the loop of rt/: a context whose events are our timers and watches.
 *
 * All functions but ub_ask_cancel must be called on the loop's stack.  The done function is called
 * there too, maybe before ub_ask returns.
 */
#ifndef DNS_UB_H
#define DNS_UB_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "dns/dns.h"

struct ub;

/* What libunbound said.  packet is set when rcode is 0. */
struct ub_said {
	int rcode;
	struct str packet;
	bool bogus, secure;
	const char *why_bogus;		/* may be NULL */
};

struct ub_question {
	const char *name;		/* absolute, with its final dot */
	uint16_t type;
	void (*done)(void *arg, const struct ub_said *said);
	void *arg;
};

/* NULL: *why names the setting libunbound refused. */
struct ub *ub_new(const struct dns_conf *conf, const char *resolv_conf, const char **why);
void ub_free(struct ub *u);

/* False: libunbound did not take it (done is not called).  *id is for ub_ask_cancel.  *q is the
 * caller's, and must live until done or the cancel. */
bool ub_ask(struct ub *u, struct ub_question *q, int *id);
/* From now on done will not be called. */
void ub_ask_cancel(struct ub *u, int id);

#endif

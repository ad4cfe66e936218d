/* SPDX-License-Identifier: ISC */
/*
 * filters: programs outside postern that are asked about mail: milters and policy services.
 *
 * Plain structs inside the snapshot (conf/config.h).  What such a program answers can refuse, hold
 * or mark mail and change the message; it can never grant anything.
 */
#ifndef CONF_FILTERS_H
#define CONF_FILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

enum filter_kind { FILTER_MILTER, FILTER_POLICY };
/* What becomes of mail while the program cannot be asked. */
enum filter_failure { FILTER_TEMPFAIL, FILTER_ACCEPT, FILTER_REJECT };

enum { FILTERS_MAX = 32 };

struct filter_conf {
	enum filter_kind kind;
	struct str name;
	struct str label;		/* "milter NAME": its rule in logs and verdicts */
	struct str address;		/* as written */
	struct str path;		/* Unix socket; empty: TCP */
	struct str host;		/* a name, looked up when lookup starts; empty: ip */
	struct ip ip;
	uint16_t port;
	int64_t timeout_ms;		/* for each answer */
	enum filter_failure failure;
	unsigned on;			/* 1 << enum listener_kind */
	unsigned line;
};

#endif

/* SPDX-License-Identifier: ISC */
/*
 * reason: why mail waits, each different sentence held once.
 *
 * A unit keeps two bytes: the number of its reason.  0 is "no reason".  The table is bounded; when
 * it is full, new sentences become the plain name of their class.  Counted references.
 */
#ifndef QUEUE_REASON_H
#define QUEUE_REASON_H

#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "queue/transport.h"

enum { REASON_MAX = 8192, REASON_TEXT_MAX = 300 };

struct reason {
	struct str text;		/* "4.2.1 mx.example said: ..." ; key of the map */
	struct str status;		/* within text */
	struct str mta, reply;		/* within text */
	enum out_class class;
	uint32_t refs;
};

struct reasons {
	struct reason *r;		/* REASON_MAX, made at the first use */
	struct map by_text;
	uint16_t last;
};

void reasons_init(struct reasons *rs);
void reasons_done(struct reasons *rs);

/* One more reference.  Long replies are cut. */
uint16_t reason_get(struct reasons *rs, enum out_class class, struct str status, struct str mta,
    struct str reply);
uint16_t reason_again(struct reasons *rs, uint16_t no);
void reason_put(struct reasons *rs, uint16_t no);

/* Never NULL; an empty one for 0. */
const struct reason *reason_of(const struct reasons *rs, uint16_t no);

#endif

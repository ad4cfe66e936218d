/* SPDX-License-Identifier: ISC */
/*
 * index: what the queue remembers of each message: where it lies and what is still to be done.
 *
 * A message is an entry.  Its open recipients that share a next hop and a fate are a unit: units
 * are scheduled.  No text is held that the log has: who needs it reads the record again.
 *
 *	record --intake--> UNROUTED --route--> READY --dispatch--> FLIGHT
 *	                      ^  |              ^  ^                | | |
 *	                      +--+ later        |  +-deliverer gone-+ | |
 *	                                        | due                 | |
 *	                                       WAIT <-----TEMP--------+ |
 *	                                        | too old               | PERM
 *	                                        +-------> REPORT <------+
 *	  UNROUTED READY WAIT --hold--> HELD --release--> READY
 *	  FLIGHT --delivered, relayed--> gone        REPORT --notice written--> gone
 *	from           event               to        by
 *	-              record read         READY     intake_message (UNROUTED if tables are down)
 *	UNROUTED       time                READY     route_again
 *	READY          its turn            FLIGHT    dispatch_one
 *	FLIGHT         delivered, relayed  gone      outcome_apply
 *	FLIGHT         refused for good    REPORT    outcome_apply
 *	FLIGHT         temporary           WAIT      unit_defer (READY: the hop failed)
 *	FLIGHT         deliverer died      READY     carrier_gone
 *	WAIT           time                READY     queue_tick
 *	READY, WAIT    too old             REPORT    unit_expire
 *	REPORT         notice committed    gone      report_done (HELD: undelivered_keep)
 *	not FLIGHT...  hold / release      HELD / READY   change.c
 *	not FLIGHT...  drop / bounce       gone / REPORT  change.c; FLIGHT: when it lands
 *
 * An entry without units is finished (entry_finish).  Owner of all memory: struct queue.
 */
#ifndef QUEUE_INDEX_H
#define QUEUE_INDEX_H

#include "base/map.h"
#include "queue/slab.h"
#include "queue/transport.h"
#include "queue/wheel.h"

struct dest;

enum unit_state { UNIT_UNROUTED, UNIT_READY, UNIT_WAIT, UNIT_FLIGHT, UNIT_HELD, UNIT_REPORT };

/* What the administrator decided while it flew: so it will be if it comes back. */
enum unit_fate { FATE_NONE, FATE_DROP, FATE_BOUNCE };

enum {
	ENTRY_NULL_SENDER = 1 << 0,
	ENTRY_HELD = 1 << 1,		/* units that land go to HELD */
	ENTRY_DELAY_TOLD = 1 << 2,	/* the delay notice was written */
	ENTRY_DELAY_WANTED = 1 << 3,	/* somebody may get one */
	ENTRY_SUCCESS_WANTED = 1 << 4,	/* NOTIFY=SUCCESS for some recipient */
	ENTRY_DIRTY = 1 << 5,		/* in the list of states to be written */
	ENTRY_DOOMED = 1 << 6,		/* all of it dropped; what flies vanishes when it lands */
	ENTRY_BIG = 1 << 7,		/* extra has a big file */
	ENTRY_CARRIED = 1 << 8,		/* a copy of its record is on its way into the log */
	ENTRY_UNDELIVERED = 1 << 9,	/* its HELD units failed, and no notice was written */
	ENTRY_LASTING = (0xff & ~ENTRY_DIRTY) | ENTRY_UNDELIVERED,	/* in the journal */
};

/* A recipient that is not simply one of the record's: expansion or redirection made it. */
struct made_rcpt {
	uint32_t idx;			/* its number, beyond those of the record */
	uint32_t rcpt;			/* the record's recipient it came from */
	uint8_t made_by;
	struct str addr;		/* owned: one allocation with sender */
	struct str sender;		/* an owner- address instead of the sender, or empty */
};

struct extra {
	struct made_rcpt *t;
	uint32_t nt, next_idx;
	uint64_t big_n, big_gen;
};

struct seg {				/* a life of a segment file */
	uint64_t n, gen;
	uint64_t indexed;		/* all records below are in the index or done */
	uint64_t committed;		/* may be read up to here; UINT64_MAX: to its end */
	uint64_t sealed;		/* ends here whatever it says; 0: no seal */
	uint64_t seals_n, seals_gen;	/* it holds the seal of that life, 0: none */
	uint32_t live, total;		/* messages: not finished, ever indexed */
	bool held;			/* a live writer has it */
	bool closed;			/* nothing more will be written */
	bool scanned;			/* closed and indexed to its end */
	bool known;			/* the pool has it */
	bool seals_read, finished, told, reading;
	int64_t closed_ms;		/* now_ms when it was scanned */
	uint32_t *done;			/* replay only: offsets of finished messages */
	size_t ndone, capdone;
	struct link link;		/* queue's list, in order of appearance */
};

struct unit {
	struct due due;			/* link: where it waits; at: when, or since when */
	struct entry *entry;
	struct dest *dest;		/* NULL: UNROUTED */
	struct unit *next;		/* of the same entry */
	union {
		uint32_t one;
		uint32_t *many;		/* nidx > 1 */
	} idx;
	uint32_t nidx;
	uint32_t jobno, open;		/* FLIGHT: recipients without an outcome yet */
	uint16_t reason;
	uint8_t state, class, attempts, carrier;
	uint8_t fate;			/* FLIGHT: enum unit_fate */
};

struct entry {
	uint64_t id;
	struct seg *seg;
	struct unit *unit;
	struct extra *extra;
	uint32_t off;
	uint32_t sender;		/* hash, for fairness */
	uint16_t flags;
};

struct index {
	struct idmap by_id;
	struct slab entries, units;
};

void index_init(struct index *ix);
void index_done(struct index *ix);
struct entry *entry_find(const struct index *ix, uint64_t id);
/* seg->live goes up. */
struct entry *entry_new(struct index *ix, uint64_t id, struct seg *seg, uint32_t off);
/* Also frees its units (which wait nowhere), extra; seg->live goes down. */
void entry_free(struct index *ix, struct entry *e);
/* A target to be filled; addr and sender are copied. */
struct made_rcpt *entry_add_target(struct entry *e, const struct made_rcpt *t);
const struct made_rcpt *entry_target(const struct entry *e, uint32_t idx);
struct unit *unit_new(struct index *ix, struct entry *e, struct dest *d);
/* Takes it from its entry; it waits nowhere, its reason and dest are given up by the caller. */
void unit_free(struct index *ix, struct unit *u);
void unit_add_idx(struct unit *u, uint32_t idx);
bool unit_del_idx(struct unit *u, uint32_t idx);	/* false: not there */

static inline const uint32_t *
unit_idx(const struct unit *u)
{
	return u->nidx > 1 ? u->idx.many : &u->idx.one;
}

size_t index_bytes(const struct index *ix);	/* of memory */

#endif

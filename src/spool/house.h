/* SPDX-License-Identifier: ISC */
/*
 * house: a whole spool in a simulated world, for the crash tests: writers with sessions, a pool, a
 * journal and a consumer that stands for the queue; and a ledger outside the disk that knows what
 * was promised.
 *
 * A house lives several lives; each may end in a power cut.  Whatever must hold is checked by the
 * consumer while it reads and after recovery; the first breach is kept in `bad`.
 */
#ifndef SPOOL_HOUSE_H
#define SPOOL_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt/simdisk.h"
#include "spool/record.h"

enum { HOUSE_WRITERS = 2 };

/* What a life is to do. */
struct house_plan {
	unsigned sessions, messages;	/* messages of each session */
	unsigned faults;		/* syncs that fail, at drawn places */
	bool no_space;			/* for a while */
};

enum fate { FATE_BEGUN, FATE_WHOLE, FATE_ACKED, FATE_REFUSED };

struct note {				/* the ledger's line about one message */
	uint64_t id;
	uint32_t seed, len;
	unsigned writer, life;
	enum fate fate;
	uint64_t when;			/* the commit was asked for, then refused: house.now */
	bool sealed;			/* refused, and its writer acknowledged another later */
	bool done, durable;		/* delivered, and that is in the journal; synced */
	unsigned seen, delivered;	/* seen: in this life */
};

struct house {
	uint64_t random;
	struct simdisk *disk;		/* between lives */
	struct note *note;
	size_t nnote;
	uint64_t *taken;		/* generations that were given out */
	size_t ntaken;
	unsigned life;
	uint64_t now;			/* counts events */
	uint64_t last_id, last_id_before;
	uint64_t ops;			/* of the last life */
	uint64_t acked, delivered, rotations, recycled, zeroed, sealed;	/* what the tests covered */
	const char *bad;		/* the first breach */
	uint64_t bad_id;
};

void house_init(struct house *h, uint64_t seed);
void house_done(struct house *h);

/* One life; the power fails at disk operation crash_at (UINT64_MAX: it ends in peace) and leaves
 * what `survival` says.  False: h->bad. */
bool house_live(struct house *h, const struct house_plan *plan, uint64_t crash_at,
    const struct survival *survival);

/* For house*.c. */
uint64_t house_draw(struct house *h, uint64_t n);
void house_bad(struct house *h, const char *what, uint64_t id);
struct note *note_find(struct house *h, uint64_t id);
void note_content(const struct note *n, char *out);
/* A record of this message is live: may that be? */
void note_seen(struct house *h, uint64_t id);
void notes_new_life(struct house *h);
void notes_recovered(struct house *h);
void notes_final(struct house *h);

#endif

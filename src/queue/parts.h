/* SPDX-License-Identifier: ISC */
/*
 * parts: functions of the queue that its files call across; for queue/ alone.
 *
 * Grouped by the file that defines them.  All but those marked run to their end without a
 * suspension.
 */
#ifndef QUEUE_PARTS_H
#define QUEUE_PARTS_H

#include "queue/queue.h"

/* ---- segs.c ---- */
struct seg *seg_find(const struct queue *q, uint64_t n, uint64_t gen);
/* Made if need be; a former life of the same number is forgotten. */
struct seg *seg_get(struct queue *q, uint64_t n, uint64_t gen);
void seg_forget(struct queue *q, struct seg *s);
void seg_note_done(struct seg *s, uint32_t off);	/* replay, not sorted yet */
void seg_note_sorted(struct seg *s, uint32_t off);
void seg_done_free(struct seg *s);
bool seg_was_done(struct seg *s, uint32_t off);	/* done is sorted */
int seg_by_offset(const void *a, const void *b);
/* Perhaps it is finished now. */
void seg_check(struct queue *q, struct seg *s);
void segs_free(struct queue *q);

/* ---- units.c: what becomes of units ---- */
/* To READY (or HELD if its entry is). */
void unit_ready(struct queue *q, struct unit *u, bool front);
void unit_wait(struct queue *q, struct unit *u, uint32_t at);
/* Out of READY, WAIT, HELD or UNROUTED; it waits nowhere. */
void unit_unlink(struct queue *q, struct unit *u);
/* It is gone; perhaps its entry is finished with it. */
void unit_gone(struct queue *q, struct unit *u);
/* A part of its recipients goes its own way. */
struct unit *unit_split(struct queue *q, struct unit *u, const uint32_t *idx, size_t n);
void unit_set_reason(struct queue *q, struct unit *u, uint16_t reason);
void unit_set_dest(struct queue *q, struct unit *u, struct dest *d);
/* Its attempt failed for now; reason is on it. */
void unit_defer(struct queue *q, struct unit *u, enum out_class class);
bool unit_too_old(const struct queue *q, const struct entry *e);
void unit_expire(struct queue *q, struct unit *u);
/* Looks through what waits for a dead destination: too old, delay notices due. */
void dest_sweep(struct queue *q, struct dest *d);
void entry_check(struct queue *q, struct entry *e);
void entry_finish(struct queue *q, struct entry *e, const char *how);
void queue_tick(void *q);
/* After replay: every unit to its place. */
void units_settle(struct queue *q);

/* ---- state.c: the journal ---- */
enum { J_ENTRIES = 1, J_DONE = 2, J_SEG = 3, J_SEGFIN = 4 };
void state_dirty(struct queue *q, struct entry *e);
void state_done(struct queue *q, struct seg *s, uint32_t off, uint64_t id);
void state_segfin(struct queue *q, const struct seg *s);
void state_flush(void *q);
bool state_encode(struct queue *q, const struct entry *e, struct buf *b);
bool state_snapshot(void *q, struct journal *j);	/* suspends */

/* ---- replay.c ---- */
void replay_entry(void *q, const struct journal_entry *e);	/* ends the process if it cannot */
bool replay_parse(struct queue *q, const struct journal_entry *e);

/* ---- intake.c ---- */
void intake_run(void *q);				/* suspends */

/* ---- record.c: reading a message again ---- */
/* suspends; false: it cannot be read now. */
bool record_read(struct queue *q, const struct entry *e, struct arena *a, struct spool_msg *out);
struct str record_addr(const struct entry *e, const struct spool_msg *m, uint32_t idx);
const struct spool_rcpt *record_rcpt(const struct entry *e, const struct spool_msg *m,
    uint32_t idx);
uint32_t sender_hash(struct str sender);
void entry_flags_from(struct entry *e, const struct spool_env *env);

/* ---- dispatch.c ---- */
void dispatch_run(void *q);				/* suspends */

/* ---- report.c ---- */
enum report_kind { REPORT_FAILED, REPORT_DELAYED, REPORT_DELIVERED, REPORT_RELAYED };
struct report_why { struct str status, reply, mta; };
#define REPORT_BY_ADMIN ((struct report_why){ STR("5.7.0"),			\
	STR("returned by the administrator of this system"), {} })
/* u goes to REPORT and is gone once the notice is committed. */
void report_unit(struct queue *q, struct unit *u, enum report_kind kind,
    const struct report_why *why);
void report_delay(struct queue *q, struct unit *u);
void report_run(void *q);				/* suspends */
bool report_room(const struct queue *q);
void reports_free(struct queue *q);

/* ---- undelivered.c ---- */
/* May a notice go to the sender?  Not where it may be forged (policy/found.h). */
bool sender_proven(const struct spool_env *env);
/* u failed for good: it stays, for the administrator. */
void undelivered_keep(struct queue *q, struct unit *u, const struct report_why *why);
/* The whole message to postmaster, once. */
void undelivered_tell(struct queue *q, struct entry *e, const struct spool_msg *m,
    struct arena *a);
/* Ends what has been kept for a month; now and then. */
void undelivered_sweep(struct queue *q);

/* ---- finish.c ---- */
void finish_big(struct queue *q, uint64_t n, uint64_t gen);
void finish_run(void *q);				/* suspends */

/* ---- carry.c ---- */
void carry_run(void *q);				/* suspends */
/* A record of e's id stands at another place: true if it is the copy we made, and e's now. */
bool carry_arrived(struct queue *q, struct entry *e, struct seg *s, const struct content_ref *to);

/* ---- drop.c ---- */
void drop_run(void *q);					/* suspends; once, at start */

#endif

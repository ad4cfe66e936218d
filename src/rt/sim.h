/* SPDX-License-Identifier: ISC */
/*
 * sim: a world in one process: its clock, network and disk stand behind the same interfaces as
 * the real ones, and everything that happens is drawn from a seed.
 *
 * 1. While a world exists clock.h, dial.h, work.h and disk.h belong to it; there is one at a time
 *    and no loop_init beside it.
 * 2. Time stands still while a coroutine can run, and jumps to the next timer when none can.
 * 3. No descriptor is ever opened.
 */
#ifndef RT_SIM_H
#define RT_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "rt/conn.h"
#include "rt/simdisk.h"

struct world;

enum world_end {
	WORLD_IDLE,			/* no coroutine can move and no timer is set */
	WORLD_CRASHED,			/* the disk reached its operation */
	WORLD_LATE,			/* the clock reached the deadline */
	WORLD_STOPPED,			/* loop_stop */
};

struct world *world_new(uint64_t seed);

/* Runs until one of these; may be called again. */
enum world_end world_run(struct world *w);
enum world_end world_run_until(struct world *w, int64_t deadline_ms);

/* Lets coroutines that are left unwind (all waits answer cancelled, the disk -EIO after a crash),
 * then frees.  Returns how many had to be cancelled.  The disk is freed unless taken. */
size_t world_free(struct world *w);

/* Run ready coroutines in an order drawn from the seed (default: in turn). */
void world_shuffle(struct world *w, bool on);

/* The next number drawn from the seed, below n. */
uint64_t world_random(struct world *w, uint64_t n);

/* Moves the wall clock (not the monotonic one) by that much: clocks that step. */
void world_wall_step(struct world *w, int64_t ms);

/* DNS of the world is dns/'s business: it keeps its zone here. */
void world_set_dns(struct world *w, void *dns);
void *world_dns(struct world *w);
struct world *world_now(void);		/* the one that exists, or NULL */

/* Network.  A listener's name is what dial.h would reach: "192.0.2.1:25" "[2001:db8::1]:25"
 * "/path".  world_accept and world_connect suspend. */
struct world_listener;
struct world_listener *world_listen(struct world *w, const char *name);
void world_unlisten(struct world_listener *l);
struct conn *world_accept(struct world_listener *l, int64_t deadline_ms, enum io *why);
struct conn *world_connect(struct world *w, const char *name, int64_t deadline_ms, enum io *why);
/* Dialling that name never answers. */
void world_black_hole(struct world *w, const char *name);
/* Two ends of one connection. */
void world_pair(struct world *w, struct conn *end[2]);
/* Reads give pieces of a size drawn between 1 and at_most bytes (0: all there is). */
void world_pieces(struct world *w, size_t at_most);
/* The connection breaks: both ends answer IO_BROKEN. */
void world_break(struct conn *c);

/* Disk.  The world makes one; give another (of an earlier world) or take it before world_free. */
struct simdisk *world_disk(struct world *w);
void world_give_disk(struct world *w, struct simdisk *d);
struct simdisk *world_take_disk(struct world *w);

#endif

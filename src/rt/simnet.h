/* SPDX-License-Identifier: ISC */
/*
 * simnet: the simulated network's insides, for sim.c and dial.c.
 */
#ifndef RT_SIMNET_H
#define RT_SIMNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt/dial.h"

/* In dial.c: dial() becomes fn, NULL: the kernel's network again. */
void dial_simulate(struct conn *(*fn)(const struct dial *d, enum io *why, int *err));

struct simnet;

/* Sizes of pieces are drawn from *random. */
struct simnet *simnet_new(uint64_t *random);
/* Every connection and listener must have been closed. */
void simnet_free(struct simnet *n);

/* The power is out: every connection answers IO_BROKEN from now on. */
void simnet_down(struct simnet *n);

struct simnet *world_net(void);

/* The next number, below n, of the world's source (xorshift64*). */
uint64_t sim_random(uint64_t *state, uint64_t n);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * work_sim: how the simulated world takes over work_*; nobody else includes this.
 */
#ifndef RT_WORK_SIM_H
#define RT_WORK_SIM_H

#include "rt/work.h"

/* Items go to `take` from now on, which runs item->fn some time later and then calls
 * work_simulated.  NULL: back to threads. */
void work_simulate(void (*take)(struct work_item *item));
void work_simulated(struct work_item *item);

#endif

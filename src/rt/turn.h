/* SPDX-License-Identifier: ISC */
/*
 * turn: what the simulated world needs of the loop to make turns of its own; nobody else includes
 * this.  Owner: loop.c.
 */
#ifndef RT_TURN_H
#define RT_TURN_H

#include <stdbool.h>

void loop_hooks_run(void);
void loop_hooks_clear(void);

/* Was loop_stop called?  Forgets it. */
bool loop_stopped(void);

#endif

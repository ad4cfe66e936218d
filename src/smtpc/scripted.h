/* SPDX-License-Identifier: ISC */
/*
 * scripted: a server for tests that does what its script says, in the simulated world.
 *
 * A script is lines: "S text" says it; "C words" expects a line that begins so; "D" takes a message
 * up to its final dot, "B n" n octets of one; "X" closes; "Z" is silent for ever; "N" closes and
 * waits for the next connection; "F text" says that line for ever; "L n" says a line of n octets.
 */
#ifndef SMTPC_SCRIPTED_H
#define SMTPC_SCRIPTED_H

#include "base/buf.h"
#include "rt/co.h"
#include "rt/sim.h"

struct server {
	struct world_listener *l;
	const char *script;
	struct buf wire;		/* what came as messages */
	char wrong[200];
	unsigned connections;
	struct co *co;			/* NULL: it has ended */
};

void server_run(void *arg);		/* a coroutine; arg: struct server */

#endif

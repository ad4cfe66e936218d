/* SPDX-License-Identifier: ISC */
/*
 * fd: the table of descriptors behind fd_wait and fd_watch; for loop.c only.
 *
 * A descriptor that coroutines wait on is registered once, edge-triggered, for both directions;
 * one with a watch is registered level-triggered for what the watch wants.
 */
#ifndef RT_FD_H
#define RT_FD_H

#include <stdbool.h>

void fds_init(void);
void fds_done(void);

/* Sleeps until an event or that many milliseconds (-1: for ever) and hands the events on. */
void fds_poll(int timeout_ms);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * limits: who is connected how often: per address, or per /64 of IPv6.
 *
 * 1. Memory is bounded: at most so many addresses are remembered; when all are in use, new ones
 *    are simply not counted (the total of sessions bounds us then).
 * 2. An address is forgotten when nobody of it is connected and its minute is over.
 */
#ifndef SMTPD_LIMITS_H
#define SMTPD_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

struct limiter;
struct peer_count;

struct limiter *limiter_new(size_t addresses_max);
void limiter_free(struct limiter *l);

/* One more connection from there; NULL: not counted.  Balance with limiter_leave. */
struct peer_count *limiter_enter(struct limiter *l, struct ip ip, int64_t now);
void limiter_leave(struct limiter *l, struct peer_count *p, int64_t now);

/* Connections open now, and begun within the minute, the one that just entered included. */
uint64_t peer_live(const struct peer_count *p);
uint64_t peer_rate(const struct peer_count *p);
size_t limiter_count(const struct limiter *l);

#endif

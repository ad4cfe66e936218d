/* SPDX-License-Identifier: ISC */
/*
 * value: what one word of postern.conf can say: numbers with units, switches, names, networks.
 *
 * Pure functions from text to value and back.  A reader answers NULL, or what is wrong in a few
 * words ("needs a unit: s, m, h or d") that follow the word itself in the message.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"
#include "conf/parts.h"

/* "30s" "5m" "1h30m" "5d" "250ms" "0" */
const char *value_ms(struct str s, int64_t *out);
/* "50M" "32K" "1G" "512": units of 1024 */
const char *value_bytes(struct str s, uint64_t *out);
const char *value_count(struct str s, uint64_t *out);
const char *value_bool(struct str s, bool *out);
/* A domain name, made lower case.  Any bytes above 127 pass: U-labels are taken as written. */
const char *value_domain(struct str s, struct arena *a, struct str *out);
/* "192.0.2.1:25", "[2001:db8::1]:25" */
const char *value_ip_port(struct str s, struct ip *ip, uint16_t *port);
/* "192.0.2.0/24", "2001:db8::/32", one address; bits below the mask must be zero */
const char *value_net(struct str s, struct net *out);
/* Where a route leads: see struct hop. */
const char *value_hop(struct str s, struct arena *a, struct hop *out);
/* A path: absolute, or below dir (itself as the file was named). */
const char *value_path(struct str s, struct str dir, struct arena *a, struct str *out);

/* The shortest text that reads back as the same value. */
void format_ms(struct buf *b, int64_t ms);
void format_bytes(struct buf *b, uint64_t n);
void format_net(struct buf *b, const struct net *net);

#endif

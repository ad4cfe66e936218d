/* SPDX-License-Identifier: ISC */
/*
 * maker: who made a recipient that no client named.
 *
 * 1. There are three constructors, each wants the evidence that its name says, and nothing else in
 *    the program names a maker: a recipient at another server comes from the administrator's
 *    tables, from a forward whose target confirmed it, or from a sender that we rewrote ourselves.
 *    Nothing in a message or an SMTP session can make one.
 * 2. queue does not take a recipient at another server that has neither been named by the client
 *    nor got a maker.
 * The numbers stand in journals.
 */
#ifndef ROUTE_MAKER_H
#define ROUTE_MAKER_H

#include "base/str.h"

enum route_maker { MAKER_NONE, MAKER_ADMIN_ALIAS, MAKER_CONFIRMED_FORWARD, MAKER_VERIFIED_SRS };

struct maker { enum route_maker who; };	/* {}: the client named it */

struct target;

/* What vault said of an SRS address: filled in by queue/vault.c and by nobody else. */
struct srs_verified { struct str address, original; };

/* A line of the forwards table that says "confirmed": filled in by route/find.c alone. */
struct forward_confirmed { struct str user, target; };

/* t: from a table that lookup read. */
struct maker maker_admin_alias(const struct target *t);
struct maker maker_confirmed_forward(const struct forward_confirmed *f);
struct maker maker_verified_srs(const struct srs_verified *v);
/* The administrator's own hand: `postern queue redirect`. */
struct maker maker_admin_redirect(void);

const char *maker_name(enum route_maker m);

#endif

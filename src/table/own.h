/* SPDX-License-Identifier: ISC */
/*
 * own: the addresses of this host, carried in the image beside the tables.
 *
 * lookup asks the system before its sandbox closes; smtpd and queue must agree on whether
 * user@[192.0.2.1] is ours.  Loopback and unspecified addresses are never in the list.
 */
#ifndef TABLE_OWN_H
#define TABLE_OWN_H

#include "base/ip.h"
#include "table/tables.h"

/* Asks the system once; later calls do nothing. */
void own_addresses_learn(void);
void own_addresses_build(struct image_builder *b);
bool tables_own_address(const struct tables *t, struct ip ip);

#endif

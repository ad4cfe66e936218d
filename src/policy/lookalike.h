/* SPDX-License-Identifier: ISC */
/*
 * lookalike: names that are not somebody's and are made to look so.
 *
 * A domain resembles one of ours, or a protected one, when it has the same skeleton (UTS 39), is
 * one typing mistake away from it, or carries its whole name to the left of another.  Pure.
 */
#ifndef POLICY_LOOKALIKE_H
#define POLICY_LOOKALIKE_H

#include "conf/config.h"
#include "policy/rules.h"

/* Which name it imitates; empty: none.  shown: the same with U-labels. */
struct str look_alike(const struct config *cfg, struct str domain, struct str shown);
/* A label of several scripts that are never written together. */
bool look_mixed(struct str shown);
/* The From field holds an address of ours or of a protected domain for a name, or any in brackets
 * beside the author's. */
bool look_names_us(const struct policy *p, struct str name);
/* The name is a known person's, the address is not. */
bool look_is_vip(const struct config *cfg, const struct sender_facts *w);

#endif

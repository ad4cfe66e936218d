/* SPDX-License-Identifier: ISC */
/*
 * account: what lookup answers about one user (message account_answer).
 *
 * The question has a domain of ours and a user; an empty domain asks for an account of the system.
 */
#ifndef TABLE_ACCOUNT_H
#define TABLE_ACCOUNT_H

enum lookup_answer {			/* in the order of local's enum account_answer */
	LOOKUP_VIRTUAL,			/* a user without ids of its own */
	LOOKUP_OWN,			/* uid, gid and home are given */
	LOOKUP_UNKNOWN,
	LOOKUP_LATER,
};

#endif

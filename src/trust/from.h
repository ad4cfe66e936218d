/* SPDX-License-Identifier: ISC */
/*
 * from: what can be wrong with a From field.  For those who know no header.
 */
#ifndef TRUST_FROM_H
#define TRUST_FROM_H

enum from_fault {			/* a set; why the From field names no single author */
	FROM_MISSING = 1, FROM_TWICE = 2, FROM_MANY = 4, FROM_GROUP = 8, FROM_ROUTE = 16,
	FROM_BAD = 32, FROM_CONTROL = 64, FROM_ENCODED = 128, FROM_NO_DOMAIN = 256,
	FROM_DOMAINS = 512,		/* several domains */
};

#endif

/* SPDX-License-Identifier: ISC */
/*
 * date: RFC 5322 3.3 date-time, with the obsolete forms of 4.3, and back.
 *
 * Pure arithmetic on the proleptic Gregorian calendar; no clock, no time zone data base.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/buf.h"
#include "base/cur.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct date {
	int year, month, day;		/* month 1-12 */
	int hour, minute, second;	/* second 0-60 */
	int zone;			/* minutes east of Greenwich */
	bool zone_unknown;		/* "-0000", military or unknown zone */
	bool obsolete;			/* obs-date: 2 digit year, named zone, CFWS ... */
};

/* The whole text is one date-time. */
bool date_parse(struct str text, struct date *out, struct perr *err);
/* What a text that is no date-time may have meant; for diagnosis, never for a decision. */
bool date_guess(struct str text, struct date *out);
/* Seconds since 1970. */
int64_t date_unix(const struct date *d);
void date_of_unix(int64_t unix_s, int zone_min, struct date *out);
/* "Tue, 1 Jul 2003 10:52:37 +0200", 25-31 octets. */
bool date_format(struct buf *b, int64_t unix_s, int zone_min);

#endif

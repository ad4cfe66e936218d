/* SPDX-License-Identifier: ISC */
/*
 * filter: see filter.h.
 *
 * Pure but for the age, which is the queue's time.
 */
#include "queue/filter.h"

#include <stdlib.h>

#include "base/msgid.h"

static int
by_number(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

bool
filter_cheap(const struct queue *q, const struct filter *f, const struct entry *e)
{
	int64_t age = queue_wall_ms(q) - msgid_unix_ms(e->id);

	if (f->by_id && !bsearch(&e->id, f->id, f->nid, sizeof *f->id, by_number))
		return false;
	if (f->undelivered && !(e->flags & ENTRY_UNDELIVERED))
		return false;
	if (f->older_ms > 0 && age < f->older_ms)
		return false;
	return f->younger_ms <= 0 || age < f->younger_ms;
}

bool
filter_needs_record(const struct filter *f)
{
	return f->sender.n > 0 || f->recipient.n > 0 || f->domain.n > 0;
}

bool
filter_by_rcpt(const struct filter *f)
{
	return f->recipient.n > 0 || f->domain.n > 0 || f->reason.n > 0;
}

static bool
in_domain(struct str addr, struct str domain)
{
	ssize_t at = str_rchr(addr, '@');

	return at >= 0 && str_ieq(str_skip(addr, (size_t)at + 1), domain);
}

static bool
address_matches(struct str addr, struct str want)
{
	if (str_eq(want, STR("<>")))
		return addr.n == 0;
	if (str_starts(want, STR("@")))
		return in_domain(addr, str_skip(want, 1));
	if (str_chr(want, '@') < 0)
		return in_domain(addr, want);
	return str_ieq(addr, want);
}

bool
filter_message(const struct filter *f, const struct spool_msg *m)
{
	return f->sender.n == 0 || address_matches(m->env.sender, f->sender);
}

static bool
contains(struct str s, struct str what)
{
	for (size_t i = 0; i + what.n <= s.n; i++)
		if (str_ieq(str_sub(s, i, what.n), what))
			return true;
	return false;
}

bool
filter_rcpt(const struct queue *q, const struct filter *f, const struct unit *u, struct str addr)
{
	const struct reason *r = reason_of(&q->reasons, u->reason ? u->reason :
	    u->dest ? u->dest->reason : 0);

	if (f->recipient.n > 0 && !address_matches(addr, f->recipient))
		return false;
	if (f->domain.n > 0 && !in_domain(addr, f->domain))
		return false;
	if (f->reason.n == 0)
		return true;
	return contains(r->reply, f->reason) || contains(r->status, f->reason) ||
	    contains(r->mta, f->reason) ||
	    ((u->reason || (u->dest && u->dest->reason)) &&
	    str_ieq(f->reason, str_of(out_class_name(r->class))));
}

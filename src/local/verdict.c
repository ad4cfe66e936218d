/* SPDX-License-Identifier: ISC */
/*
 * verdict: see verdict.h.
 */
#include "local/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

static const struct {
	int err;
	enum out_class class;
	const char *status, *text;
} meaning[] = {
	{ EDQUOT, CLASS_QUOTA, "4.2.2", "mailbox over quota" },
	{ ENOSPC, CLASS_OWN, "4.3.1", "no space for the mailbox" },
	{ EFBIG, CLASS_QUOTA, "4.2.2", "message larger than the mailbox takes" },
	{ EIO, CLASS_OWN, "4.3.0", "disk error in the mailbox" },
	{ EROFS, CLASS_OWN, "4.3.0", "mailbox is read-only" },
	{ EACCES, CLASS_OWN, "4.3.5", "no right to write the mailbox" },
	{ EPERM, CLASS_OWN, "4.3.5", "mailbox path refused" },
	{ ELOOP, CLASS_OWN, "4.3.5", "symbolic link in the mailbox path" },
	{ ENOENT, CLASS_OWN, "4.3.5", "mailbox directory is missing" },
	{ ENOTDIR, CLASS_OWN, "4.3.5", "mailbox path is no directory" },
	{ EAGAIN, CLASS_OWN, "4.3.2", "too many mailboxes in one batch" },
};

void
verdict_outcome(struct delivery *d, int err, const char *what)
{
	struct outcome *o = &d->out;
	const char *text = "delivery failed for now";

	*o = (struct outcome){ .idx = d->rcpt->idx, .kind = OUT_DELIVERED };
	if (err == 0) {
		o->status = STR("2.1.5");
		o->reply = STR("delivered to mailbox");
		return;
	}
	o->kind = OUT_TEMP;
	o->class = CLASS_OWN;
	o->status = STR("4.3.0");
	for (size_t i = 0; i < COUNT(meaning); i++)
		if (meaning[i].err == err) {
			o->class = meaning[i].class;
			o->status = str_of(meaning[i].status);
			text = meaning[i].text;
		}
	int n = snprintf(d->text, sizeof d->text, "%s%s%.64s", text, what[0] != '\0' ? ": " : "",
	    what);

	o->reply = (struct str){ d->text, (size_t)n };
}

void
verdict_unreadable(struct delivery *d, enum sr why)
{
	bool gone = why == SR_GONE || why == SR_DAMAGED;

	d->out = (struct outcome){
		.idx = d->rcpt->idx, .kind = OUT_TEMP, .class = CLASS_OWN, .status = STR("4.3.0"),
		.reply = gone ? STR("content is not readable in the spool") :
		    STR("content cannot be read from the spool for now"),
	};
}

void
verdict_unknown(struct delivery *d)
{
	d->out = (struct outcome){
		.idx = d->rcpt->idx, .kind = OUT_PERM, .class = CLASS_RCPT, .status = STR("5.1.1"),
		.reply = STR("no such user here"),
	};
}

uint64_t
return_path_strip(char *p, uint64_t n)
{
	static const struct str name = { "return-path:", 12 };
	char *at = p, *end = p + n;

	while (at < end && *at != '\r' && *at != '\n') {
		bool drop = str_istarts((struct str){ at, (size_t)(end - at) }, name);
		char *next = at;

		/* a field goes on while the next line begins with a blank */
		do {
			char *nl = memchr(next, '\n', (size_t)(end - next));

			next = nl != NULL ? nl + 1 : end;
		} while (next < end && (*next == ' ' || *next == '\t'));
		if (drop) {
			memmove(at, next, (size_t)(end - next));
			end -= next - at;
		} else {
			at = next;
		}
	}
	return (uint64_t)(end - p);
}

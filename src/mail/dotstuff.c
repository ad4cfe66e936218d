/* SPDX-License-Identifier: ISC */
/*
 * dotstuff: the end of DATA and the dots before it, see dotstuff.h.
 *
 *	BOL --.--> DOT --CR--> DOT_CR --LF--> end of the message
 *	 |          |            `--else--> a bare CR is given out, MID
 *	 |          `--else--> the dot was stuffing, MID
 *	 `--else--> MID --CR--> CR --LF--> BOL;  CR --else--> bare, MID
 *
 * A dot at the start of a line is never given out: it is either stuffing or the end.  Lines are
 * found by memchr; a run reaches over as many lines as have no stuffing.
 */
#include "mail/dotstuff.h"

#include <string.h>

#include "base/utf8.h"

enum { BOL, MID, CR, DOT, DOT_CR };

void
dot_in_init(struct dot_in *d, uint64_t line_max)
{
	*d = (struct dot_in){ .line_max = line_max };
}

static void
count_line(struct dot_in *d, const char *from, const char *to)
{
	d->line += (uint64_t)(to - from);
	if (d->line_max != 0 && d->line > d->line_max)
		d->faults |= DOT_LONG_LINE;
}

/* From p to behind the next CRLF, or to the end; d->state tells where it stands then. */
static const char *
scan_line(struct dot_in *d, const char *p, const char *end)
{
	const char *cr, *lf, *stop;

	if (d->state == CR) {
		if (*p == '\n') {
			d->state = BOL;
			d->line = 0;
			return p + 1;
		}
		d->faults |= DOT_BARE_CR;
	}
	d->state = MID;
	cr = memchr(p, '\r', (size_t)(end - p));
	stop = cr != NULL ? cr : end;
	while ((lf = memchr(p, '\n', (size_t)(stop - p))) != NULL) {
		d->faults |= DOT_BARE_LF;
		count_line(d, p, lf);
		d->line = 0;
		p = lf + 1;
	}
	count_line(d, p, stop);
	if (cr == NULL)
		return end;
	d->state = CR;
	if (cr + 1 == end || cr[1] != '\n')
		return cr + 1;
	d->state = BOL;
	d->line = 0;
	return cr + 2;
}

static void
look_at(struct dot_in *d, struct str run)
{
	if (memchr(run.p, '\0', run.n) != NULL)
		d->faults |= DOT_NUL;
	if (d->watch_8bit && !d->eight_bit)
		d->eight_bit = !utf8_is_ascii(run);
	d->size += run.n;
}

static enum dot
give(struct dot_in *d, struct str *in, size_t used, struct str *run)
{
	*run = str_sub(*in, 0, used);
	*in = str_skip(*in, used);
	if (run->n == 0)
		return DOT_MORE;
	look_at(d, *run);
	return DOT_RUN;
}

/* The states in which a dot is held back; true when *in was decided upon and answer is right. */
static bool
after_dot(struct dot_in *d, struct str *in, struct str *run, enum dot *answer)
{
	char ch = in->p[0];

	if (d->state == DOT) {
		d->state = ch == '\r' ? DOT_CR : MID;
		if (ch == '\r')
			*in = str_skip(*in, 1);
		return false;
	}
	if (ch == '\n') {
		d->state = BOL;
		*in = str_skip(*in, 1);
		*answer = DOT_END;
		return true;
	}
	d->state = MID;
	d->faults |= DOT_BARE_CR;
	d->size++;
	*run = STR("\r");
	*answer = DOT_RUN;
	return true;
}

enum dot
dot_in_next(struct dot_in *d, struct str *in, struct str *run)
{
	enum dot answer;
	const char *p, *end;

	*run = (struct str){};
	while (in->n > 0 && (d->state == DOT || d->state == DOT_CR || d->state == BOL)) {
		if (d->state != BOL) {
			if (after_dot(d, in, run, &answer))
				return answer;
		} else if (in->p[0] == '.') {
			d->state = DOT;
			*in = str_skip(*in, 1);
		} else {
			break;
		}
	}
	if (in->n == 0)
		return DOT_MORE;
	p = in->p;
	end = p + in->n;
	while (p < end && !(d->state == BOL && *p == '.'))
		p = scan_line(d, p, end);
	return give(d, in, (size_t)(p - in->p), run);
}

void
dot_check(struct dot_in *d, struct str in)
{
	const char *p = in.p, *end;

	if (in.n == 0)
		return;
	end = p + in.n;
	while (p < end)
		p = scan_line(d, p, end);
	look_at(d, in);
}

void
dot_check_end(struct dot_in *d)
{
	if (d->state == CR)
		d->faults |= DOT_BARE_CR;
}

enum { OUT_BOL, OUT_MID, OUT_DOTTED };

bool
dot_out_next(struct dot_out *d, struct str *in, struct str *run)
{
	const char *p = in->p, *end, *lf;

	if (in->n == 0)
		return false;
	end = p + in->n;
	if (d->state == OUT_BOL && *p == '.') {
		d->state = OUT_DOTTED;
		*run = STR(".");
		return true;
	}
	d->state = OUT_MID;
	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p = lf + 1;
		if (p == end || *p == '.') {
			d->state = OUT_BOL;
			break;
		}
	}
	if (d->state == OUT_MID)
		p = end;
	*run = str_sub(*in, 0, (size_t)(p - in->p));
	*in = str_skip(*in, run->n);
	return true;
}

struct str
dot_out_end(const struct dot_out *d)
{
	return d->state == OUT_BOL ? STR(".\r\n") : STR("\r\n.\r\n");
}

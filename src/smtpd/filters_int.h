/* SPDX-License-Identifier: ISC */
/*
 * filters_int: what filters.c (order and verdicts), filter_talk.c (what a milter is told),
 * filter_policy.c (policy services), filter_body.c (content) and filter_change.c (changes) share.
 */
#ifndef SMTPD_FILTERS_INT_H
#define SMTPD_FILTERS_INT_H

#include "smtpd/edit.h"
#include "smtpd/filters.h"
#include "smtpd/milter.h"
#include "smtpd/policy_wire.h"

enum {
	STREAM_AT = 128 << 10,		/* longer bodies are sent while they arrive */
	CHANGES_MAX = 1000,		/* of one filter */
	FIELDS_MEMORY = 4 << 20,
};

struct filter_run {			/* one filter in this session */
	const struct filter_conf *conf;
	size_t index;			/* in the configuration */
	struct milter m;
	struct conn *c;			/* policy service */
	bool greeted;			/* CONNECT and HELO were said */
	bool over;			/* it does not want to hear more of this session */
	bool done;			/* ... of this message */
	bool begun;			/* MAIL was said */
	bool no_body;
	bool refused;			/* the session: */
	struct reply standing;
	char standing_text[256];
	char helo[HELO_MAX + 1];	/* as it was told */
};

struct change {				/* in filters.mem */
	struct change *next;
	struct milter_answer a;
};

struct filters {
	struct session *s;
	size_t n;
	/* the message */
	bool on;
	struct arena mem;
	struct buf chunk;
	bool streaming;
	struct str discard, hold, hold_why;	/* labels of who wants it */
	struct verdict bad;		/* reached while content arrived */
	struct change *prepend;		/* of policy services */
	/* changes of the filter that is being asked */
	struct change *change, **change_end;
	size_t nchange;
	struct spool_draft *body;
	char body_tail[2];		/* its last octets */
	struct filter_run run[];
};

/* filters.c */
/* Has the filter's word an effect?  True: on to the next one. */
bool filters_heed(struct filters *fl, struct filter_run *run, enum milter_says says,
    const struct reply *r, struct verdict *v);
/* The filter cannot be asked. */
bool filters_failed(struct filters *fl, struct filter_run *run, const char *why,
    struct verdict *v);

/* filter_talk.c; all suspend */
enum milter_says talk_mail(struct filters *fl, struct filter_run *run, struct reply *r);
enum milter_says talk_rcpt(struct filters *fl, struct filter_run *run, struct str to,
    struct reply *r);
enum milter_says talk_data(struct filters *fl, struct filter_run *run, struct reply *r);
enum milter_says talk_header(struct filters *fl, struct filter_run *run, struct reply *r);
enum milter_says talk_body(struct filters *fl, struct filter_run *run, struct str body,
    struct reply *r);
enum milter_says talk_end(struct filters *fl, struct filter_run *run, struct reply *r);

/* filter_policy.c; suspends.  False: v says why. */
bool policy_service_ask(struct filters *fl, struct filter_run *run, const struct path *to,
    struct verdict *v);

/* filter_change.c */
bool change_take(void *ctx, const struct milter_answer *a);
/* All that was taken: into the message, or away.  suspend */
void change_apply(struct filters *fl, struct filter_run *run);
void change_drop(struct filters *fl);

/* filter_body.c */
/* The rest of what streams.  suspends */
void body_flush(struct filters *fl);

#endif

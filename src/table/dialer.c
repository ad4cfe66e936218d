/* SPDX-License-Identifier: ISC */
/*
 * dialer: see dialer.h.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/num.h"
#include "rt/dial.h"
#include "rt/group.h"
#include "rt/log.h"
#include "table/dialer.h"

enum { AT_ONCE_MAX = 512, TIMEOUT_MAX = 60'000 };

struct dialer {
	const struct config *cfg;
	struct group *group;
	uint64_t failed[FILTERS_MAX];	/* in a row, for the log */
};

struct dialling {
	struct dialer *d;
	uint64_t channel;
	uint32_t tag, filter, timeout_ms;
};

/* What host names stood for when this process began. */
static struct {
	struct ip ip;
	bool known;
} learned[FILTERS_MAX];

static bool
look_up(struct str host, struct ip *out)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char name[256];
	bool ok = false;

	if (host.n >= sizeof name)
		return false;
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	if (getaddrinfo(name, NULL, &want, &found) != 0)
		return false;
	for (const struct addrinfo *ai = found; ai != NULL && !ok; ai = ai->ai_next) {
		struct sockaddr_storage ss = {};
		uint16_t port;

		memcpy(&ss, ai->ai_addr, MIN((size_t)ai->ai_addrlen, sizeof ss));
		ok = ip_from_sockaddr(&ss, out, &port);
	}
	freeaddrinfo(found);
	return ok;
}

void
dialer_learn(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->nfilter && i < FILTERS_MAX; i++) {
		const struct filter_conf *f = &cfg->filter[i];

		if (f->path.n > 0)
			continue;
		learned[i].ip = f->ip;
		learned[i].known = f->host.n == 0 || look_up(f->host, &learned[i].ip);
		if (learned[i].known)
			continue;
		log_begin(LOG_ERROR, "filter_unknown_host");
		log_s("filter", f->name);
		log_s("host", f->host);
		log_end();
	}
}

struct dialer *
dialer_new(const struct config *cfg)
{
	struct dialer *d = calloc(1, sizeof *d);

	if (d == NULL)
		abort();
	d->cfg = cfg;
	d->group = group_open(FOREVER);
	return d;
}

void
dialer_free(struct dialer *d)
{
	group_cancel(d->group);
	(void)group_wait(&d->group);
	free(d);
}

static void
refuse(struct ipc *ch, uint32_t tag, bool timed_out, int why)
{
	if (ch != NULL)
		(void)ipc_send(ch, MSG_filter_none, &(struct msg_filter_none){
		    .tag = tag, .timed_out = timed_out, .why = (uint32_t)why });
}

static void
note_failure(struct dialer *d, const struct dialling *j, int err)
{
	const struct filter_conf *f = &d->cfg->filter[j->filter];
	uint64_t n = ++d->failed[j->filter];

	if ((n & (n - 1)) != 0)			/* the 1st, 2nd, 4th, 8th ... in a row */
		return;
	log_begin(LOG_WARN, "filter_unreachable");
	log_s("filter", f->name);
	log_s("address", f->address);
	log_u("errno", (uint64_t)err);
	log_u("times", n);
	log_end();
}

static void
dial_run(void *arg)
{
	struct dialling j = *(struct dialling *)arg;
	const struct filter_conf *f = &j.d->cfg->filter[j.filter];
	char path[108] = "";
	struct dial to = {
		.to = learned[j.filter].ip, .port = f->port,
		.path = f->path.n > 0 ? path : NULL,
		.deadline_ms = now_ms() + MIN(j.timeout_ms, (uint32_t)TIMEOUT_MAX),
	};
	struct conn *c = NULL;
	enum io why = IO_BROKEN;
	struct ipc *ch;
	int err = EHOSTUNREACH;

	free(arg);
	memcpy(path, f->path.p, MIN(f->path.n, sizeof path - 1));
	if (f->path.n > 0 || learned[j.filter].known)
		c = dial(&to, &why, &err);
	ch = ipc_by_id(j.channel);
	if (c == NULL) {
		note_failure(j.d, &j, err);
		refuse(ch, j.tag, why == IO_TIMEOUT, err);
		return;
	}
	j.d->failed[j.filter] = 0;
	if (ch != NULL)
		(void)ipc_send_fd(ch, MSG_filter_socket,
		    &(struct msg_filter_socket){ .tag = j.tag }, conn_fd(c));
	conn_close(c);				/* the channel has its own copy */
}

void
dialer_ask(struct dialer *d, struct ipc *ch, const struct msg_filter_ask *m)
{
	struct dialling *j = NULL;

	if (m->filter < d->cfg->nfilter && group_count(d->group) < AT_ONCE_MAX)
		j = malloc(sizeof *j);
	if (j != NULL) {
		*j = (struct dialling){ d, ipc_id(ch), m->tag, m->filter, m->timeout_ms };
		if (group_go(d->group, "dial", dial_run, j))
			return;
		free(j);
	}
	refuse(ch, m->tag, false, EAGAIN);
}

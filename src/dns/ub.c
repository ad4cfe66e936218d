/* SPDX-License-Identifier: ISC */
/*
 * ub: see ub.h.  libunbound's pluggable event interface (unbound-event.h) asks for a base that
 * makes events and for events with a dozen methods; signals and Windows' are never called.
 *
 * An event is one of: a descriptor (watch), a time (timer), or both.  As with libevent, one that is
 * not persistent is deactivated before its callback, and a callback may free its event.
 */
#include "dns/ub.h"

#include <stdlib.h>
#include <sys/time.h>
#include <unbound.h>
#include <unistd.h>
#include <unbound-event.h>

#include "base/buf.h"
#include "base/num.h"
#include "rt/loop.h"
#include "rt/timer.h"

#define ROOT_KEY "/usr/share/dns/root.key"	/* where Debian's dns-root-data keeps it */

struct ub {
	struct ub_event_base base;	/* first: libunbound gives it back to us */
	struct ub_ctx *ctx;
};

struct event {
	struct ub_event super;		/* first */
	struct fd_watch watch;
	struct timer timer;
	struct timeval every;		/* of a persistent timeout */
	void (*cb)(int, short, void *);
	void *arg;
	int fd;
	short bits;
	bool timed;
};

static void
event_fire(struct event *e, short what)
{
	void (*cb)(int, short, void *) = e->cb;

	if (!(e->bits & UB_EV_PERSIST)) {
		fd_watch_clear(&e->watch);
		timer_clear(&e->timer);
	}
	cb(e->fd, what, e->arg);	/* e may be gone now */
}

static void
on_ready(void *arg, unsigned ready)
{
	struct event *e = arg;
	short what = 0;

	if (ready & FD_READ)
		what |= UB_EV_READ;
	if (ready & FD_WRITE)
		what |= UB_EV_WRITE;
	what &= e->bits;
	if (what)
		event_fire(e, what);
}

static void on_time(void *arg);

static int64_t
ms_of(const struct timeval *tv)
{
	return (int64_t)tv->tv_sec * 1000 + (tv->tv_usec + 999) / 1000;
}

static void
timer_arm(struct event *e, const struct timeval *tv)
{
	e->every = *tv;
	e->timed = true;
	timer_set(&e->timer, now_ms() + ms_of(tv), on_time, e);
}

static void
on_time(void *arg)
{
	struct event *e = arg;

	if (e->bits & UB_EV_PERSIST && e->timed)
		timer_arm(e, &e->every);
	event_fire(e, UB_EV_TIMEOUT);
}

static int
event_del(struct ub_event *ev)
{
	struct event *e = (struct event *)ev;

	fd_watch_clear(&e->watch);
	timer_clear(&e->timer);
	e->timed = false;
	return 0;
}

static int
event_add(struct ub_event *ev, struct timeval *tv)
{
	struct event *e = (struct event *)ev;

	(void)event_del(ev);
	if (e->fd >= 0 && e->bits & (UB_EV_READ | UB_EV_WRITE)) {
		e->watch = (struct fd_watch){ .fd = e->fd, .fn = on_ready, .arg = e };
		e->watch.what = (e->bits & UB_EV_READ ? FD_READ : 0u) |
		    (e->bits & UB_EV_WRITE ? FD_WRITE : 0u);
		if (!fd_watch_set(&e->watch))
			return -1;
	}
	if (tv && e->bits & UB_EV_TIMEOUT)
		timer_arm(e, tv);
	return 0;
}

static void
event_add_bits(struct ub_event *ev, short bits)
{
	(void)event_del(ev);
	((struct event *)ev)->bits |= bits;
}

static void
event_del_bits(struct ub_event *ev, short bits)
{
	(void)event_del(ev);
	((struct event *)ev)->bits &= (short)~bits;
}

static void
event_set_fd(struct ub_event *ev, int fd)
{
	(void)event_del(ev);
	((struct event *)ev)->fd = fd;
}

static void
event_free(struct ub_event *ev)
{
	(void)event_del(ev);
	free(ev);
}

static int
timer_add(struct ub_event *ev, struct ub_event_base *base, void (*cb)(int, short, void *),
    void *arg,
    struct timeval *tv)
{
	struct event *e = (struct event *)ev;

	(void)base;
	(void)event_del(ev);
	e->cb = cb;
	e->arg = arg;
	e->bits |= UB_EV_TIMEOUT;
	timer_arm(e, tv);
	return 0;
}

static int
signal_none(struct ub_event *ev, struct timeval *tv)
{
	(void)ev;
	(void)tv;
	return -1;
}

static int
signal_del_none(struct ub_event *ev)
{
	(void)ev;
	return 0;
}

static void
winsock_none(struct ub_event *ev)
{
	(void)ev;
}

static void
winsock_block_none(struct ub_event *ev, int bit)
{
	(void)ev;
	(void)bit;
}

static struct ub_event_vmt event_methods = {
	.add_bits = event_add_bits, .del_bits = event_del_bits, .set_fd = event_set_fd,
	.free = event_free, .add = event_add, .del = event_del, .add_timer = timer_add,
	.del_timer = event_del, .add_signal = signal_none, .del_signal = signal_del_none,
	.winsock_unregister_wsaevent = winsock_none, .winsock_tcp_wouldblock = winsock_block_none,
};

static struct ub_event *
event_new(struct ub_event_base *base, int fd, short bits, void (*cb)(int, short, void *), void *arg)
{
	struct event *e = calloc(1, sizeof *e);

	(void)base;
	if (!e)
		return NULL;
	e->super = (struct ub_event){ UB_EVENT_MAGIC, &event_methods };
	e->fd = fd;
	e->bits = bits;
	e->cb = cb;
	e->arg = arg;
	return &e->super;
}

static struct ub_event *
signal_new(struct ub_event_base *base, int fd, void (*cb)(int, short, void *), void *arg)
{
	return event_new(base, fd, 0, cb, arg);
}

static struct ub_event *
winsock_new(struct ub_event_base *base, void *wsa, void (*cb)(int, short, void *), void *arg)
{
	(void)wsa;
	return event_new(base, -1, 0, cb, arg);
}

static void
base_free(struct ub_event_base *base)
{
	(void)base;
}

static int
base_dispatch(struct ub_event_base *base)
{
	(void)base;
	return -1;
}

static int
base_exit(struct ub_event_base *base, struct timeval *tv)
{
	(void)base;
	(void)tv;
	return 0;
}

static struct ub_event_base_vmt base_methods = {
	.free = base_free, .dispatch = base_dispatch, .loopexit = base_exit, .new_event = event_new,
	.new_signal = signal_new, .winsock_register_wsaevent = winsock_new,
};

/* Bounds, and what a mail server needs of a resolver. */
static const struct {
	const char *name, *value;
} options[] = {
	{ "outgoing-range:", "512" }, { "num-queries-per-thread:", "512" },
	{ "outgoing-num-tcp:", "32" }, { "jostle-timeout:", "2000" },
	{ "msg-cache-size:", "8m" }, { "rrset-cache-size:", "16m" }, { "key-cache-size:", "4m" },
	{ "neg-cache-size:", "1m" }, { "infra-cache-numhosts:", "10000" },
	{ "edns-buffer-size:", "1232" }, { "cache-max-ttl:", "86400" },
	{ "cache-max-negative-ttl:", "900" }, { "harden-below-nxdomain:", "yes" },
	{ "val-clean-additional:", "yes" },
	/* Names and addresses inside a company's net are ours to resolve. */
	{ "unblock-lan-zones:", "yes" }, { "insecure-lan-zones:", "yes" },
};

/* Zones libunbound answers by itself unless told not to; a test net may use them. */
static const char *const local_zones[] = { "test.", "home.arpa.", "invalid.", "onion.",
    "localhost." };

static struct str
server_text(struct buf *b, const struct dns_server *s)
{
	char ip[IP_TEXT_MAX];

	buf_reset(b);
	(void)buf_put(b, ip_format(s->ip, ip));
	(void)buf_putf(b, "@%u", (unsigned)s->port);
	(void)buf_putc(b, 0);
	return buf_str(b);
}

static bool
set_servers(struct ub *u, const struct dns_conf *conf, const char *resolv_conf)
{
	struct buf b, zone;
	bool ok = true;

	buf_init(&b, 128);
	buf_init(&zone, 1100);
	for (size_t i = 0; ok && i < conf->nserver; i++)
		ok = ub_ctx_set_fwd(u->ctx, server_text(&b, &conf->server[i]).p) == 0;
	for (size_t i = 0; ok && i < conf->nstub; i++) {
		buf_reset(&zone);
		ok = buf_put(&zone, conf->stub[i].zone) && buf_putc(&zone, 0);
		for (size_t k = 0; ok && k < conf->stub[i].nserver; k++)
			ok = ub_ctx_set_stub(u->ctx, zone.p,
			    server_text(&b, &conf->stub[i].server[k]).p, 0) == 0;
	}
	buf_done(&b);
	buf_done(&zone);
	if (ok && conf->nserver == 0 && conf->nstub == 0 && resolv_conf)
		(void)ub_ctx_resolvconf(u->ctx, resolv_conf);	/* names none: the root servers */
	return ok;
}

static bool
loopback_wanted(const struct dns_conf *conf)
{
	bool wanted = conf->query_localhost || conf->nserver == 0;

	for (size_t i = 0; i < conf->nserver; i++)
		wanted = wanted || ip_is_loopback(conf->server[i].ip);
	for (size_t i = 0; i < conf->nstub; i++)
		for (size_t k = 0; k < conf->stub[i].nserver; k++)
			wanted = wanted || ip_is_loopback(conf->stub[i].server[k].ip);
	return wanted;
}

/* Has the zone, or one above it but the root, an anchor of its own? */
static bool
zone_anchored(const struct dns_conf *conf, struct str zone)
{
	if (str_ends(zone, STR(".")))
		zone.n--;
	for (size_t i = 0; i < conf->nanchor; i++) {
		struct str rest = conf->anchor[i], owner = str_split(&rest, ' ');

		if (str_ends(owner, STR(".")))
			owner.n--;
		if (owner.n && (str_ieq(zone, owner) || (zone.n > owner.n && str_iends(zone,
		    owner) &&
		    zone.p[zone.n - owner.n - 1] == '.')))
			return true;
	}
	return conf->anchor_file.n;		/* it may: then it must */
}

/* A stub zone is ours and hangs in no chain from the root, unless an anchor says so. */
static bool
set_insecure_stubs(struct ub *u, const struct dns_conf *conf)
{
	struct buf b;
	bool ok = true;

	buf_init(&b, 1100);
	for (size_t i = 0; ok && i < conf->nstub; i++) {
		buf_reset(&b);
		ok = zone_anchored(conf, conf->stub[i].zone) ||
		    (buf_put(&b, conf->stub[i].zone) && buf_putc(&b, 0) &&
		    ub_ctx_set_option(u->ctx, "domain-insecure:", b.p) == 0);
	}
	buf_done(&b);
	return ok;
}

static bool
set_anchors(struct ub *u, const struct dns_conf *conf)
{
	struct buf b;
	bool ok = set_insecure_stubs(u, conf);

	if (!conf->validate)
		return ub_ctx_set_option(u->ctx, "module-config:", "iterator") == 0;
	if (conf->nanchor == 0 && conf->anchor_file.n == 0 && access(ROOT_KEY, R_OK) == 0)
		ok = ok && ub_ctx_add_ta_file(u->ctx, ROOT_KEY) == 0;
	buf_init(&b, 8192);
	for (size_t i = 0; ok && i < conf->nanchor; i++) {
		buf_reset(&b);
		ok = buf_put(&b, conf->anchor[i]) && buf_putc(&b, 0) && ub_ctx_add_ta(u->ctx,
		    b.p) == 0;
	}
	buf_reset(&b);
	if (ok && conf->anchor_file.n)
		ok = buf_put(&b, conf->anchor_file) && buf_putc(&b, 0) &&
		    ub_ctx_add_ta_file(u->ctx, b.p) == 0;
	buf_done(&b);
	return ok;
}

static const char *
set_up(struct ub *u, const struct dns_conf *conf, const char *resolv_conf)
{
	(void)ub_ctx_debugout(u->ctx, NULL);
	for (size_t i = 0; i < COUNT(options); i++)
		if (ub_ctx_set_option(u->ctx, options[i].name, options[i].value) != 0)
			return options[i].name;
	if (loopback_wanted(conf) && ub_ctx_set_option(u->ctx, "do-not-query-localhost:", "no") !=
	    0)
		return "do-not-query-localhost";
	if (!set_servers(u, conf, resolv_conf))
		return "dns servers";
	if (!set_anchors(u, conf))
		return "dns trust anchors";
	/* Finalizes the context: files are read here, not at the first question. */
	for (size_t i = 0; i < COUNT(local_zones); i++)
		if (ub_ctx_zone_remove(u->ctx, local_zones[i]) != 0)
			return "local zones, or a file the dns block names";
	return NULL;
}

struct ub *
ub_new(const struct dns_conf *conf, const char *resolv_conf, const char **why)
{
	struct ub *u = calloc(1, sizeof *u);

	*why = "no memory";
	if (!u)
		return NULL;
	u->base = (struct ub_event_base){ UB_EVENT_MAGIC, &base_methods };
	u->ctx = ub_ctx_create_ub_event(&u->base);
	if (u->ctx && (*why = set_up(u, conf, resolv_conf)) == NULL)
		return u;
	ub_free(u);
	return NULL;
}

void
ub_free(struct ub *u)
{
	if (!u)
		return;
	if (u->ctx)
		ub_ctx_delete(u->ctx);
	free(u);
}

static void
on_done(void *arg, int rcode, void *packet, int n, int sec, char *why_bogus, int ratelimited)
{
	struct ub_question *q = arg;
	struct ub_said said = { .rcode = rcode, .why_bogus = why_bogus };

	(void)ratelimited;
	if (rcode == 0 && packet && n > 0)
		said.packet = str_from(packet, (size_t)n);
	/* Data may come with sec 1: forged answers must not leave here as answers. */
	said.bogus = sec == 1;
	said.secure = sec == 2 && !said.bogus;
	q->done(q->arg, &said);		/* q may be gone now */
}

bool
ub_ask(struct ub *u, struct ub_question *q, int *id)
{
	*id = 0;
	return ub_resolve_event(u->ctx, q->name, q->type, 1, q, on_done, id) == 0;
}

void
ub_ask_cancel(struct ub *u, int id)
{
	(void)ub_cancel(u->ctx, id);
}

/* SPDX-License-Identifier: ISC */
/*
 * testhouse: see testhouse.h.
 */
#include "smtpd/testhouse.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "rt/co.h"
#include "rt/disk.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "spool/reader.h"

static const char profile[] =
	"hostname mx.victim.example\n"
	"listen mx 127.0.0.1:2525\n"
	"test {\n check-senders no\n}\n"
	"listen submission 127.0.0.1:4650\n"
	"listen lmtp 127.0.0.1:2424\n"
	"listen local /run/postern.sock\n"
	"certificate /tls/chain.pem /tls/key.pem\n"
	"domain victim.example {\n"
	"    users file /users\n"
	"    deliver maildir /mail/{domain}/{user}\n"
	"}\n"
	"relay from network 203.0.113.0/24 sending-as any\n";

static const char default_limits[] = "limits {\n    message-size 10000000\n}\n";

static enum dest
who(void *ctx, const struct path *p, struct arena *a)
{
	static const char *const names[] = { "alice", "bob", "victim", "postmaster" };
	struct house *h = ctx;
	struct str local = p->local;
	ssize_t plus = str_chr(local, '+');

	(void)a;
	h->asked++;
	if (p->domain.n > 0 && !domain_eq(p->domain, STR("victim.example")))
		return DEST_REMOTE;
	if (plus > 0)
		local = str_sub(local, 0, (size_t)plus);
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_ieq(local, str_of(names[i])))
			return DEST_LOCAL;
	return DEST_UNKNOWN;
}

static struct config *
configure(const char *more)
{
	struct conf_errors errs = {};
	struct config *cfg;
	struct buf b;

	buf_init(&b, 64 << 10);
	(void)buf_put(&b, str_of(profile));
	(void)buf_put(&b, str_of(more ? more : default_limits));
	cfg = config_parse(buf_str(&b), "/test.conf", &errs);
	for (size_t i = 0; i < errs.n; i++)
		fprintf(stderr, "config %u:%u: " STR_F "\n", errs.e[i].line, errs.e[i].col,
		    STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	buf_done(&b);
	return cfg;
}

static struct str
uid_name(void *ctx, uint32_t uid, struct arena *a)
{
	(void)ctx;
	(void)a;
	return uid == 1234 ? STR("alice") : STR("");
}

static void
open_run(void *arg)
{
	struct house *h = arg;
	struct smtpd_ops ops = { .dest = who, .uid_name = uid_name, .ctx = h };

	h->dirfd = disk_opendir("/");
	h->spool = inhouse_new(h->dirfd);
	if (!h->spool)
		abort();
	h->srv = smtpd_new(h->cfg, inhouse_writer(h->spool), &ops);
}

struct house *
house_new(uint64_t seed, const char *more)
{
	struct house *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	log_sink(-1);
	h->cfg = configure(more);
	if (!h->cfg)
		abort();
	h->w = world_new(seed);
	if (!co_spawn("open", open_run, h))
		abort();
	(void)world_run(h->w);
	if (!h->srv)
		abort();
	return h;
}

static void
close_run(void *arg)
{
	struct house *h = arg;

	smtpd_free(h->srv);
	inhouse_free(h->spool);
	(void)disk_close(h->dirfd);
}

size_t
house_free(struct house *h)
{
	size_t left;

	if (!co_spawn("close", close_run, h))
		abort();
	(void)world_run(h->w);
	left = world_free(h->w);
	config_free(h->cfg);
	free(h);
	arena_trim();
	return left;
}

struct conn *
house_connect(struct house *h, const struct house_client *who_is_it)
{
	struct conn *end[2];
	struct visit v = { .srv = h->srv };

	world_pair(h->w, end);
	for (size_t i = 0; i < h->cfg->nlistener; i++)
		if (h->cfg->listener[i].kind == who_is_it->listener)
			v.listener = &h->cfg->listener[i];
	v.c = end[0];
	v.have_ip = who_is_it->listener != L_LOCAL;
	v.ip = who_is_it->ip;
	v.server_ip = v.listener->ip;
	v.have_uid = !v.have_ip;
	v.uid = who_is_it->uid;
	v.patient = !v.have_ip;
	(void)smtpd_visit_go(&v);
	return end[1];
}

void
house_run(struct house *h, void (*fn)(void *arg), void *arg)
{
	if (!co_spawn("client", fn, arg))
		abort();
	(void)world_run(h->w);
}

struct counting {
	size_t n;
	struct rec_place last;
};

static bool
on_record(void *ctx, const struct spool_rec *rec)
{
	struct counting *c = ctx;

	if (rec->type == REC_MSG) {
		c->n++;
		c->last = (struct rec_place){ rec->n, rec->gen, rec->offset };
	}
	return true;
}

size_t
house_messages(struct house *h, struct arena *a, struct str *last)
{
	struct sw_notice now = inhouse_notice(h->spool);
	struct spool_reader *sr = sr_new(h->dirfd, 8);
	struct counting c = {};
	struct spool_msg m;

	if (!sr)
		abort();
	for (uint64_t n = 1; n <= now.segno; n++) {
		struct sr_scan scan = { .segno = n, .gen = 1, .on_rec = on_record, .ctx = &c,
		    .to = n == now.segno ? now.committed : UINT64_MAX };

		if (sr_scan(sr, &scan) != SR_OK)
			abort();
	}
	if (last && c.n > 0 && (sr_message(sr, c.last, a, &m) != SR_OK ||
	    sr_whole(sr, &m.ref, a, last) != SR_OK))
		abort();
	sr_free(sr);
	return c.n;
}

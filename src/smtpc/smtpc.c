/* SPDX-License-Identifier: ISC */
/*
 * smtpc: the role's body: channels to queue, resolver and admin; hops do the work.
 *
 * A result that queue could not be told (it is away) is kept, packed as it will be sent, and told
 * when queue is there again.
 */
#include "smtpc/smtpc.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "dns/client.h"
#include "ipc/role.h"
#include "rt/log.h"
#include "smtpc/hops.h"

enum { WINDOW = 2000, OWN_IPS_MAX = 256, FILES_MAX = 128, UNSENT_ARENA = 1 << 20 };

struct unsent {
	struct link link;
	struct arena arena;
	uint64_t msgid;
	uint32_t jobno;
	struct outcome *out;
	size_t n;
};

struct smtpc {
	struct role_env *env;
	struct hops hops;
	struct dns_client *dns;
	struct spool_reader *reader;
	struct ipc *queue;		/* NULL while it is away */
	struct link unsent;
	struct self self;
};

/* What a job's content is read with. */
struct source {
	struct spool_reader *reader;
	const struct content_ref *ref;
};

static enum sr
source_whole(void *ctx, struct arena *a, struct str *out)
{
	struct source *s = ctx;

	return sr_whole(s->reader, s->ref, a, out);
}

static enum sr
source_verify(void *ctx)
{
	struct source *s = ctx;

	return sr_verify(s->reader, s->ref);
}

static enum sr
source_read(void *ctx, uint64_t off, char *to, size_t n)
{
	struct source *s = ctx;

	return sr_content(s->reader, s->ref, off, (struct sr_bytes){ to, n });
}

static enum sr
source_none(void *ctx, struct arena *a, struct str *out)
{
	(void)ctx;
	(void)a;
	(void)out;
	return SR_IO;
}

static void
source_of(void *ctx, const struct content_ref *ref, struct arena *a, struct body_source *out)
{
	struct smtpc *c = ctx;
	struct source *s = arena_alloc(a, sizeof *s);

	*out = (struct body_source){ .whole = source_none };
	if (!s)
		return;
	*s = (struct source){ c->reader, ref };
	*out = (struct body_source){ .whole = source_whole, .verify = source_verify,
	    .read = source_read, .ctx = s, .size = content_len(ref) };
}

static uint64_t
random_below(void *ctx, uint64_t below)
{
	(void)ctx;
	return below < 2 ? 0 : arc4random_uniform((uint32_t)MIN(below, (uint64_t)UINT32_MAX));
}

static void
unsent_free(struct unsent *u)
{
	list_remove(&u->link);
	arena_done(&u->arena);
	free(u);
}

/* queue is away: remember. */
static void
keep_result(struct smtpc *c, const struct attempt *at)
{
	struct unsent *u = calloc(1, sizeof *u);

	if (!u)
		return;				/* the job will be given out again */
	arena_init(&u->arena, UNSENT_ARENA);
	link_init(&u->link);
	u->msgid = at->job.msgid;
	u->jobno = at->job.jobno;
	u->n = at->job.nrcpt;
	u->out = arena_alloc(&u->arena, u->n * sizeof *u->out + 1);
	if (!u->out) {
		free(u);
		return;
	}
	for (size_t i = 0; i < u->n; i++) {
		u->out[i] = at->out[i];
		u->out[i].status = str_dup(&u->arena, at->out[i].status);
		u->out[i].reply = str_dup(&u->arena, at->out[i].reply);
		u->out[i].mta = str_dup(&u->arena, at->out[i].mta);
	}
	list_push(&c->unsent, &u->link);
}

/* No memory even for the outcomes. */
static void
refuse(struct smtpc *c, uint64_t msgid, uint32_t jobno, uint32_t idx)
{
	struct outcome o = { .idx = idx, .kind = OUT_TEMP, .class = CLASS_OWN,
	    .status = STR("4.3.0"), .reply = STR("out of memory") };

	if (c->queue)
		(void)outcome_send(c->queue, msgid, jobno, &o, 1);
}

static void
on_done(void *ctx, const struct attempt *at)
{
	struct smtpc *c = ctx;

	if (!at->out || !at->state) {
		for (size_t i = 0; i < at->job.nrcpt; i++)
			refuse(c, at->job.msgid, at->job.jobno, at->job.rcpt[i].idx);
		return;
	}
	if (!c->queue ||
	    !outcome_send(c->queue, at->job.msgid, at->job.jobno, at->out, at->job.nrcpt))
		keep_result(c, at);
}

/* ---- queue ---- */

static void
queue_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct smtpc *c = ipc_arg(ch);

	(void)call_id;
	(void)fd;
	if (c->queue != ch)
		return;
	if (type == MSG_job && !c->hops.draining && !hops_add(&c->hops, &m->job))
		for (size_t i = 0; i < m->job.nrcpt; i++)
			refuse(c, m->job.msgid, m->job.jobno, m->job.rcpt[i].idx);
	else if (type == MSG_job_cancel)
		hops_cancel(&c->hops, m->job_cancel.msgid, m->job_cancel.jobno);
}

static void
queue_closed(struct ipc *ch)
{
	struct smtpc *c = ipc_arg(ch);

	if (c->queue == ch)
		c->queue = NULL;
	ipc_close(ch);
}

/* transport.h 3: what is in hand, what could not be told, hello. */
static void
queue_meet(struct smtpc *c)
{
	LIST_EACH(l, &c->hops.works) {
		const struct load *w = CONTAINER_OF(l, struct load, all);
		const struct job *j = &w->at.job;

		for (size_t i = 0; i < j->nrcpt; ) {
			size_t n = 1;		/* runs of neighbours, which most jobs are */

			while (i + n < j->nrcpt && j->rcpt[i + n].idx == j->rcpt[i].idx + n)
				n++;
			(void)ipc_send(c->queue, MSG_job_inflight, &(struct msg_job_inflight){
			    .msgid = j->msgid, .jobno = j->jobno, .first_idx = j->rcpt[i].idx,
			    .nrcpt = (uint32_t)n });
			i += n;
		}
	}
	LIST_EACH(l, &c->unsent) {
		struct unsent *u = CONTAINER_OF(l, struct unsent, link);

		if (outcome_send(c->queue, u->msgid, u->jobno, u->out, u->n))
			unsent_free(u);
	}
	(void)ipc_send(c->queue, MSG_job_hello, &(struct msg_job_hello){ .window = WINDOW });
}

static void
queue_attach(struct smtpc *c, const char *name, int fd)
{
	static const struct ipc_ops ops = { .on_msg = queue_msg, .on_close = queue_closed };
	struct ipc *old = c->queue;

	c->queue = ipc_new(fd, name, &ops, c);
	if (old)
		ipc_close(old);
	if (c->queue)
		queue_meet(c);
}

/* ---- admin ---- */

static void
admin_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct smtpc *c = ipc_arg(ch);
	struct dns_client_stats dns = dns_client_stats(c->dns);
	struct buf b;

	(void)fd;
	if (type != MSG_admin_query || !call_id)
		return;
	buf_init(&b, 4096);
	if (str_eq(m->admin_query.op, STR("status")))
		(void)buf_putf(&b, "{\"jobs\":%zu,\"workers\":%zu,\"nexthops\":%zu,\"done\":%llu,"
		    "\"dns\":{\"asked\":%llu,\"cached\":%llu,\"entries\":%zu}}",
		    c->hops.nwork, c->hops.nworker, c->hops.dests.n,
		    (unsigned long long)c->hops.ndone,
		    (unsigned long long)dns.asked, (unsigned long long)dns.hits, dns.entries);
	else
		(void)buf_puts(&b, "{\"error\":\"unknown operation\"}");
	(void)ipc_reply(ch, call_id, MSG_admin_answer, &(struct msg_admin_answer){
	    .ok = str_eq(m->admin_query.op, STR("status")), .json = buf_str(&b) });
	buf_done(&b);
}

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	static const struct ipc_ops admin_ops = { .on_msg = admin_msg };
	struct smtpc *c = env->arg;

	if (peer->role == ROLE_QUEUE)
		queue_attach(c, peer->name, fd);
	else if (peer->role == ROLE_RESOLVER)
		dns_client_attach(c->dns, fd, peer->name);
	else if (peer->role == ROLE_ADMIN)
		(void)ipc_new(fd, peer->name, &admin_ops, c);
	else
		(void)close(fd);	/* vault: client certificates and logins come with TLS */
}

static void
on_status(struct role_env *env, uint32_t *sessions, uint64_t *done)
{
	struct smtpc *c = env->arg;

	*sessions = (uint32_t)c->hops.nworker;
	*done = c->hops.ndone;
}

/* ---- ourselves ---- */

static struct ip own_ip[OWN_IPS_MAX];	/* the machine's, as of the start */
static size_t nown_ip;

static void
own_add(struct ip ip)
{
	if (ip_is_any(ip) || nown_ip == OWN_IPS_MAX)
		return;
	for (size_t i = 0; i < nown_ip; i++)
		if (ip_eq(own_ip[i], ip))
			return;
	own_ip[nown_ip++] = ip;
}

/* Addresses of the interfaces and of the listeners. */
bool
smtpc_setup(struct role_env *env)
{
	struct ifaddrs *ifs = NULL;

	for (size_t i = 0; i < env->cfg->nlistener; i++)
		if (env->cfg->listener[i].path.n == 0)
			own_add(env->cfg->listener[i].ip);
	if (getifaddrs(&ifs) != 0)
		return true;		/* the names still tell us when a loop comes round */
	for (const struct ifaddrs *i = ifs; i; i = i->ifa_next) {
		struct sockaddr_storage ss = {};
		struct ip ip;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET &&
		    i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&ss, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		if (ip_from_sockaddr(&ss, &ip, NULL))
			own_add(ip);
	}
	freeifaddrs(ifs);
	return true;
}

static void
self_fill(struct smtpc *c)
{
	c->self = (struct self){ .hostname = c->env->cfg->hostname, .ip = own_ip, .nip = nown_ip };
	for (size_t i = 0; i < nown_ip; i++)
		c->self.v6 = c->self.v6 || (own_ip[i].v6 && !ip_is_loopback(own_ip[i]) &&
		    !ip_is_private(own_ip[i]));
}

static bool
smtpc_init(struct smtpc *c, struct role_env *env)
{
	*c = (struct smtpc){ .env = env };
	link_init(&c->unsent);
	self_fill(c);
	c->dns = dns_client_new();
	c->reader = sr_new(role_file(env, "spool"), FILES_MAX);
	return c->dns && c->reader && hops_init(&c->hops, &(struct hops_conf){
		.cfg = env->cfg, .dns = dns_client_ops(c->dns), .self = &c->self,
		.source = source_of, .done = on_done, .random = random_below, .ctx = c });
}

void
smtpc_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer, .on_status = on_status };
	struct smtpc c;

	if (!smtpc_init(&c, env)) {
		log_begin(LOG_ERROR, "smtpc_setup_failed");
		log_s("why", "no memory, or the spool cannot be read");
		log_end();
		return;
	}
	role_attach(env, &hooks, &c);
	role_wait_drain(env);
	hops_drain(&c.hops, env->drain_deadline - 500);
	if (c.queue)
		ipc_flush(c.queue);
	if (c.queue)
		ipc_close(c.queue);
	c.queue = NULL;
	while (!list_empty(&c.unsent))
		unsent_free(CONTAINER_OF(c.unsent.next, struct unsent, link));
	hops_done(&c.hops);
	dns_client_free(c.dns);
	sr_free(c.reader);
}

/* SPDX-License-Identifier: ISC */
/*
 * direct: see direct.h.  The asker parks; the answer is decoded on the loop's stack into its arena.
 */
#include "dns/direct.h"

#include <stdlib.h>

#include "dns/ub.h"
#include "rt/co.h"

struct dns_direct {
	struct ub *ub;
	struct dns_ops ops;
};

struct asking {
	struct dns_direct *d;
	struct ub_question q;
	struct co *co;
	struct arena *a;
	struct dns_answer *out;
	int id;
	bool taken, done;
};

static void
on_said(void *arg, const struct ub_said *said)
{
	struct asking *k = arg;

	k->done = true;
	if (said->bogus) {
		k->out->res = DNS_BOGUS;
	} else if (said->packet.n && dns_packet_parse(said->packet, k->q.type, k->a, k->out)) {
		k->out->secure = said->secure && k->out->res != DNS_TEMP;
	}
	co_wake(k->co);
}

static void
ask_on_main(void *arg)
{
	struct asking *k = arg;

	k->taken = ub_ask(k->d->ub, &k->q, &k->id);
}

static enum dns
direct_ask(void *ctx, struct str name, uint16_t type, int64_t deadline, struct arena *a,
    struct dns_answer *out)
{
	struct asking k = { .d = ctx, .co = co_self(), .a = a, .out = out };
	struct str z = str_cat(a, name, STR("."), str_from("", 1));

	*out = (struct dns_answer){ .res = DNS_TEMP };
	if (!z.p || name.n > DNS_NAME_TEXT_MAX)
		return DNS_TEMP;
	k.q = (struct ub_question){ .name = z.p, .type = type, .done = on_said, .arg = &k };
	co_on_main(ask_on_main, &k);
	while (k.taken && !k.done)
		if (co_park(deadline) != WAKE_OK && !k.done) {
			ub_ask_cancel(k.d->ub, k.id);
			break;
		}
	return out->res;
}

struct dns_direct *
dns_direct_new(const struct dns_conf *conf, const char **why)
{
	struct dns_direct *d = calloc(1, sizeof *d);

	*why = "no memory";
	if (!d)
		return NULL;
	d->ops = (struct dns_ops){ .ask = direct_ask, .ctx = d };
	d->ub = ub_new(conf, "/etc/resolv.conf", why);
	if (d->ub)
		return d;
	free(d);
	return NULL;
}

const struct dns_ops *
dns_direct_ops(struct dns_direct *d)
{
	return &d->ops;
}

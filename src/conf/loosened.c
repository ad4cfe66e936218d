/* SPDX-License-Identifier: ISC */
/*
 * loosened: which settings open the house further than a fresh installation does.
 *
 * Compares the effective values with the defaults by the direction that each row of the tables
 * names.  For `postern check` and `postern status`; pure.
 */
#include "base/num.h"
#include "conf/print.h"
#include "conf/settings.h"

static bool
opened(const struct setting *s, const void *now, const void *dflt)
{
	const char *a = (const char *)now + s->offset, *b = (const char *)dflt + s->offset;
	int order = 0;

	if (s->type == SET_BOOL)
		order = *(const bool *)a - *(const bool *)b;
	else if (s->type == SET_MS)
		order = *(const int64_t *)a > *(const int64_t *)b ? 1 :
		    *(const int64_t *)a < *(const int64_t *)b ? -1 : 0;
	else if (s->type == SET_COUNT || s->type == SET_BYTES)
		order = *(const uint64_t *)a > *(const uint64_t *)b ? 1 :
		    *(const uint64_t *)a < *(const uint64_t *)b ? -1 : 0;
	return (s->loose == LOOSE_UP && order > 0) || (s->loose == LOOSE_DOWN && order < 0);
}

static size_t
compare(const struct block *b, const void *now, const void *dflt, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < b->nset; i++) {
		const struct setting *s = &b->set[i];

		if (s->loose == LOOSE_NO || s->type == SET_OWN || !opened(s, now, dflt))
			continue;
		buf_putf(out, "%s: %s ", b->name, s->name);
		(void)setting_format(s, now, out);
		buf_putf(out, " (default %s)\n", s->dflt);
		count++;
	}
	return count;
}

static size_t
put_nets_line(const char *name, const struct nets *nets, struct buf *out)
{
	if (nets->n == 0)
		return 0;
	buf_putf(out, "%s: %zu network%s\n", name, nets->n, nets->n == 1 ? "" : "s");
	return 1;
}

size_t
config_loosened(const struct config *cfg, struct buf *out)
{
	struct config *dflt = config_minimal("mx.invalid", "invalid");
	size_t count = 0;

	count += compare(&block_top, cfg, dflt, out);
	count += compare(&block_limits, &cfg->lim, &dflt->lim, out);
	count += compare(&block_dns, &cfg->dns, &dflt->dns, out);
	count += put_nets_line("exempt", &cfg->exempt, out);
	count += put_nets_line("normalise", &cfg->normalise, out);
	for (size_t i = 0; i < cfg->nlistener; i++) {
		count += put_nets_line("xclient", &cfg->listener[i].xclient_from, out);
		count += put_nets_line("proxy", &cfg->listener[i].proxy_from, out);
	}
	if (cfg->observe_all) {
		buf_puts(out, "policy: observe: rules only log what they would have done\n");
		count++;
	}
	for (size_t i = 0; i < cfg->nobserve; i++, count++)
		buf_putf(out, "policy: observe " STR_F ": it only logs what it would have done\n",
		    STR_A(cfg->observe[i]));
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].sending_any) {
			buf_putf(out, "relay: " STR_F ": sending-as any: whoever is there may send "
			    "as anybody\n", STR_A(cfg->grant[i].name));
			count++;
		}
	count += senders_loosened(cfg, out);
	if (cfg->test.on) {
		buf_puts(out, "test: this instance is for tests\n");
		count++;
	}
	config_free(dflt);
	return count;
}

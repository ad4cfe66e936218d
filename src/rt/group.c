/* SPDX-License-Identifier: ISC */
/*
 * group: children and who waits for them.  See group.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "rt/group.h"
#include "rt/sched.h"

struct group {
	struct link children;
	size_t count;
	int64_t deadline;
	struct co *waiter;		/* in group_wait or group_room */
	bool cancelled;
};

struct group *
group_open(int64_t deadline_ms)
{
	struct group *g = calloc(1, sizeof *g);

	if (g == NULL)
		abort();
	link_init(&g->children);
	g->deadline = deadline_ms;
	return g;
}

bool
group_go(struct group *g, const char *name, void (*fn)(void *arg), void *arg)
{
	struct co *co = co_spawn_in(g, name, fn, arg);

	if (co == NULL)
		return false;
	list_push(&g->children, co_sibling(co));
	g->count++;
	if (g->cancelled)
		co_cancel(co);
	return true;
}

size_t
group_count(const struct group *g)
{
	return g->count;
}

void
group_left(struct group *g, struct co *co)
{
	list_remove(co_sibling(co));
	g->count--;
	if (g->waiter != NULL)
		co_wake(g->waiter);
}

enum wake
group_room(struct group *g, size_t max, int64_t deadline_ms)
{
	enum wake w = WAKE_OK;

	assert(g->waiter == NULL);
	g->waiter = co_self();
	while (g->count >= max && w == WAKE_OK)
		w = co_park(deadline_ms);
	g->waiter = NULL;
	return w;
}

void
group_cancel(struct group *g)
{
	g->cancelled = true;
	LIST_EACH(l, &g->children)
		co_cancel(co_of_sibling(l));
}

enum wake
group_wait(struct group **gp)
{
	struct group *g = *gp;
	enum wake w = WAKE_OK;

	assert(g->waiter == NULL);
	g->waiter = co_self();
	while (g->count > 0 && w == WAKE_OK)
		w = co_park(g->deadline);
	if (g->count > 0)
		group_cancel(g);
	while (g->count > 0)
		co_park_hard();
	free(g);
	*gp = NULL;
	return w;
}

/* SPDX-License-Identifier: ISC */
/*
 * simdisk_crash: what reaches the disk: by a sync, by a sync that fails, by luck when the power
 * goes.  Also how disks are made, copied and freed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rt/sched.h"
#include "rt/simdisk_impl.h"
#include "rt/simnet.h"

long
names_find(const struct names *list, const char *name, size_t n)
{
	for (size_t i = 0; i < list->n; i++)
		if (strncmp(list->at[i].name, name, n) == 0 && list->at[i].name[n] == '\0')
			return (long)i;
	return -1;
}

void
names_set(struct names *list, const char *name, int ino)
{
	long at = names_find(list, name, strlen(name));

	if (at < 0) {
		list->at = sim_grow(list->at, ++list->n, sizeof *list->at);
		at = (long)list->n - 1;
		list->at[at].name = strdup(name);
		if (list->at[at].name == NULL)
			abort();
	}
	list->at[at].ino = ino;
}

void
names_clear(struct names *list, const char *name)
{
	long at = names_find(list, name, strlen(name));

	if (at < 0)
		return;
	free(list->at[at].name);
	list->at[at] = list->at[--list->n];
}

void
names_free(struct names *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].name);
	free(list->at);
	*list = (struct names){};
}

void
nameop_free(struct nameop *op)
{
	free(op->name);
	free(op->toname);
}

void
nameop_apply(struct simdisk *d, const struct nameop *op)
{
	struct names *disk = &d->ino[op->dir].disk;
	long at;

	switch (op->kind) {
	case NAME_SET:
		names_set(disk, op->name, op->ino);
		break;
	case NAME_CLEAR:
		at = names_find(disk, op->name, strlen(op->name));
		if (at >= 0 && disk->at[at].ino == op->ino)
			names_clear(disk, op->name);
		break;
	case NAME_MOVE:
		at = names_find(disk, op->name, strlen(op->name));
		if (at >= 0 && disk->at[at].ino == op->ino)
			names_clear(disk, op->name);
		names_set(&d->ino[op->todir].disk, op->toname, op->ino);
		break;
	}
}

void
page_set(char **to, const char *from)
{
	free(*to);
	*to = NULL;
	if (from == NULL)
		return;
	*to = malloc(PAGE);
	if (*to == NULL)
		abort();
	memcpy(*to, from, PAGE);
}

void
page_free(struct page *p)
{
	if (p->disk != p->now)
		free(p->disk);
	free(p->now);
	*p = (struct page){};
}

int
inode_new(struct simdisk *d, bool dir)
{
	d->ino = sim_grow(d->ino, ++d->nino, sizeof *d->ino);
	d->ino[d->nino - 1] = (struct inode){ .dir = dir };
	return (int)d->nino - 1;
}

static void
page_to_disk(struct page *p)
{
	if (p->disk != p->now)
		free(p->disk);
	p->disk = p->now;
	p->seq = 0;
}

void
inode_sync(struct simdisk *d, int i)
{
	struct inode *ino = &d->ino[i];
	size_t left = 0;

	for (size_t p = 0; p < ino->npages; p++)
		if (ino->page[p].seq != 0)
			page_to_disk(&ino->page[p]);
	ino->disk_size = ino->size;
	ino->size_seq = 0;
	if (!ino->dir)
		return;
	for (size_t k = 0; k < d->nops; k++) {
		struct nameop *op = &d->op[k];

		if (op->dir == i || (op->kind == NAME_MOVE && op->todir == i)) {
			nameop_apply(d, op);
			nameop_free(op);
		} else {
			d->op[left++] = *op;
		}
	}
	d->nops = left;
}

void
inode_sync_fails(struct simdisk *d, int i)
{
	struct inode *ino = &d->ino[i];

	for (size_t p = 0; p < ino->npages; p++) {
		struct page *pg = &ino->page[p];

		if (pg->seq == 0)
			continue;
		if (sim_random(&d->random, 2) == 0)
			page_to_disk(pg);
		pg->seq = 0;		/* clean, whether it was written or not */
	}
	/* Names and size stay unsynced: they may survive or not. */
}

/* What may or may not survive, by age. */
struct thing {
	uint64_t seq;
	struct page *page;
	struct inode *size;
	struct nameop *op;
};

static int
thing_order(const void *a, const void *b)
{
	const struct thing *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static size_t
collect(struct simdisk *d, struct thing **out)
{
	struct thing *t = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->nino; i++) {
		struct inode *ino = &d->ino[i];

		for (size_t p = 0; p < ino->npages; p++)
			if (ino->page[p].seq != 0) {
				t = sim_grow(t, ++n, sizeof *t);
				t[n - 1] = (struct thing){ .seq = ino->page[p].seq,
				    .page = &ino->page[p] };
			}
		if (ino->size_seq != 0) {
			t = sim_grow(t, ++n, sizeof *t);
			t[n - 1] = (struct thing){ .seq = ino->size_seq, .size = ino };
		}
	}
	for (size_t i = 0; i < d->nops; i++) {
		t = sim_grow(t, ++n, sizeof *t);
		t[n - 1] = (struct thing){ .seq = d->op[i].seq, .op = &d->op[i] };
	}
	if (n > 0)
		qsort(t, n, sizeof *t, thing_order);
	*out = t;
	return n;
}

/* Sectors of the page survive each on its own. */
static void
page_torn(struct page *p, uint64_t *random)
{
	char *torn = calloc(1, PAGE);

	if (torn == NULL)
		abort();
	for (size_t s = 0; s < PAGE; s += SECTOR) {
		const char *from = sim_random(random, 2) == 0 ? p->now : p->disk;

		if (from != NULL)
			memcpy(torn + s, from + s, SECTOR);
	}
	if (p->disk != p->now)
		free(p->disk);
	p->disk = torn;
	p->seq = 0;
}

enum fate { LOST, KEPT, TORN };

static enum fate
fate_of(const struct thing *t, const struct survival *s, uint64_t nth, uint64_t *random)
{
	switch (s->how) {
	case SURVIVE_NONE:
		return LOST;
	case SURVIVE_ALL:
		return KEPT;
	case SURVIVE_RANDOM:
		return (enum fate)sim_random(random, t->page != NULL ? 3 : 2);
	case SURVIVE_CHOICE:
		break;
	}
	return s->choose(s->arg, nth, t->page == NULL) ? KEPT : LOST;
}

static void
decide(struct simdisk *d, const struct survival *s, uint64_t nth, struct thing *t)
{
	enum fate fate = fate_of(t, s, nth, &d->random);

	if (fate == LOST)
		return;
	if (t->op != NULL) {
		nameop_apply(d, t->op);
	} else if (t->size != NULL) {
		t->size->disk_size = t->size->size;
	} else if (fate == KEPT) {
		page_to_disk(t->page);
	} else {
		page_torn(t->page, &d->random);
	}
}

/* Programs see what is on the disk. */
static void
reboot(struct simdisk *d)
{
	d->used = 0;
	for (size_t i = 0; i < d->nino; i++) {
		struct inode *ino = &d->ino[i];

		ino->links = ino->opens = 0;
		ino->size = ino->disk_size;
		ino->size_seq = 0;
		for (size_t p = 0; p < ino->npages; p++) {
			struct page *pg = &ino->page[p];

			if (pg->now != pg->disk)
				free(pg->now);
			/* A page behind the end was never synced as part of the file. */
			if (p * PAGE >= ino->size) {
				free(pg->disk);
				pg->disk = NULL;
			} else if (pg->disk != NULL && ino->size - p * PAGE < PAGE) {
				memset(pg->disk + ino->size % PAGE, 0, PAGE - ino->size % PAGE);
			}
			pg->now = pg->disk;
			pg->seq = 0;
		}
		names_free(&ino->now);
		for (size_t k = 0; k < ino->disk.n; k++)
			names_set(&ino->now, ino->disk.at[k].name, ino->disk.at[k].ino);
	}
	for (size_t i = 0; i < d->nino; i++)
		for (size_t k = 0; k < d->ino[i].now.n; k++) {
			struct inode *to = &d->ino[d->ino[i].now.at[k].ino];

			if (to->links++ == 0)
				d->used += (to->size + PAGE - 1) / PAGE;
		}
}

uint64_t
simdisk_crash(struct simdisk *d, const struct survival *s)
{
	struct thing *t;
	size_t n = collect(d, &t);

	assert(list_empty(&d->standing));
	if (s->how == SURVIVE_RANDOM)
		d->random = s->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (size_t i = 0; i < n; i++)
		decide(d, s, i, &t[i]);
	free(t);
	for (size_t i = 0; i < d->nops; i++)
		nameop_free(&d->op[i]);
	free(d->op);
	d->op = NULL;
	d->nops = 0;
	free(d->open);
	d->open = NULL;
	d->nopen = 0;
	reboot(d);
	d->crashed = d->unwinding = false;
	d->crash_at = UINT64_MAX;
	d->done = 0;
	memset(d->fault, 0, sizeof d->fault);
	return n;
}

struct simdisk *
simdisk_new(uint64_t seed)
{
	struct simdisk *d = calloc(1, sizeof *d);

	if (d == NULL)
		abort();
	d->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	d->crash_at = UINT64_MAX;
	d->capacity = (UINT64_C(1) << 30) / PAGE;
	link_init(&d->standing);
	d->ino = NULL;
	(void)inode_new(d, true);
	return d;
}

static void
names_copy(struct names *to, const struct names *from)
{
	*to = (struct names){};
	for (size_t i = 0; i < from->n; i++)
		names_set(to, from->at[i].name, from->at[i].ino);
}

static void
inode_copy(struct simdisk *to, const struct inode *from)
{
	int i = inode_new(to, from->dir);
	struct inode *ino = &to->ino[i];

	*ino = *from;
	ino->opens = 0;
	ino->page = NULL;
	for (size_t p = 0; p < from->npages; p++) {
		struct page *pg;

		ino->page = sim_grow(ino->page, p + 1, sizeof *ino->page);
		pg = &ino->page[p];
		*pg = (struct page){ .seq = from->page[p].seq };
		page_set(&pg->now, from->page[p].now);
		if (from->page[p].disk == from->page[p].now)
			pg->disk = pg->now;
		else
			page_set(&pg->disk, from->page[p].disk);
	}
	names_copy(&ino->now, &from->now);
	names_copy(&ino->disk, &from->disk);
}

struct simdisk *
simdisk_copy(const struct simdisk *d)
{
	struct simdisk *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	*c = *d;
	link_init(&c->standing);
	c->ino = NULL;
	c->nino = 0;
	c->op = NULL;
	c->nops = 0;
	c->open = NULL;
	c->nopen = 0;
	for (size_t i = 0; i < d->nino; i++)
		inode_copy(c, &d->ino[i]);
	for (size_t i = 0; i < d->nops; i++) {
		struct nameop op = d->op[i];

		op.name = strdup(op.name);
		op.toname = op.toname != NULL ? strdup(op.toname) : NULL;
		if (op.name == NULL)
			abort();
		c->op = sim_grow(c->op, ++c->nops, sizeof *c->op);
		c->op[i] = op;
	}
	return c;
}

void
simdisk_free(struct simdisk *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->nino; i++) {
		for (size_t p = 0; p < d->ino[i].npages; p++)
			page_free(&d->ino[i].page[p]);
		free(d->ino[i].page);
		names_free(&d->ino[i].now);
		names_free(&d->ino[i].disk);
	}
	for (size_t i = 0; i < d->nops; i++)
		nameop_free(&d->op[i]);
	free(d->op);
	free(d->open);
	free(d->ino);
	free(d);
}

/* SPDX-License-Identifier: ISC */
/*
 * list: circular doubly linked lists whose links lie inside the listed structs.
 *
 * A head and an element are the same struct link.  A link is either in one list or linked to
 * itself (link_init); list_remove leaves it so, hence removing twice is harmless.  Owns nothing.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *prev, *next;
};

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline void
link_init(struct link *l)
{
	l->prev = l->next = l;
}

/* Also true for a link that is in no list. */
static inline bool
list_empty(const struct link *head)
{
	return head->next == head;
}

static inline bool
link_linked(const struct link *l)
{
	return l->next != NULL && l->next != l;
}

/* At the end. */
static inline void
list_push(struct link *head, struct link *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void
list_push_front(struct link *head, struct link *l)
{
	l->next = head->next;
	l->prev = head;
	head->next->prev = l;
	head->next = l;
}

static inline void
list_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	link_init(l);
}

static inline struct link *
list_first(const struct link *head)
{
	return head->next == head ? NULL : head->next;
}

/* The first, removed; NULL when empty. */
static inline struct link *
list_pop(struct link *head)
{
	struct link *l = head->next;

	if (l == head)
		return NULL;
	list_remove(l);
	return l;
}

/* The body may remove l, but no other element. */
#define LIST_EACH(l, head) \
	for (struct link *l = (head)->next, *l##_next = l->next; l != (head); \
	    l = l##_next, l##_next = l->next)

#endif

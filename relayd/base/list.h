/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive, circular, doubly linked list. A `struct list` is a head or a link; a link that is in no list points to
 * itself. LIST_ENTRY() gets from a link back to the struct that holds it.
 */
#ifndef RELAYD_BASE_LIST_H
#define RELAYD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_ENTRY(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))

/* Walks a list whose current link may be removed inside the loop. */
#define LIST_FOR_EACH(link, head)                                                                                      \
	for (struct list *link = (head)->next, *link##_next = link->next; link != (head);                              \
	     link = link##_next, link##_next = link->next)

static inline void list_init(struct list *link)
{
	link->next = link->prev = link;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Puts all links of `from`, in their order, behind those of `head`; `from` is empty then. */
static inline void list_append_all(struct list *head, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = head->prev;
	from->prev->next = head;
	head->prev->next = from->next;
	head->prev = from->prev;
	list_init(from);
}

/* Takes the link out of its list; harmless for one that is in none. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* The first link, taken out; NULL if the list is empty. */
static inline struct list *list_take_first(struct list *head)
{
	struct list *first = head->next;
	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

#endif

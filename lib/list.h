/*
 * list - a doubly linked ring whose links lie in the things it links.
 *
 * A list is a link of its own; a thing that has a link can leave without knowing its list.
 */
#ifndef NATKIT_LIST_H
#define NATKIT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* The thing of `type` that has `link` as its `member`. */
#define LIST_OF(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))

/* An empty list, or a link that is in none. */
static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Takes a link out of its list; one that is in none stays so. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Moves a link to the end of `l`, out of the list it is in. */
static inline void list_append(struct list *l, struct list *link)
{
	list_remove(link);
	link->prev = l->prev;
	link->next = l;
	l->prev->next = link;
	l->prev = link;
}

#endif

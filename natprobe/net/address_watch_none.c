#include <stddef.h>

#include "address_watch.h"

struct address_watch *address_watch_new(struct event_base *base, void (*on_change)(void *arg),
					void *arg)
{
	return NULL;
}

void address_watch_free(struct address_watch *w)
{
}

bool address_watch_has(const struct address_watch *w, const struct addr *ip)
{
	return true;
}

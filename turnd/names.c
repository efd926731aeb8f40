#include "names.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "sockaddr.h"

const struct name *names_find(const struct names *n, const char *text)
{
	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->list[i].text, text) == 0)
			return &n->list[i];
	}
	return NULL;
}

bool names_add(struct names *n, const char *text)
{
	if (names_find(n, text) != NULL)
		return true;
	if (n->count == NAMES_MAX || strlen(text) >= TURND_WORD_MAX)
		return false;
	n->list[n->count] = (struct name){ 0 };
	memcpy(n->list[n->count++].text, text, strlen(text) + 1);
	return true;
}

/* The lowest one, so that a name with several does not change with the order of the answer. */
static void take_lowest(const struct addrinfo *list, int family, struct addr *out)
{
	struct addr lowest = { 0 }, a;

	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		if (at->ai_family != family || !sockaddr_to_addr(at->ai_addr, &a))
			continue;
		a.port = 0;
		if (lowest.family == ADDR_NONE || memcmp(a.ip, lowest.ip, sizeof(a.ip)) < 0)
			lowest = a;
	}
	if (lowest.family != ADDR_NONE)
		*out = lowest;
}

void names_look_up(struct name *n)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list;

	if (getaddrinfo(n->text, NULL, &hints, &list) != 0)
		return;
	take_lowest(list, AF_INET, &n->ipv4);
	take_lowest(list, AF_INET6, &n->ipv6);
	freeaddrinfo(list);
}

bool names_equal(const struct names *a, const struct names *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct name *other = names_find(b, a->list[i].text);

		if (other == NULL || !addr_equal(&a->list[i].ipv4, &other->ipv4) ||
		    !addr_equal(&a->list[i].ipv6, &other->ipv6))
			return false;
	}
	return true;
}

#include "iface.h"

#include <string.h>

#include "wire.h"

static bool is_multicast(const struct addr *a)
{
	return a->family == ADDR_IPV4 ? (a->ip[0] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

static bool is_usable(const struct iface_addr *a)
{
	return a->up && !a->tentative && !addr_is_any(&a->addr) && !addr_is_link_local(&a->addr) &&
	       !is_multicast(&a->addr);
}

static bool is_named(const struct iface_filter *filter, const char *name)
{
	for (size_t i = 0; i < filter->name_count; i++) {
		if (strcmp(filter->names[i], name) == 0)
			return true;
	}
	return false;
}

static bool has_family(const struct iface_filter *filter, uint8_t family)
{
	return family == ADDR_IPV4 ? filter->ipv4 : family == ADDR_IPV6 && filter->ipv6;
}

static bool passes(const struct iface_filter *filter, const struct iface_addr *a, bool loopback)
{
	if (!is_usable(a) || !has_family(filter, a->addr.family))
		return false;
	if (filter->name_count > 0)
		return is_named(filter, a->name);
	return a->loopback == loopback;
}

/* Loopback is a last resort, unless it is what was asked for. */
static bool wants_loopback(const struct iface_addr *list, size_t count,
			   const struct iface_filter *filter)
{
	if (filter->loopback)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (passes(filter, &list[i], false))
			return false;
	}
	return true;
}

/* Lower is better. */
static int rank(const struct iface_addr *a)
{
	return (a->deprecated ? 4 : 0) + (addr_is_private(&a->addr) ? 2 : 0) +
	       (a->temporary ? 1 : 0);
}

/* The source ranks of a choice run beside its candidates while it is being filled. */
static void add_candidate(struct iface_choice *choice, int *ranks, const struct iface_addr *a)
{
	size_t at = choice->candidate_count;

	while (at > 0 && ranks[at - 1] > rank(a))
		at--;
	if (at == IFACE_CANDIDATES)
		return;
	if (choice->candidate_count < IFACE_CANDIDATES)
		choice->candidate_count++;
	for (size_t i = choice->candidate_count - 1; i > at; i--) {
		choice->candidates[i] = choice->candidates[i - 1];
		ranks[i] = ranks[i - 1];
	}
	choice->candidates[at] = a->addr;
	ranks[at] = rank(a);
}

static bool is_same_probe(const struct iface_addr *a, const struct iface_addr *b)
{
	return a->index == b->index && a->addr.family == b->addr.family;
}

static void fill_choice(struct iface_choice *choice, const struct iface_addr *list, size_t count,
			size_t first)
{
	int ranks[IFACE_CANDIDATES] = { 0 };

	*choice = (struct iface_choice){ .index = list[first].index,
					 .family = list[first].addr.family };
	memcpy(choice->name, list[first].name, sizeof(choice->name));
	for (size_t i = first; i < count; i++) {
		if (is_same_probe(&list[first], &list[i]) && is_usable(&list[i]))
			add_candidate(choice, ranks, &list[i]);
	}
}

/* Whether there is a choice of this interface; family ADDR_NONE: in any family. */
static bool is_chosen(const struct iface_choice *choices, size_t count, uint32_t index,
		      uint8_t family)
{
	for (size_t i = 0; i < count; i++) {
		if (choices[i].index == index &&
		    (family == ADDR_NONE || choices[i].family == family))
			return true;
	}
	return false;
}

size_t iface_select(const struct iface_addr *list, size_t count, const struct iface_filter *filter,
		    struct iface_choice *out, size_t cap)
{
	bool loopback = wants_loopback(list, count, filter);
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!passes(filter, &list[i], loopback) ||
		    is_chosen(out, n, list[i].index, ADDR_NONE))
			continue;
		/* The families of one interface stay together, however the list is sorted. */
		for (size_t k = i; k < count && n < cap; k++) {
			if (list[k].index == list[i].index && passes(filter, &list[k], loopback) &&
			    !is_chosen(out, n, list[k].index, list[k].addr.family))
				fill_choice(&out[n++], list, count, k);
		}
	}
	return n;
}

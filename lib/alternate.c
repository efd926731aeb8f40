#include "alternate.h"

#include <stdio.h>

static bool wrong(struct opt_error *err, const struct addr *a, const char *what)
{
	char text[ADDR_TEXT_MAX];

	snprintf(err->text, sizeof(err->text), "alternate: %s %s", addr_print_ip(a, text), what);
	return false;
}

static const struct addr *addrs(const struct opt_list *list)
{
	return list->items;
}

/* Item number `n` of a family, or NULL. */
static const struct addr *nth(const struct opt_list *list, uint8_t family, size_t n)
{
	for (size_t i = 0; i < list->count; i++) {
		if (addrs(list)[i].family == family && n-- == 0)
			return &addrs(list)[i];
	}
	return NULL;
}

/* How many items of its own family stand before item `at`. */
static size_t rank(const struct opt_list *list, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < at; i++)
		n += addrs(list)[i].family == addrs(list)[at].family;
	return n;
}

const struct addr *alternate_of(const struct opt_list *listen, const struct opt_list *alternate,
				size_t at)
{
	return nth(alternate, addrs(listen)[at].family, rank(listen, at));
}

bool alternate_check(const struct opt_list *listen, const struct opt_list *alternate,
		     struct opt_error *err)
{
	for (size_t i = 0; i < alternate->count; i++) {
		const struct addr *a = &addrs(alternate)[i];
		const struct addr *first = nth(listen, a->family, rank(alternate, i));

		if (a->port != 0)
			return wrong(err, a,
				     "has a port; give the address alone, and alternate-port");
		if (addr_is_any(a))
			return wrong(err, a, "is no address; name one of this host");
		if (first == NULL || addr_is_any(first))
			return wrong(err, a,
				     "has no first address beside it; set listen to another "
				     "address of this host, of the same family");
		if (addr_equal_ip(a, first))
			return wrong(err, a,
				     "is the listen address itself; NAT discovery needs two");
	}
	return true;
}

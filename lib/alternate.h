/*
 * alternate - second addresses beside the first ones, as NAT discovery needs them (RFC 5780,
 * section 6). For the configurations of stund and turnd.
 *
 * Both are lists of struct addr. The first `alternate` of a family belongs to the first `listen`
 * of that family, and so on. Pure.
 */
#ifndef NATKIT_ALTERNATE_H
#define NATKIT_ALTERNATE_H

#include "addr.h"
#include "opt.h"

/* The alternate of listen's item number `at`; NULL: it has none. Borrowed. */
const struct addr *alternate_of(const struct opt_list *listen, const struct opt_list *alternate,
				size_t at);

/* Each alternate is an address without port, beside a listen address that is another one. */
bool alternate_check(const struct opt_list *listen, const struct opt_list *alternate,
		     struct opt_error *err);

#endif

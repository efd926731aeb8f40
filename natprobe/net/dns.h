/*
 * dns - look-ups by c-ares on a libevent base: addresses of a host, SRV and NAPTR records.
 *
 * Every question gets its answer by exactly one call of its callback, at the latest when
 * dns_close gives the open ones up; it may come before the asking function returns.
 */
#ifndef NATPROBE_DNS_H
#define NATPROBE_DNS_H

#include <event2/event.h>

#include "addr.h"

struct dns;

#define DNS_NAME_MAX 256

/* A service record (RFC 2782). */
struct dns_srv {
	char target[DNS_NAME_MAX]; /* "." and "" say that the service is decidedly not there */
	uint16_t port;
	uint16_t priority;
	uint16_t weight;
};

/*
 * Opens a resolver with the system's configuration.
 * Returns 0 with *out owned by the caller, or -errno.
 */
int dns_open(struct event_base *base, struct dns **out);

/* Answers what is still open with "cancelled"; NULL is fine. */
void dns_close(struct dns *d);

#define DNS_ADDRS_MAX 4 /* that are kept of one host in one family */

/*
 * found, count  the addresses with port 0, in the order of the answer; none: count is 0
 * why           NULL where there are some, else a reason for people
 */
typedef void (*dns_addr_fn)(void *arg, const struct addr *found, size_t count, const char *why);

/* The addresses of a host in one family; /etc/hosts counts as well. */
void dns_find_addr(struct dns *d, const char *host, uint8_t family, dns_addr_fn on_addr, void *arg);

#define DNS_SRV_MAX 4 /* records that are kept of one name */

/*
 * list, count  the records, those with the lowest priority first, and of these the heaviest
 *              (which keeps a diagnosis repeatable, where RFC 2782 would draw lots)
 */
typedef void (*dns_srv_fn)(void *arg, const struct dns_srv *list, size_t count);

/* name  "_stun._udp.example.org" */
void dns_find_srv(struct dns *d, const char *name, dns_srv_fn on_srv, void *arg);

/* A pointer to further names (RFC 3403), as RFC 3958 uses it. */
struct dns_naptr {
	uint16_t order;
	uint16_t preference;
	char flags[4];
	char service[96];
	bool has_regexp;
	char replacement[DNS_NAME_MAX];
};

#define DNS_NAPTR_MAX 16 /* records that are kept of one name, in the order of the answer */

/* list, count  the records; one of which something does not fit is left out */
typedef void (*dns_naptr_fn)(void *arg, const struct dns_naptr *list, size_t count);

void dns_find_naptr(struct dns *d, const char *name, dns_naptr_fn on_naptr, void *arg);

#endif

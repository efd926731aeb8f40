/* c-ares has marked as deprecated what its releases in Debian 12 only have. */
#define CARES_NO_DEPRECATED

#include "dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "sockaddr.h"
#include "wire.h"

#define TRY_MS 700 /* c-ares doubles it with every try */
#define TRIES  3

/* One socket of c-ares. */
struct watch {
	struct dns *dns;
	struct event *event;
	ares_socket_t fd;
	struct watch *next;
};

struct dns {
	struct event_base *base;
	struct event *timer;
	ares_channel channel;
	struct watch *watches;
};

struct addr_question {
	dns_addr_fn on_addr;
	void *arg;
};

struct srv_question {
	dns_srv_fn on_srv;
	void *arg;
};

struct naptr_question {
	dns_naptr_fn on_naptr;
	void *arg;
};

static void rearm(struct dns *d)
{
	struct timeval tv;

	if (ares_timeout(d->channel, NULL, &tv) == NULL)
		event_del(d->timer);
	else
		event_add(d->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct dns *d = arg;

	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(d);
}

static void on_socket(evutil_socket_t fd, short events, void *arg)
{
	/* The watch may be gone when c-ares returns. */
	struct dns *d = ((struct watch *)arg)->dns;

	ares_process_fd(d->channel, (events & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(events & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	rearm(d);
}

static void remove_watch(struct dns *d, ares_socket_t fd)
{
	for (struct watch **at = &d->watches; *at != NULL; at = &(*at)->next) {
		struct watch *w = *at;

		if (w->fd != fd)
			continue;
		*at = w->next;
		event_free(w->event);
		free(w);
		return;
	}
}

/* Without memory the socket stays unwatched, and its question ends by timeout. */
static void add_watch(struct dns *d, ares_socket_t fd, short events)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return;
	w->dns = d;
	w->fd = fd;
	w->event = event_new(d->base, fd, (short)(events | EV_PERSIST), on_socket, w);
	if (w->event == NULL || event_add(w->event, NULL) != 0) {
		if (w->event != NULL)
			event_free(w->event);
		free(w);
		return;
	}
	w->next = d->watches;
	d->watches = w;
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = arg;
	short events = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	remove_watch(d, fd);
	if (events != 0)
		add_watch(d, fd, events);
}

int dns_open(struct event_base *base, struct dns **out)
{
	struct ares_options options = { .timeout = TRY_MS,
					.tries = TRIES,
					.sock_state_cb = on_socket_state };
	struct dns *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return -ENOMEM;
	options.sock_state_cb_data = d;
	d->base = base;
	d->timer = evtimer_new(base, on_timer, d);
	if (d->timer == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		goto fail;
	if (ares_init_options(&d->channel, &options,
			      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS) {
		ares_library_cleanup();
		goto fail;
	}
	*out = d;
	return 0;
fail:
	if (d->timer != NULL)
		event_free(d->timer);
	free(d);
	return -ENOMEM;
}

void dns_close(struct dns *d)
{
	if (d == NULL)
		return;
	ares_destroy(d->channel);
	while (d->watches != NULL)
		remove_watch(d, d->watches->fd);
	event_free(d->timer);
	free(d);
	ares_library_cleanup();
}

static const char *reason(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENONAME:
		return "no such name in DNS";
	case ARES_ENODATA:
		return "the name has no address of this family";
	case ARES_ETIMEOUT:
	case ARES_ECANCELLED:
	case ARES_EDESTRUCTION:
		return "DNS did not answer in time";
	case ARES_ECONNREFUSED:
		return "no DNS server can be reached";
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
		return "the DNS server failed or refused";
	default:
		return "DNS look-up failed";
	}
}

static size_t read_nodes(const struct ares_addrinfo *info, struct addr found[DNS_ADDRS_MAX])
{
	size_t count = 0;

	for (const struct ares_addrinfo_node *at = info->nodes; at != NULL; at = at->ai_next) {
		if (count == DNS_ADDRS_MAX)
			break;
		if (!sockaddr_to_addr(at->ai_addr, &found[count]))
			continue;
		found[count++].port = 0;
	}
	return count;
}

static void on_addrinfo(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct addr_question *q = arg;
	struct addr found[DNS_ADDRS_MAX];
	size_t count = status == ARES_SUCCESS && info != NULL ? read_nodes(info, found) : 0;

	if (count > 0)
		q->on_addr(q->arg, found, count, NULL);
	else
		q->on_addr(q->arg, NULL, 0, reason(status == ARES_SUCCESS ? ARES_ENODATA : status));
	if (info != NULL)
		ares_freeaddrinfo(info);
	free(q);
}

void dns_find_addr(struct dns *d, const char *host, uint8_t family, dns_addr_fn on_addr, void *arg)
{
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = family == ADDR_IPV4 ? AF_INET : AF_INET6,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addr_question *q = malloc(sizeof(*q));

	if (q == NULL) {
		on_addr(arg, NULL, 0, "out of memory");
		return;
	}
	*q = (struct addr_question){ on_addr, arg };
	ares_getaddrinfo(d->channel, host, NULL, &hints, on_addrinfo, q);
	rearm(d);
}

static bool is_better(const struct ares_srv_reply *a, const struct dns_srv *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->weight > b->weight;
}

/* Puts a record into the sorted list, out of which the worst falls. Returns the new count. */
static size_t put_srv(const struct ares_srv_reply *record, struct dns_srv list[DNS_SRV_MAX],
		      size_t count)
{
	size_t len = strlen(record->host), at = count;

	while (at > 0 && is_better(record, &list[at - 1]))
		at--;
	if (len >= sizeof(list[0].target) || at == DNS_SRV_MAX)
		return count;
	if (count < DNS_SRV_MAX)
		count++;
	memmove(&list[at + 1], &list[at], (count - 1 - at) * sizeof(list[0]));
	list[at] = (struct dns_srv){ .port = record->port,
				     .priority = record->priority,
				     .weight = record->weight };
	memcpy(list[at].target, record->host, len + 1);
	return count;
}

static void on_srv_reply(void *arg, int status, int timeouts, unsigned char *abuf, int alen)
{
	struct srv_question *q = arg;
	struct ares_srv_reply *reply = NULL;
	struct dns_srv list[DNS_SRV_MAX];
	size_t count = 0;

	if (status == ARES_SUCCESS && ares_parse_srv_reply(abuf, alen, &reply) == ARES_SUCCESS) {
		for (const struct ares_srv_reply *at = reply; at != NULL; at = at->next)
			count = put_srv(at, list, count);
	}
	q->on_srv(q->arg, list, count);
	if (reply != NULL)
		ares_free_data(reply);
	free(q);
}

void dns_find_srv(struct dns *d, const char *name, dns_srv_fn on_srv, void *arg)
{
	struct srv_question *q = malloc(sizeof(*q));

	if (q == NULL) {
		on_srv(arg, NULL, 0);
		return;
	}
	*q = (struct srv_question){ on_srv, arg };
	ares_query(d->channel, name, ns_c_in, ns_t_srv, on_srv_reply, q);
	rearm(d);
}

static bool copy_text(char *to, size_t cap, const char *from)
{
	size_t len = strlen(from);

	if (len >= cap)
		return false;
	memcpy(to, from, len + 1);
	return true;
}

static bool read_naptr(const struct ares_naptr_reply *from, struct dns_naptr *to)
{
	*to = (struct dns_naptr){ .order = from->order,
				  .preference = from->preference,
				  .has_regexp = from->regexp[0] != '\0' };
	return copy_text(to->flags, sizeof(to->flags), (const char *)from->flags) &&
	       copy_text(to->service, sizeof(to->service), (const char *)from->service) &&
	       copy_text(to->replacement, sizeof(to->replacement), from->replacement);
}

static void on_naptr_reply(void *arg, int status, int timeouts, unsigned char *abuf, int alen)
{
	struct naptr_question *q = arg;
	struct ares_naptr_reply *reply = NULL;
	struct dns_naptr list[DNS_NAPTR_MAX];
	size_t count = 0;

	if (status == ARES_SUCCESS && ares_parse_naptr_reply(abuf, alen, &reply) == ARES_SUCCESS) {
		for (const struct ares_naptr_reply *at = reply; at != NULL && count < DNS_NAPTR_MAX;
		     at = at->next)
			count += read_naptr(at, &list[count]);
	}
	q->on_naptr(q->arg, list, count);
	if (reply != NULL)
		ares_free_data(reply);
	free(q);
}

void dns_find_naptr(struct dns *d, const char *name, dns_naptr_fn on_naptr, void *arg)
{
	struct naptr_question *q = malloc(sizeof(*q));

	if (q == NULL) {
		on_naptr(arg, NULL, 0);
		return;
	}
	*q = (struct naptr_question){ on_naptr, arg };
	ares_query(d->channel, name, ns_c_in, ns_t_naptr, on_naptr_reply, q);
	rearm(d);
}

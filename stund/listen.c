#include "listen.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listen_parts.h"
#include "log.h"

/* A host without IPv6 is no reason not to serve IPv4, where nobody asked for either. */
static bool may_be_missing(const struct listen *l, int error)
{
	return l->conf->listen.count == 0 && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

static void log_opened(const struct layout_socket *at, const struct layout_site *site,
		       const char *what)
{
	const struct addr *seen = &site->site.seen_as[at->number];
	char local[ADDR_TEXT_MAX], public[ADDR_TEXT_MAX];

	addr_print(&at->local, local);
	if (addr_equal(seen, &at->local))
		log_event(LOG_LEVEL_INFO, "listen", "%s on %s", what, local);
	else
		log_event(LOG_LEVEL_INFO, "listen", "%s on %s, seen as %s", what, local,
			  addr_print(seen, public));
}

static int open_udp(struct listen_socket *s)
{
	const struct stund_conf *conf = s->owner->conf;
	struct udp_options options = {
		.reuse_port = true,
		.want_local = s->site->any,
		.receive_buffer =
			conf->receive_buffer < INT_MAX ? (int)conf->receive_buffer : INT_MAX,
	};

	s->fd = udp_open(&s->at->local, &options, NULL);
	if (s->fd < 0)
		return s->fd;
	s->readable =
		event_new(s->owner->base, s->fd, EV_READ | EV_PERSIST, listen_udp_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

static bool open_socket(struct listen *l, size_t i, bool tell)
{
	struct listen_socket *s = &l->sockets[i];
	char text[ADDR_TEXT_MAX];
	int rc;

	s->owner = l;
	s->at = &l->layout->sockets[i];
	s->site = &l->layout->sites[s->at->site];
	rc = open_udp(s);
	if (rc == 0) {
		if (tell)
			log_opened(s->at, s->site, "UDP");
		return true;
	}
	if (may_be_missing(l, rc)) {
		if (tell)
			log_event(LOG_LEVEL_INFO, "listen", "not on %s: %s",
				  addr_print(&s->at->local, text), strerror(-rc));
		return true;
	}
	log_event(LOG_LEVEL_ERROR, "listen", "cannot open UDP on %s: %s",
		  addr_print(&s->at->local, text), strerror(-rc));
	return false;
}

struct listen *listen_open(struct event_base *base, const struct stund_conf *conf,
			   const struct layout *layout, struct policy *policy, unsigned int index)
{
	struct listen *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->conf = conf;
	l->layout = layout;
	l->base = base;
	l->policy = policy_retain(policy);
	for (size_t i = 0; i < LAYOUT_SOCKETS_MAX; i++)
		l->sockets[i].fd = -1;
	l->batch = udp_batch_new();
	if (l->batch == NULL)
		goto fail;
	for (size_t i = 0; i < layout->socket_count; i++) {
		if (!open_socket(l, i, index == 0))
			goto fail;
	}
	return l;
fail:
	listen_close(l);
	return NULL;
}

void listen_close(struct listen *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < LAYOUT_SOCKETS_MAX; i++) {
		struct listen_socket *s = &l->sockets[i];

		if (s->readable != NULL)
			event_free(s->readable);
		if (s->fd >= 0)
			close(s->fd);
	}
	udp_batch_free(l->batch);
	policy_release(l->policy);
	free(l);
}

void listen_use_policy(struct listen *l, struct policy *policy)
{
	policy_retain(policy);
	policy_release(l->policy);
	l->policy = policy;
}

const struct stats *listen_stats(const struct listen *l)
{
	return &l->stats;
}

#include "listen.h"

#include <errno.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "listen_parts.h"
#include "log.h"
#include "per_source.h"

/* A host without IPv6 is no reason not to serve IPv4, where nobody asked for either. */
static bool may_be_missing(const struct listen *l, int error)
{
	return l->common->conf->listen.count == 0 &&
	       (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

static int open_udp(struct listen_socket *s)
{
	const struct stund_conf *conf = s->owner->common->conf;
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

/* Opens an address for all transports. Returns 0 or -errno, *what naming what failed. */
static int open_address(struct listen_socket *s, const char **what)
{
	int rc = open_udp(s);

	*what = "UDP";
	if (rc != 0 || s->owner->streams == NULL)
		return rc;
	*what = "TCP";
	return listen_stream_add(s->owner, &s->at->local);
}

static void tell_opened(const struct listen_socket *s)
{
	const struct addr *seen = &s->site->site.seen_as[s->at->number];
	const char *what = s->owner->streams != NULL ? "UDP and TCP" : "UDP";
	char local[ADDR_TEXT_MAX], public[ADDR_TEXT_MAX];

	addr_print(&s->at->local, local);
	if (addr_equal(seen, &s->at->local))
		log_event(LOG_LEVEL_INFO, "listen", "%s on %s", what, local);
	else
		log_event(LOG_LEVEL_INFO, "listen", "%s on %s, seen as %s", what, local,
			  addr_print(seen, public));
}

static int open_sockets(struct listen *l)
{
	size_t opened = 0;

	const struct layout *layout = l->common->layout;

	for (size_t i = 0; i < layout->socket_count; i++) {
		struct listen_socket *s = &l->sockets[i];
		const char *what;

		s->owner = l;
		s->at = &layout->sockets[i];
		s->site = &layout->sites[s->at->site];
		int rc = open_address(s, &what);
		bool missing = may_be_missing(l, rc);

		if (l->tells && rc == 0)
			tell_opened(s);
		else if (l->tells)
			daemon_tell_not_opened(&s->at->local, what, rc, missing);
		if (rc != 0 && !missing)
			return rc;
		opened += rc == 0;
	}
	return opened > 0 ? 0 : -EADDRNOTAVAIL;
}

static int open_parts(struct listen *l)
{
	int rc;

	l->batch = udp_batch_new();
	if (l->batch == NULL)
		return -ENOMEM;
	if (l->common->conf->tcp) {
		rc = listen_stream_open(l);
		if (rc != 0)
			return rc;
	}
	if (l->policy->dtls != NULL) {
		rc = listen_dtls_open(l);
		if (rc != 0)
			return rc;
	}
	if (l->common->coop.budget != NULL) {
		rc = listen_coop_open(l);
		if (rc != 0)
			return rc;
	}
	rc = open_sockets(l);
	if (rc == 0 && l->common->partner != NULL)
		rc = listen_partner_open(l, l->tells);
	return rc;
}

int listen_common_open(struct listen_common *c, const struct stund_conf *conf,
		       const struct layout *layout, size_t workers)
{
	size_t most = (size_t)conf->max_connections;
	uint32_t most_of_one = (uint32_t)conf->max_connections_per_source;
	uint8_t keys[2][16];
	int rc;

	*c = (struct listen_common){
		.conf = conf, .layout = layout, .workers = workers, .coop.raw = { -1, -1, -1 }
	};
	if (RAND_bytes((unsigned char *)keys, sizeof(keys)) != 1)
		return -EIO;
	c->connections = per_source_new(most, most_of_one, keys[0]);
	c->sessions = per_source_new(most + workers, most_of_one, keys[1]); /* see dtls_limits */
	rc = listen_coop_common_open(c);
	if (rc == 0)
		rc = listen_partner_common_open(c);
	if (rc == 0 && c->connections != NULL && c->sessions != NULL)
		return 0;
	listen_common_close(c);
	return rc != 0 ? rc : -ENOMEM;
}

void listen_common_close(struct listen_common *c)
{
	per_source_free(c->connections);
	per_source_free(c->sessions);
	listen_coop_common_close(c);
	partner_board_close(c->partner);
	*c = (struct listen_common){ 0 };
}

int listen_open(struct event_base *base, const struct listen_common *common, struct policy *policy,
		size_t index, struct listen **out)
{
	struct listen *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return -ENOMEM;
	l->common = common;
	l->base = base;
	l->policy = policy_retain(policy);
	l->tells = index == 0;
	for (size_t i = 0; i < LAYOUT_SOCKETS_MAX; i++)
		l->sockets[i].fd = -1;
	rc = open_parts(l);
	if (rc == 0)
		*out = l;
	else
		listen_close(l);
	return rc;
}

void listen_close(struct listen *l)
{
	if (l == NULL)
		return;
	stream_set_free(l->streams);
	listen_dtls_close(l); /* says goodbye through the sockets */
	listen_coop_close(l);
	listen_partner_close(l);
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
	if (l->streams != NULL)
		stream_set_use_tls(l->streams, policy->tls);
	if (l->dtls != NULL)
		dtls_use_ctx(l->dtls, policy->dtls);
	if (l->partner != NULL)
		listen_partner_use_policy(l);
}

const struct stats *listen_stats(const struct listen *l)
{
	return &l->stats;
}

const struct stream_stats *listen_stream_stats(const struct listen *l)
{
	return l->streams != NULL ? stream_set_stats(l->streams) : NULL;
}

const struct dtls_stats *listen_dtls_stats(const struct listen *l)
{
	return l->dtls != NULL ? dtls_stats(l->dtls) : NULL;
}

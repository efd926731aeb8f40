/* The TCP and TLS clients of a worker. */
#include "listen_parts.h"

#include <errno.h>
#include <openssl/rand.h>

#include "cidr.h"

/* What may wait for a client: a few of the longest datagrams. */
#define OUTPUT_MOST (256 * 1024)

/* Handshakes and first requests under way, of a worker; more than that, and the oldest goes. */
#define HALF_OPEN_LEAST 32

static bool is_served(const struct listen_socket *s, enum stun_transport transport)
{
	return transport == STUN_TLS ? s->at->tls : s->at->tcp;
}

static struct listen_link *link_of(struct stream_conn *c)
{
	struct listen_link *link = stream_user(c);
	const struct stream_peer *peer = stream_peer(c);
	struct five_tuple tuple = { .client = peer->remote,
				    .server = peer->local,
				    .transport = (uint8_t)peer->transport };

	if (link != NULL)
		return link;
	link = listen_link_new(stream_listener_user(c), &tuple, stream_name_tag(c));
	if (link != NULL)
		link->stream = c;
	stream_set_user(c, link);
	return link;
}

static void on_frame(struct stream_conn *c, struct bytes frame, void *arg)
{
	struct listen *l = arg;
	struct listen_link *link = link_of(c);

	if (link != NULL && is_served(link->socket, stream_peer(c)->transport)) {
		listen_link_judge(l, link, frame);
		return;
	}
	counter_add(&l->stats.unwanted, 1);
	stream_close(c);
}

static void on_end(struct stream_conn *c, enum stream_end why, void *arg)
{
	listen_link_ended(arg, stream_user(c));
}

/* Whoever writes a PROXY header says whom it comes from: that is for few. */
static bool proxy_may(const struct addr *proxy, void *arg)
{
	const struct listen *l = arg;
	const struct opt_list *from = &l->common->conf->proxy_from;
	const struct opt_cidr *prefixes = from->items;

	for (size_t i = 0; i < from->count; i++) {
		struct cidr prefix = { .family = prefixes[i].net.family,
				       .len = prefixes[i].prefix_len };

		memcpy(prefix.ip, prefixes[i].net.ip, sizeof(prefix.ip));

		if (cidr_contains(&prefix, proxy))
			return true;
	}
	return false;
}

int listen_stream_open(struct listen *l)
{
	static const struct stream_events events = { .on_frame = on_frame, .on_end = on_end };
	const struct settings *settings = l->settings;
	const struct turnd_conf *conf = l->common->conf;
	struct stream_limits limits = {
		.max_frame = LISTEN_FRAME_MAX,
		.max_output = OUTPUT_MOST,
		.max_half_open =
			(uint32_t)conf->max_connections / 4 / l->common->workers + HALF_OPEN_LEAST,
		.shared = l->common->connections,
		.idle_ms = (uint32_t)conf->idle_timeout_ms,
	};
	uint8_t key[16];

	if (RAND_bytes(key, sizeof(key)) != 1)
		return -EIO;
	l->streams = stream_set_new(l->base, &limits, &events, l,
				    settings->name_count > 0 ? settings->names[0].tls : NULL, key);
	return l->streams != NULL ? 0 : -ENOMEM;
}

int listen_stream_add(struct listen_socket *s)
{
	struct stream_listen_options options = {
		.reuse_port = true,
		.no_plain = !s->at->tcp,
		.no_tls = !s->at->tls,
		.proxy = s->at->proxy,
		.proxy_may = proxy_may,
		.user = s,
	};

	return stream_listen(s->owner->streams, &s->at->local, &options, NULL);
}

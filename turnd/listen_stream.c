/* The TCP and TLS clients of a worker. */
#include "listen_parts.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

/* Longest frame of a client that has an allocation: ChannelData, or a Send and its header. */
#define FRAME_LONGEST (65535 + 4)

static struct five_tuple tuple_of(const struct stream_conn *c)
{
	const struct stream_peer *peer = stream_peer(c);

	return (struct five_tuple){ .client = peer->remote,
				    .server = peer->local,
				    .transport = (uint8_t)peer->transport };
}

static bool is_served(const struct listen_socket *s, const struct five_tuple *tuple)
{
	if (s == NULL)
		return false;
	return tuple->transport == STUN_TLS ? s->at->tls : s->at->tcp;
}

static struct listen_link *link_of(struct stream_conn *c)
{
	struct listen_link *link = stream_user(c);

	if (link != NULL)
		return link;
	link = calloc(1, sizeof(*link));
	if (link != NULL)
		link->stream = c;
	stream_set_user(c, link);
	return link;
}

static void on_frame(struct stream_conn *c, struct bytes frame, void *arg)
{
	struct listen *l = arg;
	struct turnd_in in = {
		.data = frame, .tuple = tuple_of(c), .link = link_of(c), .ip = TURND_IP_DEFAULT
	};
	const struct listen_socket *s = listen_find(l, &in.tuple.server);

	if (in.link == NULL || !is_served(s, &in.tuple)) {
		stats_add(&l->stats.unwanted, 1);
		stream_close(c);
		return;
	}
	in.realm = s->realm;
	listen_judge(l, &in);
}

static void on_end(struct stream_conn *c, enum stream_end why, void *arg)
{
	struct five_tuple tuple = tuple_of(c);

	listen_link_ended(arg, &tuple, stream_user(c));
}

int listen_stream_open(struct listen *l)
{
	static const struct stream_events events = { .on_frame = on_frame, .on_end = on_end };
	const struct settings *settings = l->settings;
	struct stream_limits limits = {
		.max_frame = FRAME_LONGEST,
		.max_output = 4 * 65536,
		.shared = l->common->connections,
		.idle_ms = (uint32_t)l->common->conf->idle_timeout_ms,
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
	};

	return stream_listen(s->owner->streams, &s->at->local, &options, NULL);
}

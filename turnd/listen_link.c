/* Clients with a connection: what TCP, TLS and DTLS have in common. */
#include "handover.h"
#include "listen_parts.h"
#include "tcp_relay.h"

#include <stdlib.h>

/* So many are looked at when time passes. */
#define REVIEWED 64

struct listen_link *listen_link_new(const struct listen_socket *s, const struct five_tuple *tuple,
				    uint64_t realm)
{
	struct listen_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	list_init(&link->kept);
	link->socket = s;
	link->tuple = *tuple;
	link->realm = realm != 0 ? realm : s->realm;
	return link;
}

/* With an allocation, silence is no reason to end, and data may be long. */
static void set_kept(struct listen *l, struct listen_link *link, bool kept)
{
	if (kept == !list_is_empty(&link->kept))
		return;
	if (kept)
		list_append(&l->kept, &link->kept);
	else
		list_remove(&link->kept);
	if (link->stream != NULL) {
		stream_keep(link->stream, kept);
		stream_set_max_frame(link->stream, kept ? STREAM_FRAME_MAX : LISTEN_FRAME_MAX);
	} else {
		dtls_keep(link->dtls, kept, l->now.us);
	}
}

void listen_link_settle(struct listen *l, struct listen_link *link)
{
	set_kept(l, link, turnd_has(l->turnd, &link->tuple));
}

void listen_link_review(struct listen *l)
{
	for (int i = 0; i < REVIEWED && !list_is_empty(&l->kept); i++) {
		struct listen_link *link = LIST_OF(l->kept.next, struct listen_link, kept);

		list_append(&l->kept, &link->kept);
		listen_link_settle(l, link);
	}
}

void listen_link_judge(struct listen *l, struct listen_link *link, struct bytes data)
{
	struct turnd_in in = { .data = data,
			       .tuple = link->tuple,
			       .link = link,
			       .realm = link->realm,
			       .ip = TURND_IP_DEFAULT,
			       .site = link->socket->site,
			       .socket = link->socket->at->number };

	listen_judge(l, &in);
}

void listen_link_send(struct listen *l, struct listen_link *link, struct bytes data)
{
	bool sent = link->stream != NULL ? stream_send(link->stream, data)
					 : dtls_send(link->dtls, data);

	if (!sent)
		counter_add(&l->stats.client_slow, 1);
}

void listen_link_pause(struct listen_link *link)
{
	if (link->stream != NULL)
		stream_pause(link->stream);
}

void listen_link_resume(struct listen_link *link)
{
	if (link->stream != NULL)
		stream_resume(link->stream);
}

void listen_link_close(struct listen *l, struct listen_link *link)
{
	if (link == l->ending)
		return;
	if (link->stream != NULL)
		stream_close(link->stream);
	else
		dtls_close(link->dtls);
}

void listen_link_ended(struct listen *l, struct listen_link *link)
{
	if (link == NULL)
		return;
	l->ending = link;
	tcp_relay_link_ended(l, link);
	handover_forget(l, link);
	turnd_link_ended(l->turnd, &link->tuple, link, listen_begin(l));
	l->ending = NULL;
	list_remove(&link->kept);
	free(link);
}

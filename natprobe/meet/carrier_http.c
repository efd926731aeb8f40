/* One rendezvous over HTTP: its addresses, and what is said over which connection. */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "carrier_http_state.h"
#include "carrier_tls.h"
#include "clock.h"

static void poke_all(struct carrier_http *h)
{
	for (struct list *l = h->channels.next; l != &h->channels; l = l->next)
		http_channel_poke(LIST_OF(l, struct http_channel, link));
}

static void prefer_good(struct carrier_http *h)
{
	for (size_t i = 1; i < h->count; i++) {
		if (!addr_equal(&h->addrs[i], &h->good))
			continue;
		h->addrs[i] = h->addrs[0];
		h->addrs[0] = h->good;
	}
}

static void on_found(void *arg, const struct addr *list, size_t count, const char *why)
{
	struct carrier_http *h = arg;

	carrier_lookup_free(h->lookup);
	h->lookup = NULL;
	if (count > 0) {
		memcpy(h->addrs, list, count * sizeof(list[0]));
		h->count = count;
		h->at = 0;
		prefer_good(h);
	} else {
		h->hooks.on_state(h->hooks.arg, false, why);
	}
	poke_all(h); /* where there is none, they wait for a while and ask again */
}

void carrier_http_find(struct carrier_http *h)
{
	if (h->lookup == NULL)
		h->lookup = carrier_lookup_new(h->base, &h->uri, on_found, h);
}

static struct http_channel *add_channel(struct carrier_http *h, const char *topic)
{
	struct http_channel *c = http_channel_new(h, topic);

	if (c == NULL)
		return NULL;
	list_append(&h->channels, &c->link);
	if (h->lookup == NULL)
		http_channel_poke(c);
	return c;
}

static void http_close(void *link)
{
	struct carrier_http *h = link;

	if (h == NULL)
		return;
	carrier_lookup_free(h->lookup);
	while (!list_is_empty(&h->channels))
		http_channel_free(LIST_OF(h->channels.next, struct http_channel, link));
	carrier_queue_clear(&h->queue);
	SSL_CTX_free(h->tls);
	free(h);
}

static void *http_open(struct event_base *base, const struct carrier_uri *uri,
		       const struct carrier_hooks *hooks)
{
	struct carrier_http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->base = base;
	h->uri = *uri;
	h->hooks = *hooks;
	list_init(&h->channels);
	carrier_queue_init(&h->queue);
	carrier_uri_authority(uri, h->authority);
	if (uri->is_secure)
		h->tls = carrier_tls_context(uri);
	carrier_http_find(h);
	if ((h->tls != NULL || !uri->is_secure) && h->lookup != NULL)
		return h;
	http_close(h);
	return NULL;
}

static bool http_subscribe(void *link, const char *topic)
{
	struct carrier_http *h = link;

	for (struct list *l = h->channels.next; l != &h->channels; l = l->next) {
		if (strcmp(LIST_OF(l, struct http_channel, link)->topic, topic) == 0)
			return true;
	}
	return add_channel(h, topic) != NULL;
}

static bool http_publish(void *link, const char *topic, struct bytes data)
{
	struct carrier_http *h = link;

	if (!carrier_queue_add(&h->queue, topic, data, clock_us()))
		return false;
	if (h->publisher == NULL)
		h->publisher = add_channel(h, "");
	else if (h->lookup == NULL)
		http_channel_poke(h->publisher);
	return h->publisher != NULL;
}

static void http_refresh(void *link)
{
	struct carrier_http *h = link;

	for (struct list *l = h->channels.next; l != &h->channels; l = l->next)
		http_channel_refresh(LIST_OF(l, struct http_channel, link));
}

const struct carrier_link_ops carrier_http_ops = {
	.open = http_open,
	.subscribe = http_subscribe,
	.publish = http_publish,
	.refresh = http_refresh,
	.close = http_close,
};

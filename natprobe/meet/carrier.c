#include "carrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier_link.h"

#define LINKS_MAX 8

struct one {
	struct carrier *carrier;
	const struct carrier_link_ops *ops;
	void *link;
	char name[CARRIER_URI_NAME_MAX];
	bool is_up, is_down; /* neither: not known yet */
	char why[CARRIER_WHY_MAX];
};

struct carrier {
	struct carrier_hooks hooks;
	bool is_up;
	size_t count;
	struct one links[LINKS_MAX];
};

static const char *const no_mqtt = "this natprobe was built without MQTT; use an https:// "
				   "rendezvous, or build it with libmosquitto-dev installed";

const char *carrier_public_list(void)
{
	return "mqtts://broker.emqx.io,mqtts://broker.hivemq.com,mqtts://test.mosquitto.org:8886";
}

static void on_message(void *arg, const char *topic, struct bytes data, uint64_t now_us)
{
	const struct one *o = arg;
	const struct carrier_hooks *h = &o->carrier->hooks;

	h->on_message(h->arg, topic, data, now_us);
}

static void on_server_time(void *arg, const char *name, int64_t offset_us, uint64_t error_us)
{
	const struct one *o = arg;
	const struct carrier_hooks *h = &o->carrier->hooks;

	if (h->on_server_time != NULL)
		h->on_server_time(h->arg, name, offset_us, error_us);
}

/* All of them are down: each has its reason. */
static void tell_down(struct carrier *c)
{
	char text[LINKS_MAX * (CARRIER_URI_NAME_MAX + CARRIER_WHY_MAX)];
	size_t at = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!c->links[i].is_down)
			return;
	}
	for (size_t i = 0; i < c->count; i++) {
		int n = snprintf(text + at, sizeof(text) - at, "%s%s: %s", at > 0 ? "; " : "",
				 c->links[i].name, c->links[i].why);

		at += n > 0 ? (size_t)n : 0;
		if (at >= sizeof(text))
			break;
	}
	c->is_up = false;
	c->hooks.on_state(c->hooks.arg, false, text);
}

static void on_state(void *arg, bool is_up, const char *why)
{
	struct one *o = arg;
	struct carrier *c = o->carrier;

	o->is_up = is_up;
	o->is_down = !is_up;
	(void)snprintf(o->why, sizeof(o->why), "%s", why != NULL ? why : "");
	if (!is_up) {
		tell_down(c);
	} else if (!c->is_up) {
		c->is_up = true;
		c->hooks.on_state(c->hooks.arg, true, NULL);
	}
}

static bool add(struct carrier *c, struct event_base *base, struct bytes text, const char **why)
{
	struct one *o = &c->links[c->count];
	const struct carrier_hooks hooks = { .on_message = on_message,
					     .on_state = on_state,
					     .on_server_time = on_server_time,
					     .arg = o };
	struct carrier_uri uri;

	if (!carrier_uri_parse(text, &uri, why))
		return false;
	o->carrier = c;
	o->ops = uri.kind == CARRIER_HTTP ? &carrier_http_ops : carrier_mqtt_ops();
	if (o->ops == NULL) {
		*why = no_mqtt;
		return true; /* one of the others may do */
	}
	carrier_uri_print(&uri, o->name);
	o->link = o->ops->open(base, &uri, &hooks);
	if (o->link == NULL) {
		*why = "out of memory";
		return false;
	}
	c->count++;
	return true;
}

static bool add_all(struct carrier *c, struct event_base *base, const char *uris, const char **why)
{
	struct bytes list = bytes_of_str(uris), uri;

	*why = "names no rendezvous; write it like https://stund.example.org/";
	while (carrier_uri_next(&list, &uri)) {
		if (c->count == LINKS_MAX) {
			*why = "names more than eight; leave some out";
			return false;
		}
		if (!add(c, base, uri, why))
			return false;
	}
	return c->count > 0;
}

struct carrier *carrier_open(struct event_base *base, const char *uri,
			     const struct carrier_hooks *hooks, const char **why)
{
	struct carrier *c = calloc(1, sizeof(*c));

	*why = "out of memory";
	if (c == NULL)
		return NULL;
	c->hooks = *hooks;
	if (add_all(c, base, uri, why))
		return c;
	carrier_close(c);
	return NULL;
}

bool carrier_subscribe(struct carrier *c, const char *topic)
{
	bool ok = true;

	for (size_t i = 0; i < c->count; i++)
		ok = c->links[i].ops->subscribe(c->links[i].link, topic) && ok;
	return ok;
}

bool carrier_publish(struct carrier *c, const char *topic, struct bytes data)
{
	bool ok = true;

	for (size_t i = 0; i < c->count; i++)
		ok = c->links[i].ops->publish(c->links[i].link, topic, data) && ok;
	return ok;
}

void carrier_refresh(struct carrier *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->links[i].ops->refresh(c->links[i].link);
}

void carrier_close(struct carrier *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++)
		c->links[i].ops->close(c->links[i].link);
	free(c);
}

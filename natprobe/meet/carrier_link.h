/*
 * carrier_link - one server of a carrier: what carrier.c has of HTTP and MQTT. Texts of on_state
 * are for people, with a remedy where there is one, and good for the call only.
 */
#ifndef NATPROBE_CARRIER_LINK_H
#define NATPROBE_CARRIER_LINK_H

#include "carrier.h"
#include "carrier_uri.h"

#define CARRIER_WHY_MAX 512

struct carrier_link_ops {
	/* NULL when memory runs out, or OpenSSL fails. The hooks are not called before it returns. */
	void *(*open)(struct event_base *base, const struct carrier_uri *uri,
		      const struct carrier_hooks *hooks);
	bool (*subscribe)(void *link, const char *topic);
	bool (*publish)(void *link, const char *topic, struct bytes data);
	void (*refresh)(void *link);
	void (*close)(void *link);
};

extern const struct carrier_link_ops carrier_http_ops;

/* NULL: this build has none. */
const struct carrier_link_ops *carrier_mqtt_ops(void);

#endif

/*
 * carrier - what takes messages between two parties that do not know each other's address: topics
 * that anybody may publish to and subscribe to. It may be slow, lose, repeat, reorder, and lie.
 *
 * Shells are carrier_http (stund), carrier_mqtt (a broker) and, for a meeting by hand, none at all.
 */
#ifndef NATPROBE_CARRIER_H
#define NATPROBE_CARRIER_H

#include <event2/event.h>

#include "meet.h"

struct carrier_hooks {
	void (*on_message)(void *arg, const char *topic, struct bytes data, uint64_t now_us);
	/* It can be used; or it cannot, and why says so, for people. More than once, if need be. */
	void (*on_state)(void *arg, bool is_up, const char *why);
	void *arg;
};

struct carrier;

/*
 * uri: https://HOST[:PORT]/, http://..., mqtts://HOST[:PORT], mqtt://...; NULL, and *why (for
 * people, constant) where it cannot be.
 */
struct carrier *carrier_open(struct event_base *base, const char *uri,
			     const struct carrier_hooks *hooks, const char **why);
/* Messages of a topic begin to arrive; those of the last minutes first, where it keeps them. */
bool carrier_subscribe(struct carrier *c, const char *topic);
/* Is sent when it can be; not told whether it was. False: no memory. */
bool carrier_publish(struct carrier *c, const char *topic, struct bytes data);
void carrier_close(struct carrier *c); /* NULL is fine; what is to be sent still leaves, or not */

#endif

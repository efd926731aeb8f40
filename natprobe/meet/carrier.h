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
	/*
	 * May be NULL. A server told its time: its clock = ours (clock_us) + offset, at most `error`
	 * wrong. name: the same for all who ask this server. When it is known better than before.
	 */
	void (*on_server_time)(void *arg, const char *name, int64_t offset_us, uint64_t error_us);
};

struct carrier;

/*
 * uri: https://HOST[:PORT]/, http://..., mqtts://[USER[:PASSWORD]@]HOST[:PORT], mqtt://..., or
 * several of them with commas: then topics are subscribed to at each, and messages sent to each, so
 * that two sides meet that have one of them in common. NULL, and *why (for people, constant) where
 * it cannot be. Hooks are not called before it returns.
 */
struct carrier *carrier_open(struct event_base *base, const char *uri,
			     const struct carrier_hooks *hooks, const char **why);
/* Messages of a topic begin to arrive; those of the last minutes first, where it keeps them. */
bool carrier_subscribe(struct carrier *c, const char *topic);
/* Is sent when it can be; not told whether it was. False: no memory. */
bool carrier_publish(struct carrier *c, const char *topic, struct bytes data);
/* Its connections may be dead without having said so: makes them anew. What is to be sent stays. */
void carrier_refresh(struct carrier *c);
void carrier_close(struct carrier *c); /* NULL is fine; what is to be sent still leaves, or not */

/* Servers of others that anybody may use: for a first try, where the user names none. A list. */
const char *carrier_public_list(void);

#endif

/*
 * meet_door - an acceptor that serves many inviters: each invitation that is new makes a struct meet
 * of its own, which is ready at once (meet.h).
 *
 * The shell subscribes to the door's topic, and hands each message of it to every meet that came of
 * the door (meet_on_message: inviters go on there until they are answered) and to the door.
 */
#ifndef NATPROBE_MEET_DOOR_H
#define NATPROBE_MEET_DOOR_H

#include "meet.h"

#define MEET_DOOR_KNOWN   1024    /* invitations that are recognised when they come again */
#define MEET_DOOR_BURST   32      /* admitted at once */
#define MEET_DOOR_EACH_US 1000000 /* ... and in the long run: so one is known for 17 minutes */

struct meet_door;

/* private_key: X25519, copied, and wiped by meet_door_free. NULL when memory or OpenSSL fails. */
struct meet_door *meet_door_new(const uint8_t private_key[static 32],
				void (*random)(void *arg, void *buf, size_t len), void *random_arg,
				uint64_t now_us);
void meet_door_free(struct meet_door *d); /* NULL is fine; its meets live on */

/* Good until meet_door_free. */
const char *meet_door_topic(const struct meet_door *d);

/*
 * What came on that topic. A new meet, the caller's; or NULL: no invitation to this address, one that
 * was admitted before, or too many of them.
 */
struct meet *meet_door_admit(struct meet_door *d, struct bytes data, uint64_t now_us);

#endif

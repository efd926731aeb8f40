/*
 * link_path - keeps one path alive, and knows whether it still is: Binding requests of ICE's shape, as
 * punching sends them (check.h), for consent (RFC 7675), for the NATs' mappings, and with padding to find
 * how much fits into a datagram. A state machine without sockets or clock.
 *
 * The pace is that of the mapping's measured lifetime; while nothing is heard it asks more often, and
 * gives up after LINK_PATH_SILENCE_US: twice that on TCP, which repeats what was lost by itself, and
 * where the other side still is heard by then. What counts in the end is an answer to a request of ours:
 * it shows that both directions live. Each request names our identity's fingerprint, under
 * MESSAGE-INTEGRITY: so the first that comes tells whom to expect, even where the meeting could not.
 */
#ifndef NATPROBE_LINK_PATH_H
#define NATPROBE_LINK_PATH_H

#include "natprobe/punch/check.h"

#define LINK_FINGERPRINT_LEN CHECK_IDENTITY_LEN /* that of identity.h */
#define LINK_PATH_FRAME_MAX  1472
#define LINK_PATH_FRAME_MIN  548   /* believed to pass without having been tried */
#define LINK_PATH_FRAME_TCP  16384 /* TRANSPORT_FRAME_MAX: nothing is searched on TCP */
#define LINK_PATH_FRAME_LOW  1200 /* where the search begins; less is tried when even that is lost */
#define LINK_PATH_SILENCE_US 6000000 /* asked in vain for so long: the path is broken */

struct link_path_config {
	struct check_keys keys; /* of the trial that made the path, or a WebRTC peer's */
	uint8_t fingerprint[LINK_FINGERPRINT_LEN]; /* ours */
	bool is_tcp, is_relayed;
	struct addr remote;
	uint32_t lifetime_s; /* of the NATs' mappings, the shorter of both sides'; 0: not known */
	void (*on_output)(void *arg, struct bytes frame, bool is_probe); /* is_probe: must not be
									    fragmented */
	void (*on_identity)(void *arg, const uint8_t fingerprint[static LINK_FINGERPRINT_LEN]);
	void (*on_frame_max)(void *arg, uint16_t frame_max);
	/* Once, and the last thing that a call does: it may free the path. */
	void (*on_broken)(void *arg, const char *why);
	void (*random)(void *arg, void *buf, size_t len);
	void *arg;
};

struct link_path;

/*
 * NULL when memory runs out. Calls nothing back: what it wants to send is due at once
 * (link_path_next_us). Until on_frame_max says otherwise a frame is link_path_frame_max long.
 */
struct link_path *link_path_new(const struct link_path_config *config, uint64_t now_us);
void link_path_free(struct link_path *p); /* NULL is fine. From no callback but on_broken. */

/* Every frame that came from the remote address. True: it was one of ours (a check). */
bool link_path_input(struct link_path *p, struct bytes frame, uint64_t now_us);
/* Anything else authentic was heard or sent there: it counts as life, and keeps mappings. */
void link_path_heard(struct link_path *p, uint64_t now_us);
void link_path_sent(struct link_path *p, uint64_t now_us);
/* ICMP, or an error of the socket: asks at once whether it still is alive. */
void link_path_doubt(struct link_path *p, uint64_t now_us);

/* The same of a frame's length: tries at once whether what is believed to pass still does. */
void link_path_doubt_width(struct link_path *p, uint64_t now_us);

/* Other calls than link_path_on_time may bring it forward, UINT64_MAX: it is broken. */
uint64_t link_path_next_us(const struct link_path *p);
void link_path_on_time(struct link_path *p, uint64_t now_us);

uint16_t link_path_frame_max(const struct link_path *p);
uint32_t link_path_rtt_us(const struct link_path *p); /* smoothed; 0: nothing was answered yet */

#endif

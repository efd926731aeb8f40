/* assoc_state - an association as libusrsctp has it. For assoc_*.c alone. */
#ifndef NATPROBE_ASSOC_STATE_H
#define NATPROBE_ASSOC_STATE_H

#include <stdalign.h>

#include <usrsctp.h>

#include "assoc.h"
#include "list.h"
#include "sctp_hold.h"
#include "window_gauge.h"

#define ASSOC_PORT         5000 /* of both ends, as WebRTC has it */
#define ASSOC_RESETS_MAX   64
#define ASSOC_PACKET_MAX   65536
#define ASSOC_MESSAGE_MAX  65536
#define ASSOC_WINDOW_FIRST 10 /* packets */

struct assoc {
	struct list link;
	void *id; /* the library's address of the other side; never used again */
	struct socket *so;
	struct assoc_config config;
	struct sctp_watch watch;
	struct sctp_hold hold;
	struct window_gauge gauge;
	size_t packet_room; /* for chunks, on this path */
	size_t least;       /* of the window, after a loss; 0: as the library has it */
	uint64_t again;     /* chunks that were sent again, when it was last set */
	uint64_t handed;    /* bytes of data */
	uint64_t busy_until_us;
	bool is_up, is_over, is_in_message;
	bool is_timely;                 /* what is sent now is sent at the library's time */
	uint16_t resets[ASSOC_STREAMS]; /* streams of a notification not told yet */
	uint16_t reset_count;
	uint8_t reset_kind;
	alignas(8) uint8_t message[ASSOC_MESSAGE_MAX];
	uint8_t packet[ASSOC_PACKET_MAX];
};

/* assoc_options.c */
bool assoc_set_options(struct assoc *s);
struct sockaddr_conn assoc_address(const struct assoc *s);
/* How long packets may be: of one that has begun. */
bool assoc_set_path(struct assoc *s);
bool assoc_set_window(struct assoc *s, size_t window);
bool assoc_limit_window(struct assoc *s, size_t most); /* 0: any */

#endif

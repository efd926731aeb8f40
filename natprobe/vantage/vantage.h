/*
 * vantage - a TURN server as the second place to look from (RFC 8656): whose datagrams a filter
 * lets in, where no server of RFC 5780 is at hand.
 *
 * Two allocations have relayed addresses R1 and R2, of one IP address and two ports (EVEN-PORT with
 * a reservation). Two fresh sockets:
 *
 *	far   speaks to a STUN server only, and learns its mapped address there; R1, which is another
 *	      address and port, sends to that. What arrives passes an endpoint-independent filter.
 *	near  speaks to R1 only, which tells its mapped address; R1 sends back, the control; R2 sends
 *	      as well. What arrives passes a filter by address.
 *
 * Each round asks and speaks again first, so that what a NAT forgets when it meets something
 * unexpected is there again. A silence counts when the controls of the same rounds came through
 * and loss explains it with a chance that the configuration allows. What a filter by port alone
 * lets in cannot be told: it remains possible beside address-and-port-dependent.
 *
 * A relay behind a firewall of its own, that lets out answers only, would look like a filter: so the
 * relayed addresses ask the STUN server, too.
 *
 * A permission for our external address is needed before anything comes back. That of `near` is not
 * known beforehand where a NAT has several: all are permitted that the discovery has seen.
 *
 * Where the discovery had too few endpoints to compare mappings, one more fresh socket speaks to R1,
 * R2 and a STUN server, which tell how they see it.
 *
 * TCP is looked at beside it, where the server connects to peers (RFC 6062) and is reached by a
 * stream: ports of ours that listen, and are connected to a STUN server (far) or to the TURN server
 * (near, where it relays from its own address), are called by the relay. A SYN comes again after
 * one, three and seven seconds; a call to the STUN server is the control.
 *
 * No socket, no clock. It begins once a discovery is over, and makes mappings: see
 * vantage_wants_floor. Ends are transports to the TURN server, slots are UDP sockets.
 *
 *	VANTAGE_DIAL     connect `end` to `to` over `transport`; then vantage_on_dialled or _on_hung_up
 *	VANTAGE_HANG_UP  close `end`
 *	VANTAGE_SAY      send `data` on `end`
 *	VANTAGE_OPEN     bind a fresh UDP socket as `slot`; then vantage_on_open, or _on_open_failed
 *	VANTAGE_SEND     send `data` from `slot` to `to`
 *	VANTAGE_CLOSE    close `slot`
 *	VANTAGE_CALL     take a fresh TCP port as call `slot`: listen there, and connect from it to
 *	                 `to`, with SO_REUSEADDR and SO_REUSEPORT; then vantage_on_connected, and send
 *	                 `data`
 *	VANTAGE_END_CALL close both of call `slot`
 *	VANTAGE_WAIT     nothing before deadline_us, unless something arrives
 *	VANTAGE_DONE     all is closed; vantage_conclude
 *
 *	vantage.c           from the first connection to the end
 *	vantage_learn.c     what is known from the start
 *	vantage_allocate.c  the relayed addresses, and who may send to them
 *	vantage_rounds.c    filtering: what is sent, and what arrives
 *	vantage_judge.c     what all of it means
 *	vantage_mapping.c   mapping, where the discovery did not find it
 *	vantage_tcp.c       filtering of TCP
 */
#ifndef NATPROBE_VANTAGE_H
#define NATPROBE_VANTAGE_H

#include "dial_failure.h"
#include "turn_client.h"
#include "natprobe/verdict.h"

#define VANTAGE_ENDS        3
#define VANTAGE_SLOTS       8
#define VANTAGE_CALLS       7 /* ports of ours that the relay connects to, and one that is not */
#define VANTAGE_TARGETS_MAX 6

/* A place to reach the TURN server at. */
struct vantage_target {
	uint8_t transport; /* enum turn_transport */
	struct addr to;    /* of the family of the probed address */
};

struct vantage_config {
	const struct vantage_target *targets; /* by preference; those beyond the most count not */
	size_t target_count;
	struct turn_client_credentials credentials; /* prepared, as turn_client_check wants them */
	const char *name;    /* of the server, as the user wrote it; borrowed */
	uint64_t timeout_us; /* for all of it */
	void (*random)(void *arg, void *buf, size_t len); /* a CSPRNG */
	void *random_arg;
};

enum vantage_kind {
	VANTAGE_WAIT,
	VANTAGE_DIAL,
	VANTAGE_HANG_UP,
	VANTAGE_SAY,
	VANTAGE_OPEN,
	VANTAGE_SEND,
	VANTAGE_CLOSE,
	VANTAGE_CALL,
	VANTAGE_END_CALL,
	VANTAGE_DONE,
};

struct vantage_action {
	uint8_t kind; /* enum vantage_kind */
	uint8_t end;  /* 0 to VANTAGE_ENDS - 1 */
	uint8_t slot; /* 0 to VANTAGE_SLOTS - 1, or VANTAGE_CALLS - 1 */
	uint8_t transport;
	struct addr to;
	const char *domain; /* VANTAGE_DIAL: what the certificate has to name; NULL: as at first */
	struct bytes data;  /* good until the next call */
	uint64_t deadline_us;
};

struct vantage;

/*
 * All is copied but the name. NULL when memory runs out.
 * seen  the verdict of the discovery from the same local address
 */
struct vantage *vantage_new(const struct vantage_config *config, const struct verdict *seen,
			    uint64_t now_us);
void vantage_free(struct vantage *v); /* NULL is fine */

/* The next action; returns its kind. Each is handed out once. */
enum vantage_kind vantage_next(struct vantage *v, uint64_t now_us, struct vantage_action *out);

void vantage_on_dialled(struct vantage *v, uint8_t end, uint64_t now_us);

/* It could not be opened, or broke; it is closed. */
void vantage_on_hung_up(struct vantage *v, uint8_t end, const struct dial_failure *why,
			uint64_t now_us);

/* A frame from the TURN server; any bytes. */
void vantage_on_frame(struct vantage *v, uint8_t end, struct bytes in, uint64_t now_us);

/* local: with its port */
void vantage_on_open(struct vantage *v, uint8_t slot, const struct addr *local);
void vantage_on_open_failed(struct vantage *v, uint8_t slot);

/* A datagram at a socket of ours; any bytes, from anybody. */
void vantage_on_datagram(struct vantage *v, uint8_t slot, const struct addr *from, struct bytes in,
			 uint64_t now_us);

/* Call `slot`: our connection stands; it has brought data; it is closed, or never stood. */
void vantage_on_connected(struct vantage *v, uint8_t slot, uint64_t now_us);
void vantage_on_stream(struct vantage *v, uint8_t slot, struct bytes data, uint64_t now_us);
void vantage_on_disconnected(struct vantage *v, uint8_t slot);

/* Somebody has connected to the port of call `slot`; the shell closes that again. */
void vantage_on_accepted(struct vantage *v, uint8_t slot, const struct addr *from);

/* Ends it early: what is known by now counts. */
void vantage_stop(struct vantage *v, uint64_t now_us);

/* Something that makes a mapping is still to leave: as discover_wants_floor. */
bool vantage_wants_floor(const struct vantage *v);

/*
 * Completes the verdict of that discovery: what the relay showed, and filtering, with all that
 * follows from it, where the discovery did not find it or saw less come in. The server is added to
 * the verdict's where there is room for one more.
 */
void vantage_conclude(const struct vantage *v, struct verdict *verdict);

#endif

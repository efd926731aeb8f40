/*
 * fabric - moves the packets of a laboratory: from hosts over lines and through boxes to the
 * servers, and back. The boxes are nat_model, or stand in the kernel beyond `io`.
 *
 * Pure: time comes in, packets and the time of the next thing to do go out. Packets are never
 * handled within a call that sends them: they queue, and fabric_run moves all that are due.
 */
#ifndef NATLAB_FABRIC_H
#define NATLAB_FABRIC_H

#include "plan.h"

#define FABRIC_PACKET_MAX 1600 /* an MTU of 1500, and what NAT64 adds */

struct fabric_io {
	/* A packet has arrived; bytes are good during the call only. */
	void (*to_host)(void *arg, size_t host, size_t nic, struct bytes packet);
	void (*to_servers)(void *arg, struct bytes packet);
	/* Of a kernel box: it comes in on that side. */
	void (*to_kernel)(void *arg, size_t box, enum nat_side side, struct bytes packet);
	void (*log)(void *arg, size_t box, const struct nat_event *event); /* may be NULL */
	void *arg;
};

struct fabric;

/* NULL when memory runs out. The plan is copied. */
struct fabric *fabric_new(const struct lab_plan *plan, const struct fabric_io *io);
void fabric_free(struct fabric *f); /* NULL is fine */

/* A packet comes out of a host, the servers, or a kernel box on that side. */
void fabric_from_host(struct fabric *f, size_t host, size_t nic, struct bytes packet,
		      uint64_t now_us);
void fabric_from_servers(struct fabric *f, struct bytes packet, uint64_t now_us);
void fabric_from_kernel(struct fabric *f, size_t box, enum nat_side side, struct bytes packet,
			uint64_t now_us);

/* Does all that is due. Returns when to call again, UINT64_MAX for never. */
uint64_t fabric_run(struct fabric *f, uint64_t now_us);

/* Of a model box: forgets its mappings. */
void fabric_flush(struct fabric *f, size_t box, uint64_t now_us);

/* Nothing passes the box until then. */
void fabric_pause(struct fabric *f, size_t box, uint64_t until_us);

/*
 * A box gets another outside address, in the same network as its first one, and forgets its
 * mappings. Returns the new one; family ADDR_NONE where it has no address outside.
 */
struct addr fabric_new_address(struct fabric *f, size_t box, uint64_t now_us);

/* Packets that were dropped since the fabric could not hold more. */
uint64_t fabric_overflows(const struct fabric *f);

#endif

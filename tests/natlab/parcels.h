/*
 * parcels - packets on their way: each has a place where it goes, and a time when it arrives.
 * Those that arrive at once keep their order, and so do those that arrive at the same time.
 */
#ifndef NATLAB_PARCELS_H
#define NATLAB_PARCELS_H

#include "fabric.h"

#define PARCELS_MAX 16384 /* alive at once */

enum parcel_kind {
	PARCEL_NIC,
	PARCEL_SERVERS,
	PARCEL_UP,   /* into the network behind `box` (or the world), from one of its members */
	PARCEL_DOWN, /* the same, from its router */
	PARCEL_BOX_IN,
	PARCEL_BOX_OUT,
};

struct parcel_place {
	uint8_t kind; /* enum parcel_kind */
	uint8_t host, nic;
	int16_t box;
};

struct parcel {
	struct parcel *next;
	uint64_t due_us, number;
	struct parcel_place to;
	size_t len;
	uint8_t data[FABRIC_PACKET_MAX];
};

/* Zeroed: empty. */
struct parcels {
	struct parcel *first, *last; /* due at once */
	struct parcel **heap;        /* the others */
	size_t heap_count, heap_cap;
	struct parcel *spare;
	size_t alive;
	uint64_t number;
	uint64_t overflows;
};

/* due_us 0: at once. What is too long, or too much, is dropped and counted. */
void parcels_add(struct parcels *s, struct parcel_place to, struct bytes packet, uint64_t due_us);

/* The next one that is due, or NULL; parcels_release takes it back. */
struct parcel *parcels_take(struct parcels *s, uint64_t now_us);
void parcels_release(struct parcels *s, struct parcel *p);

/* 0: at once; UINT64_MAX: never. */
uint64_t parcels_next_us(const struct parcels *s);

void parcels_free(struct parcels *s);

#endif

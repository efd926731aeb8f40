/*
 * punch_wire - what the two sides of a trial tell each other through the meeting, as bytes. What is
 * read comes from a peer that may lie: sizes are bounded, numbers are checked against their enums.
 */
#ifndef NATPROBE_PUNCH_WIRE_H
#define NATPROBE_PUNCH_WIRE_H

#include "punch_result.h"

#define PUNCH_HOLD_MAX_S 3600 /* whatever the other side asks for */

enum punch_told_kind {
	PUNCH_TOLD_NOTHING = 0,
	PUNCH_TOLD_OFFER,
	PUNCH_TOLD_START,
	PUNCH_TOLD_EVIDENCE,
	PUNCH_TOLD_BYE,
};

/* All clocks are the sender's. */
struct punch_told_offer {
	uint64_t made_us;
	uint16_t sockets_max;
	uint32_t hold_s;
	struct bytes offer; /* as peer_wire has it */
};

struct punch_told_start {
	uint64_t start_us;
	uint32_t delay_us; /* from when this was told to the start */
	uint32_t hold_s;
	struct punch_plan_options options;
};

struct punch_told_evidence {
	uint64_t ran_us; /* when the sender began; 0: it did not */
	bool has_path;
	uint8_t strategy, step;
	struct addr outer; /* of the path: how the reader of this saw the sender there */
	uint8_t count;
	struct punch_evidence seen[PUNCH_STEPS_MAX];
};

struct punch_told {
	uint8_t kind; /* enum punch_told_kind */
	uint32_t trial;
	struct bytes body; /* for one of the readers below */
};

/* Return the length, 0 where cap is too small. */
size_t punch_write_offer(uint32_t trial, const struct punch_told_offer *o, uint8_t *buf,
			 size_t cap);
size_t punch_write_start(uint32_t trial, const struct punch_told_start *s, uint8_t *buf,
			 size_t cap);
size_t punch_write_evidence(uint32_t trial, const struct punch_told_evidence *e, uint8_t *buf,
			    size_t cap);
size_t punch_write_bye(uint32_t trial, uint8_t *buf, size_t cap);

/* False where it is broken; *out is then not to be used. */
bool punch_read_told(struct bytes in, struct punch_told *out);
bool punch_read_offer(struct bytes body, struct punch_told_offer *out);
bool punch_read_start(struct bytes body, struct punch_told_start *out);
bool punch_read_evidence(struct bytes body, struct punch_told_evidence *out);

#endif

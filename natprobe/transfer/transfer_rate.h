/* transfer_rate - how fast a transfer goes, and how long it will take. No clock. */
#ifndef NATPROBE_TRANSFER_RATE_H
#define NATPROBE_TRANSFER_RATE_H

#include <stddef.h>
#include <stdint.h>

#define TRANSFER_RATE_SAMPLES 32
#define TRANSFER_RATE_US      5000000 /* it is that of so long */
#define TRANSFER_STALL_US     3000000 /* nothing for so long is worth a word */
#define TRANSFER_UNKNOWN      UINT64_MAX

struct transfer_rate_sample {
	uint64_t at_us, bytes;
};

struct transfer_rate {
	struct transfer_rate_sample samples[TRANSFER_RATE_SAMPLES];
	size_t count; /* ever */
	uint64_t moved_us, bytes;
};

/* bytes: that were moved up to now. Zero is a fine beginning. */
void transfer_rate_add(struct transfer_rate *r, uint64_t bytes, uint64_t now_us);
/* Bytes per second. */
uint64_t transfer_rate_get(const struct transfer_rate *r, uint64_t now_us);
/* For how long nothing moved. */
uint64_t transfer_rate_still_us(const struct transfer_rate *r, uint64_t now_us);
/* Seconds until `left` bytes are moved; TRANSFER_UNKNOWN where nothing moves. */
uint64_t transfer_rate_left_s(const struct transfer_rate *r, uint64_t left, uint64_t now_us);

#define TRANSFER_SIZE_TEXT 16
/* "0 bytes", "1 byte", "999 bytes", "1.0 kB", "16.8 MB": decimal units. Returns out. */
const char *transfer_size_text(uint64_t bytes, char out[static TRANSFER_SIZE_TEXT]);
#define TRANSFER_TIME_TEXT 24
/* "7 s", "2 min 5 s", "3 h 4 min", "9 d". Returns out. */
const char *transfer_time_text(uint64_t seconds, char out[static TRANSFER_TIME_TEXT]);

#endif

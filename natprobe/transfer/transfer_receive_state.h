/* transfer_receive_state - what transfer_receive*.c share. */
#ifndef NATPROBE_TRANSFER_RECEIVE_STATE_H
#define NATPROBE_TRANSFER_RECEIVE_STATE_H

#include "transfer_receive.h"

enum receive_stage {
	AWAITS_HELLO = 0,
	AWAITS_OFFER,
	AWAITS_ENTRIES,
	LOOKS, /* what of it is here already */
	AWAITS_CONSENT,
	PREPARES, /* makes directories, and counts what is here of an earlier run */
	AWAITS_FILE,
	AWAITS_DATA,
	FINISHES, /* directories, from the last one to the first */
	AWAITS_BYE,
};

struct transfer_receive {
	struct transfer_receive_config config;
	struct transfer_core core;
	struct manifest *manifest;
	struct have_list haves;
	uint8_t *found; /* enum transfer_found, of each entry */
	enum receive_stage stage;
	uint32_t count; /* as it was offered */
	uint64_t total;
	uint32_t index; /* of the entry that is looked at, or the next file */
	uint32_t clashes, odd;
	uint32_t part_index; /* of the one unfinished file that goes on; UINT32_MAX: none */
	uint64_t part_size;
	struct transfer_entry entry; /* of the open file */
	uint64_t at;
	uint64_t zeros;   /* not counted into the digest yet, of a hole behind `at` */
	uint64_t hash_to; /* PREPARES: of the open old file */
	bool is_open, is_hashing;
	bool is_here; /* of the current file: all of it was here before */
	bool is_resumed;
	bool is_cut; /* clash_names */
	char clash_names[TRANSFER_TEXT_MAX / 2];
	uint8_t chunk[TRANSFER_CHUNK];
};

/* transfer_receive_look.c: before data flow. */
void receive_look(struct transfer_receive *r);
void receive_prepare(struct transfer_receive *r);

/* transfer_receive_data.c: files. */
void receive_file(struct transfer_receive *r, const struct transfer_msg *m);
void receive_data(struct transfer_receive *r, struct bytes data);
void receive_hole(struct transfer_receive *r, uint64_t len);
void receive_file_end(struct transfer_receive *r, const uint8_t digest[static TRANSFER_DIGEST_LEN]);
void receive_some_zeros(struct transfer_receive *r);
void receive_end(struct transfer_receive *r);
void receive_finish(struct transfer_receive *r);

/* The digest of the current file: of one that goes on it was begun before data flowed. */
static inline const struct transfer_digest *receive_digest(const struct transfer_receive *r)
{
	return r->is_resumed ? &r->config.old_digest : &r->config.digest;
}

static inline struct transfer_target *receive_target(struct transfer_receive *r)
{
	return &r->config.target;
}

static inline void receive_close(struct transfer_receive *r)
{
	if (r->is_open)
		r->config.target.close(r->config.target.arg);
	r->is_open = false;
}

#endif

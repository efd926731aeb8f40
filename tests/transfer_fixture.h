/*
 * Files in memory for both sides of a transfer, and a digest that counts zeros at once, so that files
 * of 2^40 bytes can be sent; and the stream between them, which may be cut after any byte.
 */
#ifndef NATKIT_TRANSFER_FIXTURE_H
#define NATKIT_TRANSFER_FIXTURE_H

#include "natprobe/transfer/transfer_receive.h"
#include "natprobe/transfer/transfer_send.h"

#define MEMORY_NODES  64
#define MEMORY_PIECES 64

/* What is stored of a file; between the pieces there are holes. */
struct memory_piece {
	uint64_t at;
	size_t len;
	uint8_t *data;
};

struct memory_node {
	char path[64]; /* "": none */
	bool is_part, is_ours, is_odd;
	uint8_t kind; /* enum entry_kind */
	uint16_t mode;
	int64_t mtime_s;
	uint64_t size;
	struct memory_piece pieces[MEMORY_PIECES];
	size_t piece_count;
};

struct memory {
	struct memory_node nodes[MEMORY_NODES];
	struct memory_node *open;
	const struct manifest *manifest; /* of a source */
	uint64_t room;                   /* bytes that can still be written */
	uint32_t changes_at;             /* a source: this entry changes while it is read */
	int read_fails;                  /* -errno of the next read */
	uint32_t written;                /* calls */
	bool is_eager;                   /* what is read are pieces of one byte */
};

struct sum {
	uint64_t at, sum;
};

void memory_clear(struct memory *m);
struct memory_node *memory_find(struct memory *m, const char *path, bool is_part);
struct memory_node *memory_add(struct memory *m, const char *path, uint8_t kind, uint64_t size);
void memory_store(struct memory_node *n, uint64_t at, const void *data, size_t len);
/* The whole of a file that is not large. */
void memory_text(struct memory *m, const char *path, const char *text);
bool memory_is_text(struct memory *m, const char *path, const char *text);
/* Of all that is in m, in the order in which it was added. */
struct manifest *memory_manifest(struct memory *m);

struct transfer_source memory_source(struct memory *m);
struct transfer_target memory_target(struct memory *m);
struct transfer_digest sum_digest(struct sum *s);

/* Both sides and the stream between them. */
struct pipe_end {
	uint8_t *data;
	size_t len, cap;
};

struct transfer_pair {
	struct memory here, there;
	struct manifest *manifest;
	struct transfer_send *send;
	struct transfer_receive *receive;
	struct sum sums[3];
	struct pipe_end to_receive, to_send;
	uint64_t carried;   /* bytes that went from send to receive */
	uint64_t cut_after; /* 0: never */
	bool force, refuses;
	uint32_t offers, clashes, files_begun, files_ended;
	uint64_t last_at;
};

void pair_begin(struct transfer_pair *p);
/* Until both are over, or the stream was cut and both know. */
void pair_run(struct transfer_pair *p);
/* Both are gone, as if killed; the files stay. */
void pair_end(struct transfer_pair *p);
/* All of it. */
void pair_free(struct transfer_pair *p);

#endif

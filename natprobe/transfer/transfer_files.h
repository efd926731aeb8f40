/*
 * transfer_files - what the two sides of a transfer want of files, as tables of calls: the shell has
 * them made of real ones (source_files.h, target_files.h, sha256.h), tests of memory.
 *
 * Calls are short: no more than TRANSFER_CHUNK bytes are read or written, and of zeros no more than
 * TRANSFER_ZEROS counted, by one of them. What returns int returns 0 or -errno.
 */
#ifndef NATPROBE_TRANSFER_FILES_H
#define NATPROBE_TRANSFER_FILES_H

#include "transfer_wire.h"

#define TRANSFER_CHUNK   TRANSFER_BODY_MAX
#define TRANSFER_ZEROS   (UINT64_C(256) << 10)
#define TRANSFER_CHANGED (-1000000) /* no errno: the file is not what the manifest says */

struct transfer_digest {
	void (*begin)(void *arg);
	void (*add)(void *arg, struct bytes data);
	void (*add_zeros)(void *arg, uint64_t n);
	/* Of all up to here; more may be added. */
	void (*so_far)(void *arg, uint8_t out[static TRANSFER_DIGEST_LEN]);
	void *arg;
};

/*
 * What is at `at` of the open file: returns the bytes put into buf, 0 at its end or where there is a
 * hole of *hole bytes, or -errno.
 */
typedef int64_t transfer_read_at(void *arg, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole);

/* The sender's. One file is open at a time. */
struct transfer_source {
	int (*open)(void *arg, uint32_t index); /* TRANSFER_CHANGED where it is another one now */
	transfer_read_at *read;
	int (*close)(void *arg); /* TRANSFER_CHANGED: since it was opened */
	void *arg;
};

enum transfer_found {
	FOUND_NOTHING = 0,
	FOUND_SAME,  /* by kind, size, time and, of a directory, mode: left by an earlier run */
	FOUND_OURS,  /* a directory that an earlier run made, and did not finish */
	FOUND_OTHER, /* of the same kind, but something else */
	FOUND_ODD,   /* of another kind, or reached by a link: nothing can be put there */
};

/* The receiver's. One file is open at a time. */
struct transfer_target {
	/* *part: bytes of it that are here, unfinished, from an earlier run; 0: none. */
	int (*look)(void *arg, const struct transfer_entry *e, enum transfer_found *found,
		    uint64_t *part);
	/* For reading: what stands there, or the unfinished file. */
	int (*open_old)(void *arg, const struct transfer_entry *e, bool is_part);
	transfer_read_at *read;
	int (*make_directory)(void *arg, const struct transfer_entry *e);
	/* For writing: the unfinished file, cut to `at` bytes. */
	int (*open)(void *arg, const struct transfer_entry *e, uint64_t at);
	int (*write)(void *arg, uint64_t at, struct bytes data);
	/* Gives it size, mode and time, and its name. -EEXIST: something has come there. */
	int (*finish)(void *arg, const struct transfer_entry *e, bool replaces);
	int (*finish_directory)(void *arg, const struct transfer_entry *e);
	void (*close)(void *arg); /* whatever is open; an unfinished file stays */
	/* What is open is worth nothing: takes it away. */
	void (*drop)(void *arg, const struct transfer_entry *e);
	void *arg;
};

#endif

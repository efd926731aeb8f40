/*
 * lease_file - the leases that natprobe remembers: $XDG_STATE_HOME/natprobe/leases, or
 * ~/.local/state/natprobe/leases, which only its owner can read. One process at a time has it open.
 */
#ifndef NATPROBE_LEASE_FILE_H
#define NATPROBE_LEASE_FILE_H

#include "lease_record.h"

#define LEASE_FILE_PATH_MAX 512

struct lease_file {
	int fd; /* -1: it could not be opened, and the book is empty */
	char path[LEASE_FILE_PATH_MAX];
	struct lease_book book; /* without what has ended */
};

/* Returns 0, or -errno; -ENOENT where there is no home to write to. */
int lease_file_open(struct lease_file *f);

/* Writes the book where `saves`, and lets others have it. Returns 0 or -errno. */
int lease_file_close(struct lease_file *f, bool saves);

#endif

/*
 * mmdb_write - a small database in MaxMind's format, for tests: a tree with records of 24 bits,
 * strings, numbers and maps, and no more than that.
 */
#ifndef NATKIT_MMDB_WRITE_H
#define NATKIT_MMDB_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define MMDB_WRITE_MAX 16384 /* bytes that a database may have */

struct mmdb_row {
	const char *net;
	uint8_t prefix_len;
	const char *country; /* NULL: none, as in a file of networks */
	uint32_t asn;        /* 0: none */
	const char *organisation;
};

/*
 * Writes a database of these rows, which must not overlap; IPv4 nets stand below ::/96.
 * Returns its length.
 */
size_t mmdb_write(const struct mmdb_row *rows, size_t count, uint8_t out[static MMDB_WRITE_MAX]);

#endif

/*
 * lease_record - what natprobe remembers of leases that outlive it: a line of text each. A PCP
 * mapping can only be renewed or removed by who knows its nonce (RFC 6887, section 11.3). Pure; the
 * file is the shell's (lease_file.h), and what stands in it is not trusted.
 */
#ifndef NATPROBE_LEASE_RECORD_H
#define NATPROBE_LEASE_RECORD_H

#include "lease.h"

#define LEASE_BOOK_MAX        64
#define LEASE_RECORD_TEXT_MAX 384
#define LEASE_FOR_GOOD        UINT64_MAX

struct lease_record {
	uint8_t by; /* enum lease_by, below LEASE_BYS */
	uint8_t transport;
	struct addr internal;
	struct addr gateway;  /* port 0 */
	struct addr external; /* may be of no family, with a port */
	uint8_t nonce[PORTMAP_NONCE_LEN];
	uint16_t pinhole;
	uint64_t ends_unix_s; /* LEASE_FOR_GOOD: until it is removed */
};

struct lease_book {
	struct lease_record items[LEASE_BOOK_MAX];
	size_t count;
};

/* Reads all lines that are sound; others, and what there is no room for, are dropped. */
void lease_book_read(struct bytes text, struct lease_book *out);

/* Writes one line, with its end. Returns its length. */
size_t lease_record_print(const struct lease_record *r, char out[static LEASE_RECORD_TEXT_MAX]);

/* Borrowed: the lease of that port of ours, at that gateway; NULL: none. */
const struct lease_record *lease_book_find(const struct lease_book *b, uint8_t transport,
					   const struct addr *internal, const struct addr *gateway);

/* Takes the place of what was there for the same port. Without room the first one goes. */
void lease_book_put(struct lease_book *b, const struct lease_record *r);
void lease_book_drop(struct lease_book *b, const struct lease_record *r);

/* Drops what has ended. */
void lease_book_expire(struct lease_book *b, uint64_t now_unix_s);

#endif

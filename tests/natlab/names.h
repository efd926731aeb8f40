/*
 * names - the one name that a laboratory's DNS knows: ipv4only.arpa, by which hosts find out about
 * a NAT64 (RFC 7050). Pure.
 */
#ifndef NATLAB_NAMES_H
#define NATLAB_NAMES_H

#include "addr.h"
#include "wire.h"

#define NAMES_MAX 512 /* bytes of a question or an answer (RFC 1035, section 4.2.1) */

/*
 * Answers a question: "ipv4only.arpa" has two IPv4 addresses, and the same behind the prefix; other
 * names do not exist.
 * prefix, len  of a NAT64; len is 0 where there is none, and then the name has no IPv6 address
 * Returns the length of the answer in buf; 0: there is nothing to say to that.
 */
size_t names_answer(struct bytes question, const struct addr *prefix, uint8_t len,
		    uint8_t buf[static NAMES_MAX]);

#endif

/* crc32 - the checksum of ITU V.42, zlib and FINGERPRINT (RFC 8489, section 14.7). */
#ifndef NATKIT_CRC32_H
#define NATKIT_CRC32_H

#include "wire.h"

/* crc  0 to begin with; to go on, what was returned for the bytes before */
uint32_t crc32_update(uint32_t crc, struct bytes in);

#endif

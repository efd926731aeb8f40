/* sha256 - SHA-256 of a file as it passes by (transfer_files.h). */
#ifndef NATPROBE_SHA256_H
#define NATPROBE_SHA256_H

#include "transfer_files.h"

struct sha256;

struct sha256 *sha256_new(void);    /* NULL when memory runs out */
void sha256_free(struct sha256 *s); /* NULL is fine */
/* Good for as long as s is. */
struct transfer_digest sha256_digest(struct sha256 *s);

#endif

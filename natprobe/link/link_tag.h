/*
 * link_tag - by what a link tells that it was started with a code, without telling the code: salt and
 * a stretched hash of it, as text. For the link's own user, who may ask it (attach.h).
 */
#ifndef NATPROBE_LINK_TAG_H
#define NATPROBE_LINK_TAG_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_TAG_SALT_LEN 16
#define LINK_TAG_MAX      65 /* hexadecimal, with its end: salt and hash */

/* False where OpenSSL fails. code: as it counts (punch_code.h) */
bool link_tag_make(const char *code, const uint8_t salt[static LINK_TAG_SALT_LEN],
		   char out[static LINK_TAG_MAX]);
bool link_tag_is_of(const char *tag, const char *code);

#endif

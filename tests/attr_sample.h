/*
 * attr_sample - addresses of RFC 5769, section 2.2 and 2.3, as values of attributes, and the
 * transaction id that masks them.
 */
#ifndef NATKIT_TEST_ATTR_SAMPLE_H
#define NATKIT_TEST_ATTR_SAMPLE_H

#include "stun_msg.h"

#define COOKIE_AND_ID      \
	"\x21\x12\xa4\x42" \
	"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"

static const struct stun_tid tid = { .bytes = COOKIE_AND_ID };

/* 192.0.2.1:32853 and [2001:db8:1234:5678:11:2233:4455:6677]:32853. */
#define V4     "\0\x01\x80\x55\xc0\x00\x02\x01"
#define V4_XOR "\0\x01\xa1\x47\xe1\x12\xa6\x43"
#define V6     "\0\x02\x80\x55\x20\x01\x0d\xb8\x12\x34\x56\x78\0\x11\x22\x33\x44\x55\x66\x77"
#define V6_XOR "\0\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"

#endif

/*
 * stun_stream - message borders of STUN and ChannelData in a TCP byte stream
 * (RFC 8489, section 6.2.2; RFC 8656, section 12.5).
 */
#ifndef NATKIT_STUN_STREAM_H
#define NATKIT_STUN_STREAM_H

#include "stun.h"
#include "wire.h"

/*
 * Looks for one frame at the start of `in`.
 * max    longest frame that is taken, padding included
 * frame  set on STUN_OK: a STUN message, or a ChannelData message without its padding
 * used   set on STUN_OK: how many bytes of `in` the frame took, padding included
 * Returns STUN_OK; STUN_SHORT when more bytes are needed; STUN_FOREIGN when the first byte is
 * neither STUN's (0x00 to 0x3F) nor ChannelData's (0x40 to 0x7F, RFC 5766's channels
 * included); STUN_MALFORMED when the length is no multiple of 4 (STUN)
 * or above `max`, or a STUN header lacks the magic cookie. The last two end the connection.
 */
enum stun_result stun_stream_next(struct bytes in, size_t max, struct bytes *frame, size_t *used);

#endif

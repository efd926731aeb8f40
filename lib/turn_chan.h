/*
 * turn_chan - ChannelData, the short header in front of relayed data
 * (RFC 8656, section 12.4 to 12.6).
 */
#ifndef NATKIT_TURN_CHAN_H
#define NATKIT_TURN_CHAN_H

#include "stun.h"
#include "wire.h"

#define TURN_CHAN_HEADER_LEN 4
#define TURN_CHAN_FIRST      0x4000
#define TURN_CHAN_LAST       0x4FFF
#define TURN_CHAN_LAST_5766  0x7FFE

/* A ChannelData message: views of bytes that the caller owns. */
struct turn_chan {
	uint16_t number;
	struct bytes data;
};

/* A number that RFC 8656 lets a client bind (section 12). */
static inline bool turn_chan_is_number(uint16_t number)
{
	return number >= TURN_CHAN_FIRST && number <= TURN_CHAN_LAST;
}

/* A number that RFC 5766 (section 11) let a client bind; includes those of RFC 8656. */
static inline bool turn_chan_is_number_5766(uint16_t number)
{
	return number >= TURN_CHAN_FIRST && number <= TURN_CHAN_LAST_5766;
}

/* How many bytes (0 to 3) follow a frame of `len` bytes on a stream. */
static inline size_t turn_chan_padding(size_t len)
{
	return wire_padding(len);
}

/*
 * Judges a whole datagram, or one frame cut from a stream.
 * out  set on STUN_OK only; its view dies with `in`
 * Padding, and whatever else stands behind the data, is ignored. The number is any that
 * RFC 5766 or 8656 knows: whether it is bound, or may be, is for the caller to ask.
 * Returns STUN_OK; STUN_FOREIGN when the first two bits are not those of a channel number, or
 * there are none; STUN_MALFORMED when header or data are cut short, or for number 0x7FFF.
 */
enum stun_result turn_chan_parse(struct bytes in, struct turn_chan *out);

/*
 * Writes the header to the TURN_CHAN_HEADER_LEN bytes at `to`, which the data follows.
 * On a stream, turn_chan_padding(TURN_CHAN_HEADER_LEN + len) zero bytes go behind it.
 */
void turn_chan_put_header(uint8_t *to, uint16_t number, uint16_t len);

/*
 * Writes header and data, and the padding when `is_stream`.
 * Returns STUN_OK with *out set to a view of `buf`, or STUN_NO_SPACE.
 */
enum stun_result turn_chan_build(void *buf, size_t cap, const struct turn_chan *chan,
				 bool is_stream, struct bytes *out);

#endif

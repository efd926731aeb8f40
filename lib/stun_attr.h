/*
 * stun_attr - typed values of STUN attributes (RFC 8489, section 14; RFC 8656, section 18;
 * RFC 5780, section 7; RFC 6062, 7635, 8016, 8445).
 *
 * Getters take a value as the walk shows it, without padding. Values are views into
 * bytes the caller owns: nothing is copied or allocated, and every pointer handed out dies
 * with that buffer. Integers are in host byte order. Every getter returns STUN_OK, or
 * STUN_MALFORMED with `out` untouched; every putter returns STUN_OK, or STUN_NO_SPACE, or
 * STUN_MALFORMED for a value that its attribute cannot hold; the last two leave the message
 * as it was before, and make the build fail.
 */
#ifndef NATKIT_STUN_ATTR_H
#define NATKIT_STUN_ATTR_H

#include "addr.h"
#include "stun_msg.h"

/* No value at all: DONT-FRAGMENT, USE-CANDIDATE. */
enum stun_result stun_attr_get_flag(struct bytes value);
enum stun_result stun_attr_put_flag(struct stun_builder *b, uint16_t type);

/* One byte and three reserved: REQUESTED-TRANSPORT, REQUESTED- and ADDITIONAL-ADDRESS-FAMILY. */
enum stun_result stun_attr_get_u8(struct bytes value, uint8_t *out);
enum stun_result stun_attr_put_u8(struct stun_builder *b, uint16_t type, uint8_t v);

/* Two bytes and two reserved: CHANNEL-NUMBER, RESPONSE-PORT. */
enum stun_result stun_attr_get_u16(struct bytes value, uint16_t *out);
enum stun_result stun_attr_put_u16(struct stun_builder *b, uint16_t type, uint16_t v);

/* LIFETIME, PRIORITY, CACHE-TIMEOUT, CONNECTION-ID. */
enum stun_result stun_attr_get_u32(struct bytes value, uint32_t *out);
enum stun_result stun_attr_put_u32(struct stun_builder *b, uint16_t type, uint32_t v);

/* ICE-CONTROLLED, ICE-CONTROLLING. */
enum stun_result stun_attr_get_u64(struct bytes value, uint64_t *out);
enum stun_result stun_attr_put_u64(struct stun_builder *b, uint16_t type, uint64_t v);

/* MAPPED-ADDRESS, ALTERNATE-SERVER, RESPONSE-ORIGIN, OTHER-ADDRESS and RFC 3489's own. */
enum stun_result stun_attr_get_addr(struct bytes value, struct addr *out);
enum stun_result stun_attr_put_addr(struct stun_builder *b, uint16_t type, const struct addr *a);

/*
 * XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS (RFC 8489, section 14.2).
 * tid  transaction id of the same message; it masks the address
 */
enum stun_result stun_attr_get_xor_addr(struct bytes value, const struct stun_tid *tid,
					struct addr *out);
enum stun_result stun_attr_put_xor_addr(struct stun_builder *b, uint16_t type,
					const struct addr *a);

/*
 * Opaque bytes and UTF-8 text: USERNAME, REALM, NONCE, SOFTWARE, DATA, PADDING,
 * RESERVATION-TOKEN, MOBILITY-TICKET, ... The table in stun.h holds the limits on length;
 * text must be valid UTF-8 without NUL where the table says text. A SOFTWARE is taken with
 * trailing NULs and shown without: RFC 3489 servers send a terminator. A type that the table
 * does not have is taken as it is.
 */
enum stun_result stun_attr_get_bytes(uint16_t type, struct bytes value, struct bytes *out);
enum stun_result stun_attr_put_bytes(struct stun_builder *b, uint16_t type, struct bytes v);

/*
 * ERROR-CODE (RFC 8489, section 14.8). code is 300 to 699. A reason that is no UTF-8 is shown
 * as empty: it is for people only, and the code counts.
 */
struct stun_error {
	uint16_t code;
	struct bytes reason;
};
enum stun_result stun_attr_get_error(struct bytes value, struct stun_error *out);
/* An empty reason is fine. */
enum stun_result stun_attr_put_error(struct stun_builder *b, uint16_t code, struct bytes reason);

/* ADDRESS-ERROR-CODE (RFC 8656, section 18.12). */
enum stun_result stun_attr_get_addr_error(struct bytes value, uint8_t *family,
					  struct stun_error *out);
enum stun_result stun_attr_put_addr_error(struct stun_builder *b, uint8_t family, uint16_t code,
					  struct bytes reason);

/*
 * UNKNOWN-ATTRIBUTES (RFC 8489, section 14.13). An empty list is malformed.
 * types, cap  where they go; more than `cap` are left out; *count is how many were written
 */
enum stun_result stun_attr_get_types(struct bytes value, uint16_t *types, size_t cap,
				     size_t *count);
enum stun_result stun_attr_put_types(struct stun_builder *b, const uint16_t *types, size_t count);

/* CHANGE-REQUEST (RFC 5780, section 7.2). */
struct stun_change {
	bool address;
	bool port;
};
enum stun_result stun_attr_get_change(struct bytes value, struct stun_change *out);
enum stun_result stun_attr_put_change(struct stun_builder *b, struct stun_change v);

/* EVEN-PORT (RFC 8656, section 18.7): whether the next port shall be reserved too. */
enum stun_result stun_attr_get_even_port(struct bytes value, bool *reserve);
enum stun_result stun_attr_put_even_port(struct stun_builder *b, bool reserve);

/* Algorithms of passwords (RFC 8489, section 14.11, 14.12 and 18.5). */
enum stun_password_algorithm {
	STUN_PASSWORD_MD5 = 0x0001,
	STUN_PASSWORD_SHA256 = 0x0002,
};
struct stun_algorithm {
	uint16_t number; /* enum stun_password_algorithm, or one we do not know */
	struct bytes params;
};
enum stun_result stun_attr_get_algorithm(struct bytes value, struct stun_algorithm *out);
enum stun_result stun_attr_put_algorithm(struct stun_builder *b, const struct stun_algorithm *v);
enum stun_result stun_attr_get_algorithms(struct bytes value, struct stun_algorithm *list,
					  size_t cap, size_t *count);
enum stun_result stun_attr_put_algorithms(struct stun_builder *b, const struct stun_algorithm *list,
					  size_t count);

/*
 * ICMP (RFC 8656, section 18.13). Type and code have a byte each, as in ICMP: the figure draws
 * 7 and 9 bits, which neither needs, and its text does not mention.
 */
struct stun_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t data;
};
enum stun_result stun_attr_get_icmp(struct bytes value, struct stun_icmp *out);
enum stun_result stun_attr_put_icmp(struct stun_builder *b, const struct stun_icmp *v);

/*
 * ACCESS-TOKEN (RFC 7635, section 6.2): what the AEAD algorithm takes. A client gets both from
 * its authorization server; a STUN server decrypts the block, with its own name as associated
 * data.
 */
struct stun_token {
	struct bytes nonce;
	struct bytes block;
};
enum stun_result stun_attr_get_token(struct bytes value, struct stun_token *out);
enum stun_result stun_attr_put_token(struct stun_builder *b, const struct stun_token *v);

#endif

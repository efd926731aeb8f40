/*
 * stun - methods, classes, attributes and error codes, with their names and meanings.
 *
 * Numbers are those of the IANA STUN registries; names are spelled as in the RFCs.
 */
#ifndef NATKIT_STUN_H
#define NATKIT_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_COOKIE      0x2112A442u
#define STUN_HEADER_LEN  20
#define STUN_PORT        3478
#define STUN_TLS_PORT    5349
#define STUN_UDP_MTU     548   /* largest request to a path of unknown MTU over IPv4 (s. 6.1) */
#define STUN_MESSAGE_MAX 65552 /* header plus the largest length field that is a multiple of 4 */
#define STUN_VALUE_MAX   65528 /* longest value that fits into a message */

/* What became of bytes that might be STUN. */
enum stun_result {
	STUN_OK = 0,
	STUN_SHORT,     /* a prefix of something valid: on a stream, read on */
	STUN_FOREIGN,   /* not STUN at all: ChannelData, DTLS, noise */
	STUN_MALFORMED, /* calls itself STUN and breaks section 5 or 14 */
	STUN_NO_SPACE,  /* the output is full, and as it was before the call */
};

/* Message classes (RFC 8489, section 5). */
enum stun_class {
	STUN_REQUEST = 0,
	STUN_INDICATION = 1,
	STUN_SUCCESS = 2,
	STUN_ERROR = 3,
};

enum stun_method {
	STUN_BINDING = 0x001,
	STUN_SHARED_SECRET = 0x002, /* RFC 3489 only */
	TURN_ALLOCATE = 0x003,
	TURN_REFRESH = 0x004,
	TURN_SEND = 0x006,
	TURN_DATA = 0x007,
	TURN_CREATE_PERMISSION = 0x008,
	TURN_CHANNEL_BIND = 0x009,
	TURN_CONNECT = 0x00A,            /* RFC 6062 */
	TURN_CONNECTION_BIND = 0x00B,    /* RFC 6062 */
	TURN_CONNECTION_ATTEMPT = 0x00C, /* RFC 6062 */
};

enum stun_attr_type {
	STUN_ATTR_MAPPED_ADDRESS = 0x0001,
	STUN_ATTR_RESPONSE_ADDRESS = 0x0002, /* RFC 3489 */
	STUN_ATTR_CHANGE_REQUEST = 0x0003,   /* RFC 5780 */
	STUN_ATTR_SOURCE_ADDRESS = 0x0004,   /* RFC 3489 */
	STUN_ATTR_CHANGED_ADDRESS = 0x0005,  /* RFC 3489 */
	STUN_ATTR_USERNAME = 0x0006,
	STUN_ATTR_PASSWORD = 0x0007, /* RFC 3489 */
	STUN_ATTR_MESSAGE_INTEGRITY = 0x0008,
	STUN_ATTR_ERROR_CODE = 0x0009,
	STUN_ATTR_UNKNOWN_ATTRIBUTES = 0x000A,
	STUN_ATTR_REFLECTED_FROM = 0x000B, /* RFC 3489 */
	STUN_ATTR_CHANNEL_NUMBER = 0x000C,
	STUN_ATTR_LIFETIME = 0x000D,
	STUN_ATTR_XOR_PEER_ADDRESS = 0x0012,
	STUN_ATTR_DATA = 0x0013,
	STUN_ATTR_REALM = 0x0014,
	STUN_ATTR_NONCE = 0x0015,
	STUN_ATTR_XOR_RELAYED_ADDRESS = 0x0016,
	STUN_ATTR_REQUESTED_ADDRESS_FAMILY = 0x0017,
	STUN_ATTR_EVEN_PORT = 0x0018,
	STUN_ATTR_REQUESTED_TRANSPORT = 0x0019,
	STUN_ATTR_DONT_FRAGMENT = 0x001A,
	STUN_ATTR_ACCESS_TOKEN = 0x001B, /* RFC 7635 */
	STUN_ATTR_MESSAGE_INTEGRITY_SHA256 = 0x001C,
	STUN_ATTR_PASSWORD_ALGORITHM = 0x001D,
	STUN_ATTR_USERHASH = 0x001E,
	STUN_ATTR_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_ATTR_RESERVATION_TOKEN = 0x0022,
	STUN_ATTR_PRIORITY = 0x0024,      /* RFC 8445 */
	STUN_ATTR_USE_CANDIDATE = 0x0025, /* RFC 8445 */
	STUN_ATTR_PADDING = 0x0026,       /* RFC 5780 */
	STUN_ATTR_RESPONSE_PORT = 0x0027, /* RFC 5780 */
	STUN_ATTR_CONNECTION_ID = 0x002A, /* RFC 6062 */
	STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
	STUN_ATTR_ADDRESS_ERROR_CODE = 0x8001,
	STUN_ATTR_PASSWORD_ALGORITHMS = 0x8002,
	STUN_ATTR_ALTERNATE_DOMAIN = 0x8003,
	STUN_ATTR_ICMP = 0x8004,
	STUN_ATTR_SOFTWARE = 0x8022,
	STUN_ATTR_ALTERNATE_SERVER = 0x8023,
	STUN_ATTR_CACHE_TIMEOUT = 0x8027, /* RFC 5780 */
	STUN_ATTR_FINGERPRINT = 0x8028,
	STUN_ATTR_ICE_CONTROLLED = 0x8029,            /* RFC 8445 */
	STUN_ATTR_ICE_CONTROLLING = 0x802A,           /* RFC 8445 */
	STUN_ATTR_RESPONSE_ORIGIN = 0x802B,           /* RFC 5780 */
	STUN_ATTR_OTHER_ADDRESS = 0x802C,             /* RFC 5780 */
	STUN_ATTR_THIRD_PARTY_AUTHORIZATION = 0x802E, /* RFC 7635 */
	STUN_ATTR_ORIGIN = 0x802F,
	STUN_ATTR_MOBILITY_TICKET = 0x8030, /* RFC 8016 */
};

/* How the value of an attribute is laid out; each has a get and a put in stun_attr.h. */
enum stun_attr_kind {
	STUN_KIND_FLAG,       /* empty: DONT-FRAGMENT, USE-CANDIDATE */
	STUN_KIND_U8,         /* one byte, three reserved: REQUESTED-TRANSPORT, families */
	STUN_KIND_U16,        /* two bytes, two reserved: CHANNEL-NUMBER, RESPONSE-PORT */
	STUN_KIND_U32,        /* LIFETIME, PRIORITY, CACHE-TIMEOUT, CONNECTION-ID, FINGERPRINT */
	STUN_KIND_U64,        /* ICE-CONTROLLED, ICE-CONTROLLING */
	STUN_KIND_ADDR,       /* MAPPED-ADDRESS and its kin */
	STUN_KIND_XOR_ADDR,   /* XOR-MAPPED-ADDRESS and its kin */
	STUN_KIND_BYTES,      /* fixed or variable opaque bytes */
	STUN_KIND_TEXT,       /* UTF-8, with a limit on bytes */
	STUN_KIND_ERROR,      /* ERROR-CODE */
	STUN_KIND_ADDR_ERROR, /* ADDRESS-ERROR-CODE: family and error */
	STUN_KIND_TYPES,      /* UNKNOWN-ATTRIBUTES: list of 16-bit types */
	STUN_KIND_CHANGE,     /* CHANGE-REQUEST: two flags in 32 bits */
	STUN_KIND_EVEN_PORT,  /* one byte, one flag */
	STUN_KIND_ALGORITHM,  /* PASSWORD-ALGORITHM */
	STUN_KIND_ALGORITHMS, /* PASSWORD-ALGORITHMS */
	STUN_KIND_ICMP,       /* ICMP: type, code, data */
	STUN_KIND_TOKEN,      /* ACCESS-TOKEN: nonce and encrypted block */
	STUN_KINDS,
};

/* One row of the table of attributes. */
struct stun_attr_info {
	uint16_t type;
	uint8_t kind;     /* enum stun_attr_kind */
	uint16_t min_len; /* shortest and longest value in bytes, padding excluded */
	uint16_t max_len;
	uint16_t put_max; /* longest that we write ourselves: RFC 8489 takes more than it sends */
	const char *name; /* as in the RFC: "XOR-MAPPED-ADDRESS" */
	const char *meaning; /* one line for people */
	const char *spec;    /* "RFC 8489, section 14.2" */
};

/* The row of a type, or NULL where the type is unknown to us. */
const struct stun_attr_info *stun_attr_info(uint16_t type);

/* All rows, by rising type; *count is set to their number. */
const struct stun_attr_info *stun_attr_table(size_t *count);

/* "XOR-MAPPED-ADDRESS"; "unknown attribute" where the type is unknown. Never NULL. */
const char *stun_attr_name(uint16_t type);

/* Longest text of stun_attr_print. */
#define STUN_ATTR_TEXT_MAX 200

/*
 * Prints a row for people: number, name, length, meaning, specification. Returns `buf`.
 * The text is cut, never longer than STUN_ATTR_TEXT_MAX with its terminator.
 */
const char *stun_attr_print(const struct stun_attr_info *info, char buf[static STUN_ATTR_TEXT_MAX]);

/* "Binding", "Allocate"; "unknown method" otherwise. Never NULL. */
const char *stun_method_name(uint16_t method);

/* "request", "indication", "success response", "error response". */
const char *stun_class_name(enum stun_class class);

/* The default reason phrase of an error code, "" where the code is unknown. Never NULL. */
const char *stun_error_reason(uint16_t code);

/* Types below 0x8000 must be understood, or the request is answered with 420 (s. 14). */
static inline bool stun_attr_is_required(uint16_t type)
{
	return type < 0x8000;
}

#endif

/*
 * portmap_wire - requests for a port mapping, and what a gateway answers: PCP (RFC 6887, version
 * 2: MAP and ANNOUNCE) and NAT-PMP (RFC 6886, version 0). Bytes to values and back.
 */
#ifndef NATPROBE_PORTMAP_WIRE_H
#define NATPROBE_PORTMAP_WIRE_H

#include "addr.h"
#include "wire.h"

#define PORTMAP_PORT          5351 /* of the gateway */
#define PORTMAP_ANNOUNCE_PORT 5350 /* of hosts, for what gateways tell all of them */
#define PORTMAP_REQUEST_MAX   64
#define PORTMAP_NONCE_LEN     12

enum portmap_transport {
	PORTMAP_TCP = 6,
	PORTMAP_UDP = 17,
};

/* Result codes of PCP (RFC 6887, section 7.4); NAT-PMP's are below. */
enum portmap_pcp_result {
	PORTMAP_PCP_SUCCESS = 0,
	PORTMAP_PCP_UNSUPP_VERSION = 1,
	PORTMAP_PCP_NOT_AUTHORIZED = 2,
	PORTMAP_PCP_UNSUPP_OPCODE = 4,
	PORTMAP_PCP_NETWORK_FAILURE = 7,
	PORTMAP_PCP_NO_RESOURCES = 8,
	PORTMAP_PCP_UNSUPP_PROTOCOL = 9,
	PORTMAP_PCP_USER_EX_QUOTA = 10,
	PORTMAP_PCP_CANNOT_PROVIDE_EXTERNAL = 11,
	PORTMAP_PCP_ADDRESS_MISMATCH = 12,
};

enum portmap_pmp_result {
	PORTMAP_PMP_SUCCESS = 0,
	PORTMAP_PMP_UNSUPP_VERSION = 1,
	PORTMAP_PMP_NOT_AUTHORIZED = 2,
	PORTMAP_PMP_NETWORK_FAILURE = 3,
	PORTMAP_PMP_NO_RESOURCES = 4,
	PORTMAP_PMP_UNSUPP_OPCODE = 5,
};

/* A mapping that is asked for, or given back. */
struct portmap_wish {
	uint8_t transport;                /* enum portmap_transport */
	struct addr internal;             /* our address and port */
	struct addr suggested;            /* external; port 0: any port, ADDR_NONE: any address */
	bool or_nothing;                  /* PCP: that port, or none (PREFER_FAILURE) */
	uint32_t lifetime_s;              /* 0: gives it back */
	uint8_t nonce[PORTMAP_NONCE_LEN]; /* PCP */
};

/* Each returns the length of the request that it wrote. */
size_t portmap_put_pcp_map(const struct portmap_wish *wish, uint8_t out[PORTMAP_REQUEST_MAX]);
size_t portmap_put_pcp_announce(const struct addr *local, uint8_t out[PORTMAP_REQUEST_MAX]);
size_t portmap_put_pmp_map(const struct portmap_wish *wish, uint8_t out[PORTMAP_REQUEST_MAX]);
size_t portmap_put_pmp_address(uint8_t out[PORTMAP_REQUEST_MAX]);

enum portmap_reply_kind {
	PORTMAP_NO_REPLY = 0, /* nothing that we could have asked for */
	PORTMAP_PCP_MAP,      /* nonce, transport and the rest are set */
	PORTMAP_PCP_ANNOUNCE, /* epoch_s alone; also unasked */
	PORTMAP_PCP_OTHER,    /* PCP, but not of our version: speaks it and not with us */
	PORTMAP_PMP_MAP,      /* transport, internal_port; on success the rest as well */
	PORTMAP_PMP_ADDRESS,  /* external, port 0; also unasked */
	PORTMAP_PMP_ALONE,    /* to PCP: it speaks NAT-PMP and nothing else */
	PORTMAP_PCP_ALONE,    /* to NAT-PMP: it speaks PCP and nothing else */
};

struct portmap_reply {
	uint8_t kind;      /* enum portmap_reply_kind */
	uint8_t transport; /* enum portmap_transport */
	uint16_t result;   /* 0: success; enum portmap_pcp_result or portmap_pmp_result */
	uint32_t epoch_s;
	uint32_t lifetime_s; /* of the mapping; PCP: or of the error */
	uint16_t internal_port;
	struct addr external; /* port 0 or ADDR_NONE: not told */
	uint8_t nonce[PORTMAP_NONCE_LEN];
};

/* Returns its kind; all of `out` is set. */
enum portmap_reply_kind portmap_read(struct bytes datagram, struct portmap_reply *out);

/* A stable word for a result that is not 0: "not-authorized"; "code" for one that no RFC has. */
const char *portmap_pcp_result_word(uint16_t result);
const char *portmap_pmp_result_word(uint16_t result);

/*
 * What is known of a gateway's clock: it starts anew where the gateway lost its state (RFC 6887,
 * section 8.5; RFC 6886, section 3.6).
 */
struct portmap_epoch {
	bool known;
	uint32_t server_s;
	uint64_t client_us;
};

/* Takes a reply's clock. Returns true where the gateway must have lost its state since the last. */
bool portmap_epoch_is_new(struct portmap_epoch *e, const struct portmap_reply *r, uint64_t now_us);

#endif

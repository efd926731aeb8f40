/*
 * snapshot - what a configuration comes to, for the deciding parts of all workers.
 *
 * Made whole by the shell (settings.h), handed to every worker, and const from then on. A
 * reload makes another one; turnd_use_snapshot says when the one before is not used any more.
 */
#ifndef NATKIT_SNAPSHOT_H
#define NATKIT_SNAPSHOT_H

#include "nonce.h"
#include "policy.h"
#include "stun_server.h"
#include "ticket.h"
#include "token.h"
#include "users.h"

/* Of one allocation, or of all of one user. 0 stands for no limit, but where it says otherwise. */
struct realm_limits {
	uint32_t lifetime_s;      /* where the client asks for none, or for less: 600 */
	uint32_t lifetime_max_s;  /* 3600 */
	uint32_t permissions;     /* of one allocation: IP addresses */
	uint32_t channels;        /* of one allocation */
	uint32_t tcp_connections; /* of one allocation (RFC 6062) */
	uint32_t user_allocations;
	uint32_t token_allocations; /* of all who have tokens: those name nobody */
	uint32_t realm_allocations;
	uint64_t allocation_bytes_per_s; /* each way */
	uint64_t user_bytes_per_s; /* each way, over all allocations of a user; not for tokens */
};

/* Users, and what they may do. Names are stable over reloads, places in an array are not. */
struct realm {
	uint64_t id;                     /* snapshot_realm_id of the name: never 0 */
	const struct users *users;       /* NULL: nobody; then this realm serves STUN only */
	const struct token_keys *tokens; /* NULL: no third-party authorization */
	const struct policy *peers;      /* whom allocations may reach; never NULL */
	const struct policy *clients;    /* who may ask at all; never NULL */
	struct realm_limits limits;
	bool strict_expiry; /* credentials that ended refresh nothing */
};

/* An address of this host that relays; the array is the same over reloads, `seen_as` may change. */
struct snapshot_relay {
	struct addr local;   /* port 0 */
	struct addr seen_as; /* what clients and peers are told: the public address, port 0 */
};

/* Where clients are sent instead (300). */
struct snapshot_alternate {
	struct addr addr;
	const char *domain; /* ALTERNATE-DOMAIN; NULL: none */
	uint8_t transport;  /* enum stun_transport: of the clients that it is for */
};

struct snapshot {
	const struct realm *realms; /* the first one is the default */
	size_t realm_count;
	const struct snapshot_relay *relays;
	size_t relay_count;
	const struct snapshot_alternate *alternates;
	size_t alternate_count;

	struct nonce_keys nonces;
	struct ticket_keys tickets;
	struct stun_server_policy stun; /* Binding on the same ports; `software` in all answers */

	const struct geo *geo; /* countries of clients, for counters and lists; NULL: no database */

	uint32_t source_allocations; /* of one IPv4 address or IPv6 /64; 0: no limit */
	uint32_t total_allocations;  /* of all workers; 0: no limit */
	uint64_t total_bytes_per_s;  /* of all workers, each way; 0: no limit */
	uint32_t error_rate,
		error_burst; /* 401, 438 and the like per second and source; 0: no limit */

	bool tcp_relay;        /* RFC 6062 */
	bool mobility;         /* RFC 8016 */
	bool rfc5766_channels; /* 0x5000 to 0x7FFE may be bound as well */
	bool draining;         /* no new allocations */
};

/* A number for a realm's prepared name that stays the same; never 0. */
uint64_t snapshot_realm_id(struct bytes name);

/* The realm of that id; NULL: there is none. Borrowed. */
const struct realm *snapshot_realm(const struct snapshot *s, uint64_t id);

#endif

/*
 * turn_client - the client's side of one TURN allocation: RFC 8656, and RFC 5766 servers; RFC 6062
 * (TCP to peers), RFC 6156 (families), RFC 8016 (mobility), RFC 7635 (access tokens), RFC 8489
 * (credentials, nonces, alternate servers).
 *
 * It opens no socket and reads no clock. The shell opens a transport to the server (UDP, TCP, TLS
 * or DTLS), takes actions out with turn_client_next, carries them out in order, and hands in what
 * arrives: datagrams as they come, streams cut into frames (stun_stream.h).
 *
 *	TURN_CLIENT_SEND        send action.data to the server
 *	TURN_CLIENT_RECONNECT   close the transport, open a fresh one of the same kind to action.to,
 *	                        from another local port; then turn_client_on_connected. Over TLS and
 *	                        DTLS the certificate must name action.domain where there is one, else
 *	                        what it had to name before
 *	TURN_CLIENT_LINK_OPEN   connect one more stream, of the control connection's kind, to action.to
 *	                        as link action.link; then turn_client_on_link_connected
 *	TURN_CLIENT_LINK_SEND   send action.data on link action.link
 *	TURN_CLIENT_LINK_CLOSE  close link action.link
 *	TURN_CLIENT_TELL        action.event happened
 *	TURN_CLIENT_WAIT        nothing to do before action.deadline_us (UINT64_MAX: at all), unless
 *	                        something arrives
 *	TURN_CLIENT_DONE        the allocation is gone; close the transport
 *
 * Data does not queue: turn_client_on_bytes shows what a peer sent as a view of the caller's bytes,
 * and turn_client_send frames what shall go to a peer in the caller's buffer.
 *
 * Allocation, permissions and channels are kept alive until turn_client_close, all of them
 * refreshed early and at jittered times. All memory is taken by turn_client_new. Times are
 * microseconds of any monotonic clock.
 */
#ifndef NATKIT_TURN_CLIENT_H
#define NATKIT_TURN_CLIENT_H

#include "addr.h"
#include "stun_attr.h"
#include "stun_txn.h"
#include "wire.h"

#define TURN_CLIENT_PEERS_MAX  64
#define TURN_CLIENT_LINKS_MAX  16
#define TURN_CLIENT_DOMAIN_MAX 255
#define TURN_CLIENT_REASON_MAX 127 /* bytes of a server's reason phrase that are kept */
#define TURN_CLIENT_TOKEN_MAX  1024

/* User name and password in prepared form (opaque.h); or what an authorization server gave. */
struct turn_client_credentials {
	struct bytes username; /* at most 508 bytes; empty: none, an open server is hoped for */
	struct bytes password; /* at most 763 bytes */
	/* RFC 7635: username is the key id (kid), password counts no more. Empty: no token. */
	struct bytes access_token; /* value of ACCESS-TOKEN, at most TURN_CLIENT_TOKEN_MAX bytes */
	struct bytes mac_key;      /* at most 763 bytes */
};

enum turn_client_families {
	TURN_CLIENT_FAMILY_ANY = 0, /* the server's choice, as a rule IPv4 */
	TURN_CLIENT_FAMILY_IPV4,
	TURN_CLIENT_FAMILY_IPV6,
	TURN_CLIENT_FAMILY_BOTH, /* one of each, where the server can; IPv4 at least */
};

enum turn_client_even_port {
	TURN_CLIENT_PORT_ANY = 0,
	TURN_CLIENT_PORT_EVEN,
	TURN_CLIENT_PORT_EVEN_RESERVE, /* and the next one is kept for another allocation */
};

struct turn_client_options {
	uint32_t lifetime_s;  /* to ask for; 0: the server's default */
	uint8_t families;     /* enum turn_client_families */
	uint8_t even_port;    /* enum turn_client_even_port */
	bool tcp;             /* TCP to peers; needs a stream to the server */
	bool dont_fragment;   /* ask whether DONT-FRAGMENT works; see allocated.dont_fragment */
	bool mobile;          /* ask for a ticket; see allocated.mobile */
	bool use_reservation; /* take the port that `reservation` stands for */
	uint8_t reservation[8];
};

struct turn_client_config {
	struct addr server; /* what the transport leads to */
	bool reliable;      /* TCP or TLS */
	bool secure;        /* TLS or DTLS */
	struct turn_client_credentials credentials;
	struct turn_client_options options;
	const struct stun_txn_timing *timing;             /* NULL: stun_txn_timing_default */
	void (*random)(void *arg, void *buf, size_t len); /* a CSPRNG */
	void *random_arg;
};

struct turn_client;

/* What is wrong with a configuration, for people; NULL: nothing. */
const char *turn_client_check(const struct turn_client_config *config);

/* All is copied. NULL when memory runs out. The configuration has passed turn_client_check. */
struct turn_client *turn_client_new(const struct turn_client_config *config);
void turn_client_free(struct turn_client *c); /* NULL is fine; secrets are wiped */

enum turn_client_cause {
	TURN_CLIENT_FINE = 0,
	TURN_CLIENT_TIMEOUT,     /* no answer */
	TURN_CLIENT_INTEGRITY,   /* answers came, none proved to be from the server */
	TURN_CLIENT_CREDENTIALS, /* refused (401) */
	TURN_CLIENT_ANONYMOUS,   /* the server wants credentials, and there are none */
	TURN_CLIENT_ALGORITHM,   /* it knows no password algorithm that we know */
	TURN_CLIENT_BID_DOWN,    /* somebody took the list of algorithms out of its answer */
	TURN_CLIENT_REDIRECT,    /* it sent us where we do not go: a loop, a private address */
	TURN_CLIENT_REFUSED,     /* by an error code */
	TURN_CLIENT_PROTOCOL,    /* its answer makes no sense */
	TURN_CLIENT_TOO_LARGE,   /* the request has no room for what the server wants in it */
	TURN_CLIENT_TRANSPORT,   /* the connection broke */
	TURN_CLIENT_EXPIRED,     /* could not be refreshed in time */
	TURN_CLIENT_CAUSES,
};

struct turn_client_failure {
	uint8_t cause; /* enum turn_client_cause */
	/* The server's error code, 0: none. With TURN_CLIENT_INTEGRITY, what an answer that was not
	 * believed claimed. */
	uint16_t code;
	/* Its reason phrase, UTF-8 from a stranger; with TURN_CLIENT_ANONYMOUS the STUN server name
	 * for an authorization server, where it gave one (RFC 7635). */
	char reason[TURN_CLIENT_REASON_MAX + 1];
};

/* What went wrong, and what to do about it: constant texts for people, never NULL. */
const char *turn_client_failure_text(const struct turn_client_failure *f);
const char *turn_client_failure_remedy(const struct turn_client_failure *f);

struct turn_client_allocated {
	struct addr relayed[2]; /* the second one of the other family, or none */
	struct addr mapped;     /* where the server sees us */
	uint32_t lifetime_s;
	uint32_t rtt_us;        /* 0: the request was sent more than once */
	uint16_t other_refused; /* why there is no second family (ADDRESS-ERROR-CODE); 0: n/a */
	bool dont_fragment;     /* asked for, and the server knows it */
	bool mobile;            /* turn_client_move works */
	bool has_reservation;
	uint8_t reservation[8];
};

enum turn_client_event_kind {
	TURN_CLIENT_ALLOCATED,          /* `allocated`; also after TURN_CLIENT_LOST */
	TURN_CLIENT_REFRESHED,          /* `allocated`, with the new lifetime */
	TURN_CLIENT_MOVED,              /* `allocated`; the client's new address is in use */
	TURN_CLIENT_LOST,               /* the server forgot it (437); a new one is asked for */
	TURN_CLIENT_PERMITTED,          /* `peer`: data may flow; told once */
	TURN_CLIENT_PERMISSION_REFUSED, /* `peer`, `failure`; tried again only after a timeout */
	TURN_CLIENT_CHANNEL_BOUND,      /* `peer`; told once */
	TURN_CLIENT_CHANNEL_REFUSED,    /* `peer`, `failure`; Send indications are used */
	TURN_CLIENT_PEER_CALLS,         /* `link`, `addr`: turn_client_accept or _hang_up */
	TURN_CLIENT_LINKED,             /* `link`: from now on its bytes are those of the peer */
	TURN_CLIENT_LINK_FAILED,        /* `link`, `failure`; it is free again */
	TURN_CLIENT_FAILED,             /* `failure`; TURN_CLIENT_DONE follows */
};

/* Views, good until the next call. */
struct turn_client_event {
	uint8_t kind; /* enum turn_client_event_kind */
	uint8_t peer;
	uint8_t link;
	struct addr addr; /* of the peer */
	const struct turn_client_allocated *allocated;
	const struct turn_client_failure *failure;
};

enum turn_client_kind {
	TURN_CLIENT_WAIT,
	TURN_CLIENT_SEND,
	TURN_CLIENT_RECONNECT,
	TURN_CLIENT_LINK_OPEN,
	TURN_CLIENT_LINK_SEND,
	TURN_CLIENT_LINK_CLOSE,
	TURN_CLIENT_TELL,
	TURN_CLIENT_DONE,
};

struct turn_client_action {
	uint8_t kind; /* enum turn_client_kind */
	uint8_t link; /* 0 to TURN_CLIENT_LINKS_MAX - 1 */
	struct addr to;
	const char *domain; /* TURN_CLIENT_RECONNECT; NULL: as before. Good until the next call */
	struct bytes data;  /* good until the next call */
	uint64_t deadline_us;
	struct turn_client_event event;
};

/* The next action; returns its kind. Each is handed out once. The first call starts. */
enum turn_client_kind turn_client_next(struct turn_client *c, uint64_t now_us,
				       struct turn_client_action *action);

/* The transport that TURN_CLIENT_RECONNECT wanted stands. */
void turn_client_on_connected(struct turn_client *c, uint64_t now_us);

/* The transport broke, or could not be opened. Datagram sockets need not tell of ICMP errors. */
void turn_client_on_disconnected(struct turn_client *c, uint64_t now_us);

enum turn_client_input {
	TURN_CLIENT_NOTHING = 0, /* for ourselves, or noise */
	TURN_CLIENT_DATA,        /* from a peer */
	TURN_CLIENT_ICMP,        /* an ICMP error that came from the direction of a peer */
};

struct turn_client_data {
	uint8_t peer; /* a peer with this address; its port may be another */
	struct addr from;
	struct bytes data; /* a view of the input */
	struct stun_icmp icmp;
};

/*
 * A datagram or frame came from the server; any bytes. The shell has checked that it comes from
 * the server's address and port.
 * out  set unless TURN_CLIENT_NOTHING is returned
 */
enum turn_client_input turn_client_on_bytes(struct turn_client *c, struct bytes in, uint64_t now_us,
					    struct turn_client_data *out);

/*
 * Adds a peer: its permission is installed, and a channel bound where `channel` says so, as soon
 * as there is an allocation. One that is there already is returned, with its channel wanted from
 * now on if it was not before.
 * Returns its number, or -1 when the table is full, the address is none, or of a family for which
 * there is no relayed address. The channel of a removed peer takes its place for up to 15 minutes,
 * until it may name another one (RFC 8656, section 12).
 */
int turn_client_add_peer(struct turn_client *c, const struct addr *peer, bool channel,
			 uint64_t now_us);

/* Is not refreshed any more, and what it sends is dropped. An unknown number is fine. */
void turn_client_remove_peer(struct turn_client *c, int peer, uint64_t now_us);

enum turn_client_sending {
	TURN_CLIENT_FRAMED = 0,
	TURN_CLIENT_NO_PEER,
	TURN_CLIENT_NOT_PERMITTED, /* not yet, not any more, or refused */
	TURN_CLIENT_TOO_LONG,      /* more than 65507 bytes, or than fit in `cap` */
};

/*
 * Frames data for a peer: by its channel where it is bound, else as a Send indication.
 * dont_fragment  asks the relay for DF; this takes an indication
 * buf, cap       64 bytes more than the data are always enough
 * out            set on TURN_CLIENT_FRAMED: what to send to the server, a view of `buf`
 */
enum turn_client_sending turn_client_send(struct turn_client *c, int peer, struct bytes data,
					  bool dont_fragment, uint64_t now_us, void *buf,
					  size_t cap, struct bytes *out);

/*
 * TCP to peers (RFC 6062). Returns the number of the link, or -1 when there is no allocation for
 * TCP, all links are in use, or this peer is being connected to already. One that ended with 447 is
 * left alone for 10 seconds by the caller.
 */
int turn_client_connect(struct turn_client *c, const struct addr *peer, uint64_t now_us);

/* Takes what TURN_CLIENT_PEER_CALLS told of, within 30 seconds. */
void turn_client_accept(struct turn_client *c, int link);

/* Ends a link in any state, or refuses a call; TURN_CLIENT_LINK_CLOSE follows if it was open. */
void turn_client_hang_up(struct turn_client *c, int link);

void turn_client_on_link_connected(struct turn_client *c, int link, uint64_t now_us);

/* A frame came on a link that is not yet TURN_CLIENT_LINKED. */
void turn_client_on_link_bytes(struct turn_client *c, int link, struct bytes in, uint64_t now_us);

/* The stream of a link was refused, broke, or was closed by the other side; it is gone. */
void turn_client_on_link_closed(struct turn_client *c, int link);

/*
 * The client has got another address: the shell has a new transport to the same server already,
 * and carries out what follows there. Returns false, nothing changed, where the server gave no
 * ticket (RFC 8016).
 */
bool turn_client_move(struct turn_client *c, uint64_t now_us);

/* New credentials for the same user, as when an access token ends. As checked as at the start. */
void turn_client_use(struct turn_client *c, const struct turn_client_credentials *credentials);

/* Deletes the allocation; TURN_CLIENT_DONE follows, within 3 seconds. */
void turn_client_close(struct turn_client *c, uint64_t now_us);

#endif

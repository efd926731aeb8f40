/*
 * turn_client_state - what the files of turn_client have in common; nobody else includes it.
 *
 *	turn_client.c          the door: new, next, what comes in
 *	turn_client_request.c  transactions: start, send again, judge what comes back, hand it on
 *	turn_client_auth.c     credentials, signing, 401 and 438, what may be believed
 *	turn_client_alloc.c    Allocate and Refresh, 437, moving, closing
 *	turn_client_redirect.c 300: another server
 *	turn_client_peer.c     permissions and channels
 *	turn_client_data.c     data from and to peers
 *	turn_client_tcp.c      links to peers (RFC 6062)
 *	turn_client_text.c     failures in words
 */
#ifndef NATKIT_TURN_CLIENT_STATE_H
#define NATKIT_TURN_CLIENT_STATE_H

#include "stun_auth.h"
#include "stun_feature.h"
#include "turn_chan.h"
#include "turn_client.h"

#define TC_REQUESTS_MAX 16
#define TC_REQUEST_MAX  4096
#define TC_TICKET_MAX   512
#define TC_REALM_MAX    763
#define TC_NONCE_MAX    763
#define TC_USERNAME_MAX 508
#define TC_PASSWORD_MAX 763
#define TC_OFFERED_MAX  64 /* bytes of PASSWORD-ALGORITHMS */
#define TC_VISITS_MAX   8
#define TC_NO_LINK      0xff
#define TC_SECOND       UINT64_C(1000000)
#define TC_NEVER        UINT64_MAX

#define TC_PERMISSION_S 300 /* RFC 8656, section 9 */
#define TC_CHANNEL_S    600 /* section 12 */

struct tc_text {
	uint16_t len;
	uint8_t data[TC_PASSWORD_MAX];
};

struct tc_auth {
	struct tc_text username;
	struct tc_text secret; /* password, or the key of an access token */
	struct bytes token;    /* a view of token_data; empty: none */
	uint8_t token_data[TURN_CLIENT_TOKEN_MAX];
	bool challenged; /* the server wants signatures, and what follows is known */
	struct tc_text realm;
	struct tc_text nonce;
	uint8_t offered[TC_OFFERED_MAX]; /* the value of PASSWORD-ALGORITHMS, as it came */
	size_t offered_len;
	uint16_t algorithm;
	bool sha256;    /* sign with MESSAGE-INTEGRITY-SHA256, and take nothing less */
	bool anonymous; /* USERHASH instead of USERNAME */
	uint32_t
		generation; /* counts changes of what a signature is made from, but for the nonce */
	struct stun_key key;
};

struct tc_request {
	struct stun_txn txn;
	uint64_t peers; /* whom it is about, a bit each */
	uint32_t lifetime_s;
	uint16_t method;
	uint16_t claimed; /* the code of an answer that was not believed */
	uint8_t link;
	uint8_t tries; /* how often it was made anew by 401 or 438 */
	bool busy;
	bool is_signed;
	bool violated; /* an answer was not believed */
	bool send_now;
	uint32_t generation; /* of the credentials it is signed with */
	size_t len;          /* 0: it could not be built */
	uint8_t bytes[TC_REQUEST_MAX];
};

/* How a request ended. */
struct tc_outcome {
	const struct stun_msg *msg; /* success or error response; NULL: none that is believed */
	struct turn_client_failure failure;
	uint64_t started_us;
	uint32_t rtt_us;
	uint64_t now_us;
};

enum tc_tell {
	TC_TELL_PERMITTED = 1 << 0,
	TC_TELL_PERMISSION_REFUSED = 1 << 1,
	TC_TELL_CHANNEL_BOUND = 1 << 2,
	TC_TELL_CHANNEL_REFUSED = 1 << 3,
};

/* A permission or a channel on the server. */
struct tc_grant {
	uint64_t until_us; /* 0: there is none */
	uint64_t due_us;   /* when to ask (again); TC_NEVER: not */
	bool busy;
	bool told;
};

struct tc_peer {
	struct addr addr; /* ADDR_NONE: free */
	struct tc_grant permission;
	struct tc_grant channel;
	bool wants_channel;
	uint64_t number_free_us; /* when its channel number may name somebody else */
	bool removed;            /* kept for its channel number alone */
	bool alone;              /* asked for together with others, it was refused */
	uint8_t tell;            /* enum tc_tell, or'ed */
	struct turn_client_failure permission_failure;
	struct turn_client_failure channel_failure;
};

enum tc_link_state {
	TC_LINK_FREE,
	TC_LINK_CONNECTING, /* Connect is under way */
	TC_LINK_CALLING,    /* the peer connected, the caller has not decided */
	TC_LINK_WANTED,     /* the data connection is to be opened */
	TC_LINK_OPENING,
	TC_LINK_BINDING,
	TC_LINK_OPEN,
};

struct tc_link {
	uint8_t state; /* enum tc_link_state */
	bool tell;     /* of the state it is in, or of its failure where it is free */
	bool close;
	bool busy; /* a request is under way */
	struct addr peer;
	uint32_t id;
	uint64_t until_us; /* of a call that nobody takes */
	struct turn_client_failure failure;
};

enum tc_phase {
	TC_START,
	TC_ALLOCATING,
	TC_RECONNECTING, /* the action is out, or about to be */
	TC_ALIVE,
	TC_MOVING,
	TC_CLOSING,
	TC_ENDED,
};

struct tc_visit {
	struct addr server;
	uint64_t at_us;
};

struct turn_client {
	struct addr server;
	bool reliable, secure;
	struct turn_client_options options;
	struct stun_txn_timing timing;
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;

	uint8_t phase; /* enum tc_phase */
	bool reconnect;
	bool tell_allocated, tell_refreshed, tell_moved, tell_lost, tell_failed;
	bool has_domain;
	char domain[TURN_CLIENT_DOMAIN_MAX + 1];
	uint64_t close_by_us;

	struct turn_client_allocated allocated;
	struct turn_client_failure failure;
	uint64_t expires_us;
	uint64_t refresh_us;
	uint8_t ticket[TC_TICKET_MAX];
	size_t ticket_len;
	struct tc_visit visits[TC_VISITS_MAX];
	uint8_t redirects;
	uint8_t mismatches; /* 437 to Allocate */
	uint8_t losses;     /* 437 to anything else */

	struct tc_auth auth;
	struct tc_request requests[TC_REQUESTS_MAX]; /* the first is for Allocate and Refresh */
	struct tc_peer peers[TURN_CLIENT_PEERS_MAX];
	struct tc_link links[TURN_CLIENT_LINKS_MAX];
};

/* A number from `low` to `high`. */
uint64_t tc_random_between(struct turn_client *c, uint64_t low, uint64_t high);

/* turn_client_request.c */
struct tc_request *tc_request_free(struct turn_client *c, uint16_t method); /* NULL: all busy */
void tc_request_start(struct turn_client *c, struct tc_request *r, uint16_t method, uint8_t link,
		      uint64_t now_us);
void tc_request_drop(struct tc_request *r);
void tc_request_drop_all(struct turn_client *c);
void tc_request_step_all(struct turn_client *c, uint64_t now_us);
void tc_on_response(struct turn_client *c, const struct stun_msg *msg, uint8_t link,
		    uint64_t now_us);
bool tc_is_sound(const struct stun_msg *msg);

/* turn_client_auth.c */
enum tc_judgement {
	TC_BELIEVED,
	TC_DISCARDED, /* as if never received */
	TC_VIOLATED,  /* unsigned or wrongly signed */
	TC_RETRY,     /* credentials have changed, the request is to be made anew */
	TC_HOPELESS,  /* *cause says why */
};
void tc_auth_use(struct turn_client *c, const struct turn_client_credentials *credentials);
void tc_auth_forget(struct turn_client *c);
void tc_auth_wipe(struct turn_client *c);
bool tc_auth_sign(struct turn_client *c, struct stun_builder *b, uint16_t method);
enum tc_judgement tc_auth_judge(struct turn_client *c, const struct tc_request *r,
				const struct stun_msg *msg, uint8_t *cause);

/* turn_client_alloc.c */
void tc_allocate(struct turn_client *c, uint64_t now_us);
void tc_alloc_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b);
void tc_alloc_done(struct turn_client *c, const struct tc_outcome *o);
void tc_refresh_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b);
void tc_refresh_done(struct turn_client *c, uint32_t asked_s, const struct tc_outcome *o);
void tc_alloc_upkeep(struct turn_client *c, uint64_t now_us);
void tc_lose(struct turn_client *c, uint64_t now_us);
void tc_fail(struct turn_client *c, const struct turn_client_failure *f);

/* turn_client_redirect.c */
void tc_reconnect(struct turn_client *c);
void tc_follow(struct turn_client *c, const struct tc_outcome *o);

/* turn_client_peer.c */
void tc_peer_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b);
void tc_permission_done(struct turn_client *c, uint64_t peers, const struct tc_outcome *o);
void tc_channel_done(struct turn_client *c, uint64_t peers, const struct tc_outcome *o);
void tc_peer_upkeep(struct turn_client *c, uint64_t now_us);
uint64_t tc_peer_deadline(const struct turn_client *c);
void tc_peer_reset(struct turn_client *c, uint64_t now_us); /* the server knows none of them */
void tc_peer_redo(struct turn_client *c, uint64_t now_us);  /* requests were dropped */
struct tc_peer *tc_peer_of_ip(struct turn_client *c, const struct addr *a, uint64_t now_us);

/* turn_client_data.c */
enum turn_client_input tc_on_data(struct turn_client *c, const struct stun_msg *msg,
				  uint64_t now_us, struct turn_client_data *out);
enum turn_client_input tc_on_channel(struct turn_client *c, struct bytes in, uint64_t now_us,
				     struct turn_client_data *out);

/* turn_client_tcp.c */
void tc_link_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b);
void tc_connect_done(struct turn_client *c, uint8_t link, const struct tc_outcome *o);
void tc_bind_done(struct turn_client *c, uint8_t link, const struct tc_outcome *o);
void tc_on_attempt(struct turn_client *c, const struct stun_msg *msg, uint64_t now_us);
void tc_link_upkeep(struct turn_client *c, uint64_t now_us);
uint64_t tc_link_deadline(const struct turn_client *c);
void tc_link_drop_all(struct turn_client *c, bool tell);
bool tc_link_next(struct turn_client *c, struct turn_client_action *action);

#endif

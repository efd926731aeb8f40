/*
 * session - the tests of RFC 5780, section 4.3 and 4.4, with one server.
 *
 * Mapping: all four endpoints of the server are asked from the socket that found it; where
 * there is a NAT, from a fresh socket too, since one snapshot may be chance. Filtering runs
 * beside it, from a socket of its own. What the mapping test learns about the endpoints tells
 * the filtering test which silences count.
 */
#ifndef NATPROBE_SESSION_H
#define NATPROBE_SESSION_H

#include "asks.h"
#include "filter_test.h"

enum session_mapping {
	SESSION_ASKING = 0, /* all four endpoints, from the first socket */
	SESSION_ASKED,      /* all answered, there is a NAT, and no other socket asks yet */
	SESSION_CONFIRMING, /* the same from that socket; where they disagree, from a third */
	SESSION_MAPPED,     /* done */
	SESSION_SHORT,      /* some endpoint does not answer */
};

struct session {
	uint8_t server;
	uint8_t mapping;                     /* enum session_mapping */
	struct addr endpoints[FILTER_KINDS]; /* by the kind whose answer comes from there */
	uint8_t asks[FILTER_KINDS];
	uint8_t confirms[FILTER_KINDS]; /* of the last other socket */
	uint8_t confirmations;          /* begun */
	struct filter_test filter;
};

/* The four endpoints of a server, by the kind whose answer comes from there. */
void session_endpoints(const struct addr *primary, const struct addr *other,
		       struct addr endpoints[FILTER_KINDS]);

/*
 * primary, other  the server's own address and its OTHER-ADDRESS: they differ in IP and port
 * mapping_slot    the socket that has asked the primary already
 * filter_slot     a fresh one
 */
void session_start(struct session *s, struct asks *asks, uint8_t index, uint8_t server,
		   const struct addr *primary, const struct addr *other, uint8_t mapping_slot,
		   uint8_t filter_slot, uint64_t now_us);

/* Takes in what the asks have learnt. */
void session_step(struct session *s, const struct asks *asks, const struct probe_view *view);

/* In SESSION_ASKING or SESSION_ASKED: ask from a fresh socket too, or go on without one. */
void session_confirm(struct session *s, struct asks *asks, uint8_t slot);
void session_skip_confirm(struct session *s);

/* The server looks unusable: time to begin with another one. */
bool session_is_suspect(const struct session *s, const struct asks *asks,
			const struct probe_view *view);

/* Nothing more will come of it. */
bool session_is_over(const struct session *s, const struct probe_view *view);

/* An endpoint of the server that does not answer, or NULL. */
const struct addr *session_silent_endpoint(const struct session *s, const struct asks *asks,
					   const struct probe_view *view);

#endif

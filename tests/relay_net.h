/*
 * relay_net - a relay_trial, a turnd on a rig, and the network between them, on a virtual clock.
 * What is wrong with them is for the test to say.
 */
#ifndef NATKIT_TESTS_RELAY_NET_H
#define NATKIT_TESTS_RELAY_NET_H

#include "natprobe/relay/relay_trial.h"
#include "turn_resolve.h"
#include "turnd_rig.h"

#define NET_PACKETS  1024
#define NET_LEN_MAX  2400
#define NET_DELAY_US 10000 /* one way, between this host and the server */

enum net_leg {
	NET_TO_SERVER,   /* from a client's end */
	NET_TO_CLIENT,   /* back */
	NET_BINDING,     /* from our own socket to the server, and back */
	NET_TO_RELAY,    /* from our own socket to a relayed address */
	NET_FROM_RELAY,  /* back */
	NET_RELAY_RELAY, /* from a relayed address to another one */
	NET_LEGS,
};

struct net_packet {
	bool is_used;
	uint8_t leg; /* enum net_leg */
	uint8_t end;
	uint64_t at_us;
	struct addr from, to;
	size_t len;
	uint8_t data[NET_LEN_MAX];
};

struct relay_net {
	struct rig rig;
	struct rig_client clients[RELAY_ENDS], outside; /* as the server sees them */
	struct relay_trial_config config;
	struct relay_trial *trial;
	const struct relay_result *result;

	/* what is wrong */
	uint8_t loss[NET_LEGS];         /* percent */
	uint8_t dial_cause[RELAY_ENDS]; /* the end does not open */
	bool loses_answers;             /* between two relayed addresses */
	bool opens_never;               /* no news of it either way */
	struct addr leaves_as;          /* what the relay sends has this source */
	uint64_t breaks_at_us;          /* after the start, end 0 is closed; 0: it is not */
	uint64_t stops_at_us;           /* relay_trial_stop; 0: it is not called */
	/* Changes bytes on their way to the trial; NULL: it does not. */
	void (*change)(void *arg, uint8_t *data, size_t *len);
	void *change_arg;

	uint64_t started_us, took_us;
	unsigned int sent[NET_LEGS], opens, closes;
	bool is_open[RELAY_ENDS];
	struct net_packet packets[NET_PACKETS];
};

/* A turnd and a trial of it over UDP that fit; to be changed before net_run. */
void net_init(struct relay_net *n);

/* Starts the rig, runs the trial to its end, and leaves its verdict in n->result. */
void net_run(struct relay_net *n);

/* Ends all; nothing may be left at the server but what the test says. */
void net_end(struct relay_net *n);

/* Whether there is such a finding; *out may be NULL. */
bool net_found(const struct relay_net *n, uint8_t kind, struct relay_finding *out);

#endif

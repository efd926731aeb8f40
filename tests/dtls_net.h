/*
 * dtls_net - a DTLS client of OpenSSL, a server of ours, and a network in memory between them
 * that may lose, double or hold back any datagram. Tests move the clock by hand.
 *
 * Open, let them connect, echo; or deliver datagrams one by one. The server answers data with
 * the same data. A program that links this has its gettimeofday: OpenSSL's timers ask it.
 */
#ifndef NATKIT_DTLS_NET_H
#define NATKIT_DTLS_NET_H

#include <openssl/ssl.h>

#include "dgram_bio.h"
#include "dtls.h"

#define SECOND_US     UINT64_C(1000000)
#define NET_QUEUE_MAX 64
#define NET_DGRAM_MAX 2048
#define NET_NOBODY    -1
#define NET_MTU       1200
#define NET_MTU_SMALL 256

enum net_direction { NET_TO_SERVER, NET_TO_CLIENT };

struct net_packet {
	size_t len;
	uint8_t data[NET_DGRAM_MAX];
};

struct net_client {
	SSL *ssl;
	struct dgram_bio end;
	struct net *net;
	struct addr at;
	bool connected, failed, goodbye;
	char got[64];
};

/* One server, one client and the lines between them. */
struct net {
	struct dtls *server;
	struct net_client client;
	struct net_packet queue[2][NET_QUEUE_MAX];
	int head[2], tail[2];           /* packets of a direction are numbered from 0 */
	int lose[2], twice[2], hold[2]; /* which number meets this fate, NET_NOBODY: none */
	bool all_twice;
	struct net_packet held[2];
	struct net_packet last_hello; /* the last datagram to the server before it had a session */
	char got[64];                 /* by the server */
	int ends;
	enum dtls_end last_end;
	struct dtls_session *session;
	bool close_after_answer;
};

extern uint64_t net_now_us;
extern const struct addr net_server_at;
extern SSL_CTX *net_server_ctx, *net_other_ctx; /* of the server; two certificates */

/* Of cmocka's group: certificates, contexts, and the clock. */
int net_set_up(void **state);
int net_tear_down(void **state);

void net_open(struct net *n);
void net_open_with(struct net *n, struct dtls_limits limits, uint16_t client_mtu);
void net_close(struct net *n);

/* Another client at the same address; the ssl of the one before is left to the caller. */
void net_new_client(struct net *n, uint16_t mtu);

/* Any client: one that has not begun yet, at the address that it has. */
void net_client_open(struct net_client *c, uint16_t mtu,
		     void (*on_write)(struct bytes datagram, void *arg));
/* Goes on with whatever it is at. */
void net_client_step(struct net_client *c);

/* A datagram for the server, now, whatever waits in the queue. */
void net_to_server(struct net *n, struct bytes datagram);
void net_hand_over(struct net *n, enum net_direction to, const struct net_packet *p);
/* Delivers the next packet of a direction, or does with it what the test wants. */
bool net_deliver(struct net *n, enum net_direction to);
/* Until nothing is on its way. */
void net_quiesce(struct net *n);

/* Runs until the client is connected or has failed, for 20 s at most. */
bool net_connect(struct net *n);
/* Sends and delivers, whatever comes of it. */
void net_say(struct net *n, const char *text);
/* Data goes there and back; a client may have to wait for the end of its handshake. */
void net_echo(struct net *n, const char *text);

#endif

/*
 * udp - batches of datagrams, each with the local address it was sent to.
 *
 * recvmmsg and sendmmsg where the system has them (udp_linux.c), one call a datagram
 * elsewhere (udp_portable.c). All sockets are non-blocking and close-on-exec; their TTL
 * is the system's.
 */
#ifndef NATKIT_UDP_H
#define NATKIT_UDP_H

#include "addr.h"
#include "wire.h"

#define UDP_BATCH  64
#define UDP_RX_MAX 2048 /* longest datagram a batch takes; longer ones are cut, and say so */

struct udp_options {
	bool reuse_port;    /* SO_REUSEPORT: one socket per worker */
	bool want_local;    /* IP_PKTINFO: needed where the socket is bound to the wildcard */
	int receive_buffer; /* SO_RCVBUF in bytes; 0: the system's */
	const char *device; /* SO_BINDTODEVICE; NULL: none */
};

/*
 * Opens and binds a socket; IPv6 sockets take IPv6 only.
 * bound  set to the address with the port the system chose; NULL: not wanted
 * Returns the descriptor, or -errno; -EOPNOTSUPP where udp_portable.c is asked for
 * want_local or device.
 */
int udp_open(const struct addr *local, const struct udp_options *options, struct addr *bound);

struct udp_dgram {
	struct bytes data;
	struct addr peer;  /* to send: family ADDR_NONE on a connected socket */
	struct addr local; /* received: the IP it was sent to, where want_local is set; the port
			      is always 0, the socket's own. To send: the IP it shall leave
			      from, port ignored; family ADDR_NONE: as bound */
	bool truncated;    /* received: it was longer than UDP_RX_MAX */
};

/* Buffers for one batch; large, and made once per worker. */
struct udp_batch;
struct udp_batch *udp_batch_new(void);    /* NULL when memory runs out */
void udp_batch_free(struct udp_batch *b); /* NULL is fine */

/*
 * Reads up to UDP_BATCH datagrams. Their bytes stay good until the next udp_recv with `b`
 * (one batch may serve many sockets in turn). Every field of a place returned is set.
 * Returns how many (0: nothing there), or -errno. dgrams[] has UDP_BATCH places.
 */
int udp_recv(int fd, struct udp_batch *b, struct udp_dgram *dgrams);

/*
 * Sends `count` (at most UDP_BATCH) datagrams from one socket, in order, their bytes
 * uncopied from where they lie: they may be in the receive buffers of the same batch. A
 * datagram that the system refuses is skipped, so that one bad peer costs the others
 * nothing; a full send queue (EAGAIN) ends the call.
 * Returns how many the system took, or -errno (of the last refusal) when it took none.
 */
int udp_send(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count);

#endif

/*
 * udp - datagrams, in batches or one at a time, each with the local address it was sent to, and
 * with what its IP header says.
 *
 * recvmmsg and sendmmsg where the system has them (udp_linux.c, udp_one_linux.c), one call a
 * datagram elsewhere (udp_portable.c). All sockets are non-blocking and close-on-exec; TTL and
 * TOS are the system's, but for datagrams that name their own.
 */
#ifndef NATKIT_UDP_H
#define NATKIT_UDP_H

#include "addr.h"
#include "wire.h"

#define UDP_BATCH  64
#define UDP_RX_MAX 2048  /* longest datagram a batch takes; longer ones are cut, and say so */
#define UDP_MAX    65507 /* longest that IPv4 can carry; IPv6 has 20 bytes more */

struct udp_options {
	bool reuse_port;    /* SO_REUSEPORT: one socket per worker */
	bool want_local;    /* IP_PKTINFO: needed where the socket is bound to the wildcard */
	int receive_buffer; /* SO_RCVBUF in bytes; 0: the system's */
	const char *device; /* SO_BINDTODEVICE; NULL: none */
	bool want_ip;       /* tell TTL and TOS of what is received */
	bool want_errors;   /* IP_RECVERR: ICMP errors come to udp_recv_error */
};

/*
 * Opens and binds a socket; IPv6 sockets take IPv6 only.
 * bound  set to the address with the port the system chose; NULL: not wanted
 * Returns the descriptor, or -errno; -EOPNOTSUPP where udp_portable.c is asked for
 * want_local or device.
 */
int udp_open(const struct addr *local, const struct udp_options *options, struct addr *bound);

/* Of the IP header. Zero is "not known" where it was received, "as usual" where it is sent. */
struct udp_ip {
	uint8_t ttl; /* or hop limit */
	uint8_t tos; /* DSCP and ECN, or the traffic class */
};

struct udp_dgram {
	struct bytes data;
	struct addr peer;  /* to send: family ADDR_NONE on a connected socket */
	struct addr local; /* received: the IP it was sent to, where want_local is set; the port
			      is always 0, the socket's own. To send: the IP it shall leave
			      from, port ignored; family ADDR_NONE: as bound */
	struct udp_ip ip;  /* received: where want_ip is set */
	bool truncated;    /* received: it was longer than UDP_RX_MAX */
};

/* Buffers for one batch; large, and made once per worker. */
struct udp_batch;
struct udp_batch *udp_batch_new(void); /* NULL when memory runs out */
/*
 * The same for datagrams of up to `rx_max` bytes, which stands for UDP_RX_MAX then.
 * room  bytes before and behind each datagram received that its reader may write; a multiple of 4
 */
struct udp_batch *udp_batch_new_for(size_t rx_max, size_t room);
void udp_batch_free(struct udp_batch *b); /* NULL is fine */

/*
 * From now on, datagrams of a length that follow each other to the same peer pass the system as
 * one (UDP_SEGMENT), where it can do that: two of them cost hardly more than one. They arrive as
 * ever.
 */
void udp_batch_join(struct udp_batch *b);

/*
 * Reads up to UDP_BATCH datagrams. Their bytes stay good until the next udp_recv with `b`
 * (one batch may serve many sockets in turn). Every field of a place returned is set.
 * Returns how many (0: nothing there), or -errno. dgrams[] has UDP_BATCH places.
 */
int udp_recv(int fd, struct udp_batch *b, struct udp_dgram *dgrams);

/* The same, but `most` datagrams: at most UDP_BATCH. */
int udp_recv_some(int fd, struct udp_batch *b, struct udp_dgram *dgrams, int most);

/*
 * Sends `count` (at most UDP_BATCH) datagrams from one socket, in order, their bytes
 * uncopied from where they lie: they may be in the receive buffers of the same batch. A
 * datagram that the system refuses is skipped, so that one bad peer costs the others
 * nothing; a full send queue (EAGAIN) ends the call.
 * Returns how many the system took, or -errno (of the last refusal) when it took none.
 */
int udp_send(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count);

/* The same; has_errors as in udp_send_one. */
int udp_send_heeding(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count,
		     bool *has_errors);

/*
 * Reads one datagram to `buf`, wherever the caller left room around it: one system call.
 * Returns 1 with all of *out set, 0 (nothing there), or -errno: with want_errors that may be an
 * ICMP error, told once; udp_recv_error has all about it.
 */
int udp_recv_one(int fd, void *buf, size_t cap, struct udp_dgram *out);

/*
 * Sends one datagram. An ICMP error about an earlier one, which the system reports in place of
 * sending, is not held against it: it is sent then.
 * has_errors  set to true when there is something for udp_recv_error, else left alone; NULL: not
 *             wanted
 * Returns 0, or -errno.
 */
int udp_send_one(int fd, const struct udp_dgram *d, bool *has_errors);

/*
 * From now on as if it had been opened without want_errors; errors that wait are dropped. For a
 * socket that is given away.
 * Returns 0, or -errno.
 */
int udp_leave_errors(int fd, uint8_t family);

/*
 * Whether datagrams leave with DF set, and are refused when they are too long for the path; of
 * IPv6 none is cut up then. A socket that relays starts with `false` said once: else the
 * system sets DF as it likes.
 * Returns 0, or -errno; -EOPNOTSUPP from udp_portable.c for `true`.
 */
int udp_set_dont_fragment(int fd, uint8_t family, bool on);

#define UDP_ERROR_INSIDE 64

/* An ICMP error, or the same of our own system: "too big" for the next link. */
struct udp_error {
	struct addr peer; /* whom the datagram was for, with its port */
	uint8_t type, code;
	uint32_t mtu;       /* of the next link, where the error is about that; else 0 */
	bool is_ours;       /* our own system's, at once; the port is not known then */
	struct addr router; /* who told; ADDR_NONE: not known */
	uint8_t inside[UDP_ERROR_INSIDE]; /* of the datagram's bytes, as many as came back */
	size_t inside_len;
};

/*
 * Takes one error that waits. Returns 1 with *out set, 0 when none is left, or -errno. Errors
 * are told as the socket's family has them: ICMP, or ICMPv6. What our own system refuses as too
 * big may be told twice.
 */
int udp_recv_error(int fd, struct udp_error *out);

#endif

/*
 * coop_raw - what only the system's back doors can send: coop_raw_linux.c, or coop_raw_none.c
 * which cannot.
 */
#ifndef NATKIT_COOP_RAW_H
#define NATKIT_COOP_RAW_H

#include "addr.h"
#include "wire.h"

/* A socket for whole IP packets. Takes a privilege. Returns it, or -errno. */
int coop_raw_open(uint8_t family);

/* Sends a whole IP packet to the address of `to`. From any thread. Returns 0 or -errno. */
int coop_raw_send(int fd, const struct addr *to, struct bytes packet);

enum coop_df {
	COOP_DF_USUAL,  /* as the system does it */
	COOP_DF_NEVER,  /* whoever likes may cut it up */
	COOP_DF_ALWAYS, /* whatever is known of the path */
};

/* What datagrams leave with from now on. Returns 0 or -errno. */
int coop_raw_set_df(int fd, uint8_t family, enum coop_df df);

/* Has ICMP errors come to udp_recv_error, of a TCP socket. Returns 0 or -errno. */
int coop_raw_want_errors(int fd, uint8_t family);

#endif

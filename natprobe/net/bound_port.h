/* bound_port - whether a program of this host has a UDP port, where the system tells. */
#ifndef NATPROBE_BOUND_PORT_H
#define NATPROBE_BOUND_PORT_H

#include <stdint.h>

/* Returns 1: some socket has it on some address, 0: none has, or -errno: that cannot be told. */
int bound_port_udp(uint16_t port);

#endif

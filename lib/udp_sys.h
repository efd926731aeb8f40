/* udp_sys - what udp.c needs from udp_linux.c or udp_portable.c. */
#ifndef NATKIT_UDP_SYS_H
#define NATKIT_UDP_SYS_H

#include "udp.h"

/* Sets the options that POSIX does not know. Returns 0 or -errno. */
int udp_sys_set_options(int fd, uint8_t family, const struct udp_options *options);

#endif

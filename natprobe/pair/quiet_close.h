/* quiet_close - ends a TCP connection so that NATs on the way do not notice, if the system can. */
#ifndef NATPROBE_QUIET_CLOSE_H
#define NATPROBE_QUIET_CLOSE_H

#include <stdint.h>

/*
 * Closes the descriptor. On Linux no packet leaves where we have the privilege (TCP_REPAIR); else
 * the FIN gets no further than the first router, if that.
 */
void quiet_close(int fd, uint8_t family);

#endif

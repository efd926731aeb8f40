/*
 * handover - gives a path to a program, as plexus does: its arguments may name the endpoints, and
 * its environment has them as well, with a secret that both sides share. The socket is closed just
 * before, or is passed on open; what keeps the NATs' mappings until then is the parting (parting.h).
 */
#ifndef NATPROBE_HANDOVER_H
#define NATPROBE_HANDOVER_H

#include <sys/types.h>

#include "natprobe/punch/punch_result.h"

#define HANDOVER_ARGS_MAX 256
#define HANDOVER_KEY_LEN  32

struct handover {
	struct addr inner, outer, peer;
	bool is_a, is_tcp;
	uint32_t lifetime_s; /* of the mapping; 0: not known */
	uint8_t key[HANDOVER_KEY_LEN];
	int fd;      /* of the socket; -1: there is none to pass on, or close */
	int pass_as; /* the descriptor that the program finds it as; 0: it is closed */
};

/*
 * The command line as the program gets it: wildcards are replaced; a command alone gets inner, outer
 * and peer, each as an IP address and a port. Free it with handover_free_args.
 * Returns NULL, and *why for people: an unknown wildcard, too many arguments, memory.
 */
char **handover_args(const struct handover *h, char *const *command, size_t count,
		     const char **why);
void handover_free_args(char **args); /* NULL is fine */

/* What handover_args would refuse, before there is a path: NULL, or why. */
const char *handover_check(char *const *command, size_t count);
/* Whether there is such a program, before two people meet for it. */
bool handover_finds(const char *name);

/* Before anything is opened: what is open now was given to us, and is to the program as well. */
void handover_begin(void);

/*
 * Closes or passes the socket, and starts the program.
 * Returns 0 with its process id, or -errno. h->fd is closed in any case.
 */
int handover_start(struct handover *h, char *const *args, pid_t *pid);

#endif

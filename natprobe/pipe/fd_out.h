/*
 * fd_out - a descriptor that is not ours alone, written to without waiting. O_NONBLOCK belongs to all
 * who share what it stands for (a shell and its terminal), so it is set on a description of our own
 * where the system gives one (fd_again.h), and else taken back in the end.
 */
#ifndef NATPROBE_FD_OUT_H
#define NATPROBE_FD_OUT_H

#include <stdbool.h>

struct fd_out {
	int fd;      /* to write to */
	int lent_fd; /* as it was given */
	int flags;   /* to be set again; -1: none */
};

void fd_out_open(struct fd_out *o, int fd);
/* Who reads it sees its end, if nobody else writes there: /dev/null takes the number's place. */
void fd_out_end(struct fd_out *o);
void fd_out_close(struct fd_out *o); /* as it was; again is fine */

#endif

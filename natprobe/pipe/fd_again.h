/* fd_again - what a descriptor stands for, opened anew: its flags are ours alone then. */
#ifndef NATPROBE_FD_AGAIN_H
#define NATPROBE_FD_AGAIN_H

/* For writing without waiting. Returns a descriptor, or -errno: the system cannot, or may not. */
int fd_again(int fd);

#endif

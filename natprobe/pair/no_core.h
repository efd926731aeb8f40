/*
 * no_core - keys and codes are in our memory: a crash leaves no image of it on a disk. The limit is
 * that of core files (POSIX), which systemd-coredump minds as well.
 */
#ifndef NATPROBE_NO_CORE_H
#define NATPROBE_NO_CORE_H

/* From here on; once more does nothing. */
void no_core_begin(void);
/* As it was: a program that we start decides for itself. Until no_core_begin. */
void no_core_end(void);

#endif

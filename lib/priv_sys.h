/* priv_sys - what priv.c asks of the kind of system: priv_linux.c or priv_portable.c. */
#ifndef NATKIT_PRIV_SYS_H
#define NATKIT_PRIV_SYS_H

/* For this thread, and those that it starts. Returns 0 or -errno. */
int priv_forbid_new_privs(void);

#endif

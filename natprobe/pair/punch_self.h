/*
 * punch_self - what we are in a trial: the profile that the other side is told, and where each of
 * its paths leaves this host.
 */
#ifndef NATPROBE_PUNCH_SELF_H
#define NATPROBE_PUNCH_SELF_H

#include "natprobe/net/iface.h"
#include "natprobe/report/report.h"
#include "punch_io.h"

/* Copied by punch_self_copy alone: paths point into it. */
struct punch_self {
	struct peer_profile profile;
	struct punch_io_path paths[PEER_PATHS_MAX];
	char names[PEER_PATHS_MAX][IFACE_NAME_MAX];
	struct addr servers[PUNCH_SERVERS_MAX]; /* that answered */
	size_t server_count;
};

/*
 * From a report, of this run or saved. Addresses that this host does not have (any more) are left
 * out. Returns 0, or -errno when interfaces cannot be listed.
 */
int punch_self_make(const struct report *r, struct punch_self *out);

void punch_self_copy(const struct punch_self *from, struct punch_self *to);

#define PUNCH_MARK_LEN sizeof(((struct peer_profile *)NULL)->host)

/* A mark of this host: another one says the same with that key on this host only. */
void punch_self_mark(const uint8_t *key, size_t key_len, uint8_t out[static PUNCH_MARK_LEN]);

/* The other side is on this host, too: packets to it come in by another device than they leave. */
void punch_self_be_local(struct punch_self *s);

#endif

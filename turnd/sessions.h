/* sessions - the allocations of workers, told as plain data. */
#ifndef NATKIT_TURND_SESSIONS_H
#define NATKIT_TURND_SESSIONS_H

#include "server.h"
#include "turnd.h"

/* Those of one worker. */
struct sessions {
	struct server_session *all; /* freed by whoever has the struct */
	size_t count;
	bool failed; /* memory ran out */
};

/* In the worker's thread. */
void sessions_gather(struct sessions *out, const struct turnd *t, uint16_t worker);

/* As server_list. */
long sessions_join(const struct sessions *workers, size_t count, struct server_session **out);

#endif

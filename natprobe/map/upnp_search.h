/* upnp_search - looks for the gateway by SSDP, and has it used. It blocks, up to 1.2 s and more. */
#ifndef NATPROBE_UPNP_SEARCH_H
#define NATPROBE_UPNP_SEARCH_H

#include "upnp_gateway.h"

struct upnp_find {
	upnp_gateway_use_fn use; /* called once at most */
	void *arg;
	bool is_there; /* set: it was called */
	bool is_other; /* set: somebody answered who is not that gateway, or cannot be asked */
};

/* Returns 0 when all that could be heard was heard, or -errno. is_there and is_other are zero. */
int upnp_search(const struct upnp_gateway *g, struct upnp_find *f);

/* A thread that nobody waits for, and that takes no signals. */
bool upnp_start_thread(void *(*run)(void *), void *arg);

#endif

#include "public_servers.h"

#include <stddef.h>

/*
 * Free to use, and of different operators, so that the failure of one is not the failure
 * of all. The first ones offer RFC 5780, which filtering cannot be found without.
 */
const char *const public_servers[] = {
	"stun.hot-chilli.net:3478",
	"stun.voipgate.com:3478",
	"stun.m-online.net:3478",
	"stun.freeswitch.org:3478",
	/* Plain Binding: mapping can be compared between them. */
	"stun.cloudflare.com:3478",
	"stun.l.google.com:19302",
	NULL,
};

const char public_portal[] = "http://cp.cloudflare.com/generate_204";

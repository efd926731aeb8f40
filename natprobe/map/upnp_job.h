/*
 * upnp_job - one thing that a gateway is asked to do by UPnP IGD: have a port, give one back, tell
 * which it has. In a thread of its own, since all of it blocks.
 */
#ifndef NATPROBE_UPNP_JOB_H
#define NATPROBE_UPNP_JOB_H

#include "lease.h"
#include "natprobe/net/probe_socket.h"

#define UPNP_ENTRIES_MAX 256
#define UPNP_TEXT_MAX    48

/* An entry of the gateway's table. */
struct upnp_entry {
	uint8_t transport;
	uint16_t external_port;
	struct addr internal;
	uint32_t lifetime_s; /* that is left; 0: for good */
	bool is_enabled;
	char description[UPNP_TEXT_MAX]; /* printable ASCII */
};

struct upnp_table {
	uint8_t answer;       /* enum lease_answer: LEASE_GRANTED where it could be read */
	struct addr external; /* of the gateway; ADDR_NONE: not told */
	size_t count;
	struct upnp_entry entries[UPNP_ENTRIES_MAX];
};

/* False where natprobe was built without UPnP. */
bool upnp_job_is_built(void);

struct upnp_job;

/*
 * Starts it.
 * source, gateway  of IPv4, which is how the gateway is found, also to make a pinhole of IPv6
 * what             NULL: to tell what it has
 * Returns NULL where there is no UPnP, or no thread could be started.
 */
struct upnp_job *upnp_job_start(const struct probe_source *source, const struct addr *gateway,
				const struct lease_upnp *what);

/* Whether it is over. What came of it is set then; either may be NULL. */
bool upnp_job_is_over(struct upnp_job *j, struct lease_upnp_result *result,
		      struct upnp_table *table);

/* Takes no further interest; NULL is fine. It goes on to its end. */
void upnp_job_release(struct upnp_job *j);

#endif

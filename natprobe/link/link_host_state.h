/* link_host_state - what the files of link_host share. */
#ifndef NATPROBE_LINK_HOST_STATE_H
#define NATPROBE_LINK_HOST_STATE_H

#include "attach.h"
#include "exchange.h"
#include "link_host.h"
#include "link_path.h"
#include "link_socket.h"
#include "link_status.h"
#include "link_tag.h"
#include "natprobe/net/address_watch.h"

#define LINK_WHAT_MAX 192

struct link_host {
	struct link_host_config config;
	struct pair_run *run;
	struct event_base *base;
	struct identity identity;
	char *name;
	char tag[LINK_TAG_MAX];
	struct attach *attach;
	struct exchange *exchange;
	struct link_watchers watchers;
	struct address_watch *addresses;

	struct transport *transport; /* NULL: the other side is not known */
	struct transport *old;       /* to be freed outside of its callbacks */
	bool is_client, is_ready, expects;
	uint8_t their_fingerprint[IDENTITY_FINGERPRINT_LEN];
	uint64_t heard; /* packets of the transport */

	struct link_path *path; /* NULL: there is none */
	struct link_socket *socket;
	struct punch_path punched;
	uint32_t paths;
	bool is_up; /* as was told */
	char what[LINK_WHAT_MAX];

	struct event *timer;
	bool is_ending, has_said_bye, has_ended;
	int rc;
	uint64_t end_by_us;
};

/* -- link_host.c -- */
/* What was called may have something to do now: it is seen when all that happened is done. */
void link_host_touch(struct link_host *h);
void link_host_tell_up(struct link_host *h);
enum link_outlook { LINK_TRIES, LINK_WAITS };
/* why: of that there is no path; told again where it has become another one. */
void link_host_tell_down(struct link_host *h, const char *why, enum link_outlook outlook);
int link_host_complain(const struct link_host *h, int rc, const char *what, const char *why);
/* The run ends now, with h->rc. */
void link_host_finish(struct link_host *h);
/* What is under way of an end has until then. */
void link_host_last_words(struct link_host *h);
void link_host_random(void *arg, void *buf, size_t len);

/* -- link_host_path.c -- */
/* The path that the run's last trial made. False: out of memory. */
bool link_host_use_path(struct link_host *h, const struct punch_path *path);
/* It is broken: another one is asked for. */
void link_host_give_up(struct link_host *h, const char *why);
/* The same, but that is known: the run leaves it. */
void link_host_leave_path(struct link_host *h);

#endif

#include "link_host.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "clock.h"
#include "exchange.h"
#include "link_path.h"
#include "link_socket.h"
#include "link_status.h"
#include "link_tag.h"
#include "natprobe/net/address_watch.h"
#include "natprobe/net/await.h"
#include "natprobe/planning/strategy.h"
#include "natprobe/trial/trial_text.h"

#define FLUSH_US   10000000 /* at the end */
#define LEAVE_US   2000000  /* of that, for the transport to say that we leave */
#define LAST_US    60000
#define LOOK_US    20000
#define WHAT_MAX   160
#define STREAM_LOW 20 /* the first byte of a frame of the transport (RFC 7983) */
#define STREAM_END 64

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
	char what[WHAT_MAX];

	struct event *timer;
	bool is_ending, has_said_bye, has_ended;
	int rc;
	uint64_t end_by_us;
};

/* --- what is told --- */

static void look(const struct link_host *h, struct link_view *v)
{
	*v = (struct link_view){ .name = h->name,
				 .tag = h->tag[0] != '\0' ? h->tag : NULL,
				 .is_up = h->is_up,
				 .what = h->what,
				 .paths = h->paths };
	if (h->path != NULL) {
		v->path = h->punched;
		v->rtt_us = link_path_rtt_us(h->path);
	}
	if (h->transport != NULL)
		transport_count(h->transport, &v->counts);
	exchange_count(h->exchange, &v->streams);
}

static void tell(struct link_host *h)
{
	struct link_view v;
	char *line;

	look(h, &v);
	line = link_status_event(&v);
	if (line == NULL)
		return;
	link_watchers_tell(&h->watchers, line);
	if (h->config.on_path != NULL)
		h->config.on_path(h->config.arg, h->is_up, h->what, line);
	free(line);
}

static void tell_up(struct link_host *h)
{
	const struct trial_record *r = pair_run_last(h->run);
	const char *word = punch_strategy_word((enum punch_strategy)h->punched.strategy);

	h->is_up = true;
	(void)snprintf(h->what, sizeof(h->what), "%s%s, %.1f ms", word,
		       h->punched.is_tcp ? " over TCP" : "",
		       r != NULL ? r->quality.rtt_median_us / 1000.0 : 0.0);
	tell(h);
}

static void tell_down(struct link_host *h, const char *why)
{
	if (!h->is_up || h->is_ending)
		return;
	h->is_up = false;
	(void)snprintf(h->what, sizeof(h->what), "%s", why);
	tell(h);
}

static int complain(const struct link_host *h, int rc, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s: %s\n", h->run->command, what, why);
	return rc;
}

/* --- time --- */

/* What was called may have something to do now: it is seen when all that happened is done. */
static void touch(struct link_host *h)
{
	event_active(h->timer, EV_TIMEOUT, 0);
}

static void on_used(void *arg)
{
	touch(arg);
}

static void finish(struct link_host *h)
{
	h->has_ended = true;
	pair_run_end(h->run, h->rc);
}

static bool is_flushed(const struct link_host *h)
{
	return h->transport == NULL || !h->is_ready || exchange_is_flushed(h->exchange);
}

/* First what is written, then the good-bye, and all of it within its time. */
static uint64_t go_on_ending(struct link_host *h, uint64_t now_us)
{
	if (!h->is_ending)
		return UINT64_MAX;
	if (h->run->is_over)
		return UINT64_MAX;
	if (!h->has_said_bye && (is_flushed(h) || now_us >= h->end_by_us)) {
		h->has_said_bye = true;
		h->end_by_us = now_us + LEAVE_US;
		if (h->transport != NULL && h->is_ready && h->path != NULL)
			transport_close(h->transport, now_us);
		else
			finish(h);
	} else if (h->has_said_bye && now_us >= h->end_by_us) {
		finish(h);
	}
	return now_us + LOOK_US;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct link_host *h = arg;
	uint64_t now_us = clock_us(), next_us;

	transport_free(h->old);
	h->old = NULL;
	if (h->path != NULL && link_path_next_us(h->path) <= now_us)
		link_path_on_time(h->path, now_us);
	if (h->transport != NULL && transport_next_us(h->transport) <= now_us)
		transport_on_time(h->transport, now_us);
	next_us = go_on_ending(h, now_us);
	if (h->path != NULL && link_path_next_us(h->path) < next_us)
		next_us = link_path_next_us(h->path);
	if (h->transport != NULL && transport_next_us(h->transport) < next_us)
		next_us = transport_next_us(h->transport);
	await_moment(h->timer, next_us);
}

/* --- the transport --- */

static void on_transport_output(void *arg, struct bytes frame)
{
	struct link_host *h = arg;

	if (h->socket == NULL || h->path == NULL)
		return;
	link_socket_send(h->socket, frame);
	link_path_sent(h->path, clock_us());
}

static void on_ready(void *arg)
{
	struct link_host *h = arg;

	h->is_ready = true;
	if (h->path != NULL)
		tell_up(h);
	exchange_use(h->exchange, h->transport, h->is_client);
}

static bool on_channel(void *arg, struct channel *c)
{
	struct link_host *h = arg;

	return exchange_on_channel(h->exchange, c);
}

/* It is gone, and its channels with it. */
static void retire_transport(struct link_host *h)
{
	h->old = h->transport;
	h->transport = NULL;
	h->is_ready = h->expects = false;
	touch(h);
}

static void on_transport_failed(void *arg, enum transport_failure failure, const char *why)
{
	struct link_host *h = arg;

	exchange_use(h->exchange, NULL, false);
	retire_transport(h);
	if (h->is_ending) {
		/* Its last words are still to leave. */
		h->has_said_bye = true;
		h->end_by_us = clock_us() + LAST_US;
		return;
	}
	if (failure == TRANSPORT_FINGERPRINT) {
		h->rc = complain(h, EXIT_FAILED, "link",
				 "somebody else answers on the path than was met; start again on "
				 "both sides, with a new code");
		finish(h);
		return;
	}
	tell_down(h, failure == TRANSPORT_PEER_LEFT ? "the other side left" : why);
	pair_run_meet_again(h->run);
}

static bool make_transport(struct link_host *h)
{
	const struct transport_config config = {
		.identity = &h->identity,
		.is_client = meet_is_a(meet_io_meet(h->run->meet)),
		.on_output = on_transport_output,
		.on_ready = on_ready,
		.on_channel = on_channel,
		.on_failed = on_transport_failed,
		.arg = h,
	};

	h->is_client = config.is_client;
	h->heard = 0;
	h->transport = transport_new(&config);
	return h->transport != NULL;
}

/* As the meeting had it, or as a check has it. */
static void expect(struct link_host *h, const uint8_t fingerprint[static IDENTITY_FINGERPRINT_LEN])
{
	if (h->transport == NULL || h->expects)
		return;
	h->expects = true;
	memcpy(h->their_fingerprint, fingerprint, sizeof(h->their_fingerprint));
	transport_expect(h->transport, fingerprint);
}

/* Another process than the one that the transport is for: nothing of it goes on. */
static bool is_another(const struct link_host *h)
{
	return h->expects && h->run->has_their_fingerprint &&
	       memcmp(h->their_fingerprint, h->run->their_fingerprint,
		      sizeof(h->their_fingerprint)) != 0;
}

static bool prepare_transport(struct link_host *h)
{
	if (h->transport != NULL && is_another(h)) {
		exchange_lose(h->exchange);
		transport_free(h->transport);
		h->transport = NULL;
		h->is_ready = h->expects = false;
	}
	if (h->transport == NULL && !make_transport(h))
		return false;
	if (h->run->has_their_fingerprint)
		expect(h, h->run->their_fingerprint);
	return true;
}

/* --- the path --- */

static void lose_path(struct link_host *h)
{
	link_path_free(h->path);
	h->path = NULL;
	if (h->transport != NULL)
		transport_lose_path(h->transport);
}

static void give_up_path(struct link_host *h, const char *why)
{
	if (h->path == NULL)
		return;
	lose_path(h);
	tell_down(h, why);
	if (!h->is_ending)
		pair_run_again(h->run);
}

static void on_path_broken(void *arg, const char *why)
{
	give_up_path(arg, why);
}

static void on_path_output(void *arg, struct bytes frame, bool is_probe)
{
	struct link_host *h = arg;

	if (h->socket != NULL)
		link_socket_send(h->socket, frame);
}

static void on_path_identity(void *arg, const uint8_t fingerprint[static LINK_FINGERPRINT_LEN])
{
	struct link_host *h = arg;

	expect(h, fingerprint);
	touch(h);
}

static void on_path_frame_max(void *arg, uint16_t frame_max)
{
	struct link_host *h = arg;

	if (h->transport != NULL)
		transport_set_frame_max(h->transport, frame_max);
}

static void fill_random(void *arg, void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		abort(); /* without it nothing is safe */
}

/* Of the mappings on the way: of ours on this path, and the shortest of theirs. */
static uint32_t lifetime_of(const struct link_host *h)
{
	const struct peer_profile *ours = &h->run->self.profile, *theirs = &h->run->theirs;
	uint32_t least =
		h->punched.path < ours->path_count ? ours->paths[h->punched.path].lifetime_s : 0;

	for (size_t i = 0; i < theirs->path_count; i++) {
		const uint32_t s = theirs->paths[i].lifetime_s;

		if (s > 0 && (least == 0 || s < least))
			least = s;
	}
	return least;
}

static bool make_path(struct link_host *h)
{
	struct link_path_config config = {
		.is_tcp = h->punched.is_tcp,
		.is_relayed = h->punched.is_relayed,
		.remote = h->punched.remote,
		.lifetime_s = lifetime_of(h),
		.on_output = on_path_output,
		.on_identity = on_path_identity,
		.on_frame_max = on_path_frame_max,
		.on_broken = on_path_broken,
		.random = fill_random,
		.arg = h,
	};

	pair_run_check_keys(h->run, &config.keys);
	memcpy(config.fingerprint, h->identity.fingerprint, sizeof(config.fingerprint));
	h->path = link_path_new(&config, clock_us());
	check_keys_wipe(&config.keys);
	return h->path != NULL;
}

/* --- the socket --- */

static void on_frame(void *arg, struct bytes frame)
{
	struct link_host *h = arg;

	if (h->path == NULL || frame.len == 0)
		return;
	if (frame.data[0] >= STREAM_LOW && frame.data[0] < STREAM_END) {
		if (h->transport != NULL)
			transport_input(h->transport, frame, clock_us());
		return;
	}
	(void)link_path_input(h->path, frame, clock_us());
}

/* What the transport took was authentic. */
static void on_socket_idle(void *arg)
{
	struct transport_counts counts;
	struct link_host *h = arg;

	if (h->transport != NULL && h->path != NULL) {
		transport_count(h->transport, &counts);
		if (counts.packets_in != h->heard)
			link_path_heard(h->path, clock_us());
		h->heard = counts.packets_in;
	}
	touch(h);
}

static void on_socket_doubt(void *arg)
{
	struct link_host *h = arg;

	if (h->path != NULL)
		link_path_doubt(h->path, clock_us());
	touch(h);
}

static void on_socket_gone(void *arg, const char *why)
{
	give_up_path(arg, why);
}

/* --- the run --- */

static bool use_path(struct link_host *h, const struct punch_path *path)
{
	const struct link_socket_hooks hooks = { .on_frame = on_frame,
						 .on_idle = on_socket_idle,
						 .on_doubt = on_socket_doubt,
						 .on_gone = on_socket_gone,
						 .arg = h };

	h->punched = *path;
	h->socket = link_socket_new(h->base, h->run->io, path, &hooks);
	if (h->socket == NULL || !make_path(h) || !prepare_transport(h))
		return false;
	h->paths++;
	transport_use_path(h->transport, path->is_tcp, link_path_frame_max(h->path), clock_us());
	if (h->is_ready)
		tell_up(h);
	touch(h);
	return true;
}

static void fail_first(struct link_host *h, const struct trial_record *r)
{
	const struct report_style style = { .quiet = true };

	trial_text_one(r, &style, stderr);
	h->rc = EXIT_FAILED;
	finish(h);
}

static void on_rest(void *arg)
{
	struct link_host *h = arg;
	const struct trial_record *r = pair_run_last(h->run);
	const struct punch_result *result = punch_result(h->run->punch);

	if (h->is_ending)
		return;
	if (result->path.strategy != PUNCH_NONE) {
		if (use_path(h, &result->path))
			return;
		h->rc = complain(h, EXIT_FAILED, "path", "out of memory");
		finish(h);
	} else if (h->paths == 0 && r != NULL && result->has_theirs) {
		fail_first(h, r);
	} else {
		pair_run_again(h->run);
	}
}

static void on_leave(void *arg)
{
	struct link_host *h = arg;

	if (h->path != NULL) {
		lose_path(h);
		tell_down(h, "the other side has lost the path");
	}
	link_socket_free(h->socket);
	h->socket = NULL;
}

static void on_signal(void *arg, int number)
{
	struct link_host *h = arg;

	if (h->is_ending)
		finish(h); /* once more: at once */
	else
		link_host_end(h, h->config.is_short ? EXIT_FAILED : EXIT_REACHED);
}

static void on_knock(void *arg)
{
	struct link_host *h = arg;

	if (h->path != NULL)
		link_path_doubt(h->path, clock_us());
	touch(h);
}

static void on_addresses(void *arg)
{
	struct link_host *h = arg;

	pair_run_is_stale(h->run);
	if (h->path == NULL)
		return;
	if (!address_watch_has(h->addresses, &h->punched.local))
		give_up_path(h, "our address has changed");
	else
		link_path_doubt(h->path, clock_us());
	touch(h);
}

/* --- programs --- */

static void answer_with(struct link_host *h, struct bufferevent *bev, bool watches)
{
	struct link_view v;
	char *line;

	look(h, &v);
	line = watches ? link_status_event(&v) : link_status_text(&v);
	if (watches)
		link_watchers_add(&h->watchers, bev, line);
	else
		link_status_answer(bev, line);
	free(line);
}

static void on_line(void *arg, const struct attach_line *line, struct bufferevent *bev)
{
	struct link_host *h = arg;

	if (line->verb == ATTACH_STATUS || line->verb == ATTACH_WATCH)
		answer_with(h, bev, line->verb == ATTACH_WATCH);
	else
		exchange_add(h->exchange, line, bev);
	touch(h);
}

/* --- all of it --- */

static bool make_parts(struct link_host *h)
{
	const struct attach_hooks attach = { .on_line = on_line, .arg = h };
	const struct exchange_hooks exchange = { .on_used = on_used, .arg = h };
	uint8_t salt[LINK_TAG_SALT_LEN];

	fill_random(NULL, salt, sizeof(salt));
	if (h->run->code != NULL && !link_tag_make(h->run->code, salt, h->tag))
		return false;
	h->timer = evtimer_new(h->base, on_timer, h);
	h->attach = attach_new(h->base, &attach);
	h->exchange = exchange_new(h->base, &exchange);
	h->addresses = address_watch_new(h->base, on_addresses, h);
	return h->timer != NULL && h->attach != NULL && h->exchange != NULL &&
	       identity_make(&h->identity);
}

struct link_host *link_host_new(const struct link_host_config *config)
{
	const struct pair_again_hooks hooks = { .on_rest = on_rest,
						.on_leave = on_leave,
						.on_signal = on_signal,
						.on_knock = on_knock };
	struct link_host *h;

	if (!transport_is_built()) {
		fprintf(stderr,
			"natprobe: %s: this natprobe was built without libusrsctp; build it "
			"with libusrsctp-dev installed\n",
			config->run->command);
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->config = *config;
	h->run = config->run;
	h->base = config->run->base;
	(void)snprintf(h->what, sizeof(h->what), "the other side was not met yet");
	if (!make_parts(h)) {
		(void)complain(h, EXIT_FAILED, "link", "out of memory");
		link_host_free(h);
		return NULL;
	}
	h->run->again_hooks = hooks;
	h->run->again_hooks.arg = h;
	h->run->fingerprint = h->identity.fingerprint;
	return h;
}

void link_host_free(struct link_host *h)
{
	if (h == NULL)
		return;
	attach_free(h->attach);
	link_watchers_clear(&h->watchers);
	exchange_free(h->exchange);
	transport_free(h->transport);
	transport_free(h->old);
	link_path_free(h->path);
	link_socket_free(h->socket);
	address_watch_free(h->addresses);
	if (h->timer != NULL)
		event_free(h->timer);
	identity_clear(&h->identity);
	free(h->name);
	free(h);
}

int link_host_listen(struct link_host *h, const char *name)
{
	int rc = attach_listen(h->attach, name);

	if (rc == -EADDRINUSE) {
		fprintf(stderr,
			"natprobe: %s: a link \"%s\" runs here already; give this one another "
			"name with --name\n",
			h->run->command, name);
		return EXIT_FAILED;
	}
	if (rc == -EPERM)
		return complain(h, EXIT_FAILED, "the directory of links' sockets",
				"others may write there; see XDG_RUNTIME_DIR");
	if (rc != 0)
		return complain(h, EXIT_FAILED, name, strerror(-rc));
	h->name = strdup(name);
	return h->name != NULL ? 0 : complain(h, EXIT_FAILED, name, "out of memory");
}

bool link_host_adopt(struct link_host *h, int fd)
{
	return attach_adopt(h->attach, fd);
}

void link_host_end(struct link_host *h, int rc)
{
	if (h->is_ending)
		return;
	h->is_ending = true;
	h->rc = rc;
	h->end_by_us = clock_us() + FLUSH_US;
	/* Whoever has just closed its end is to be heard first. */
	await_moment(h->timer, clock_us() + LOOK_US);
}

bool link_host_has_ended(const struct link_host *h)
{
	return h->has_ended;
}

struct event_base *link_host_base(const struct link_host *h)
{
	return h->base;
}

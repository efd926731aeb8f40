/* The path that a link has at the time, its socket, and the transport that goes on over the next one. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "link_host_state.h"

#define STREAM_LOW 20 /* the first byte of a frame of the transport (RFC 7983) */
#define STREAM_END 64

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
		link_host_tell_up(h);
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
	link_host_touch(h);
}

static void on_transport_failed(void *arg, enum transport_failure failure, const char *why)
{
	struct link_host *h = arg;

	exchange_use(h->exchange, NULL, false);
	retire_transport(h);
	if (h->is_ending) {
		link_host_last_words(h);
		return;
	}
	if (failure == TRANSPORT_FINGERPRINT) {
		h->rc = link_host_complain(
			h, EXIT_FAILED, "link",
			"somebody else answers on the path than was met; start again on "
			"both sides, with a new code");
		link_host_finish(h);
		return;
	}
	if (failure == TRANSPORT_PEER_LEFT)
		link_host_tell_down(h, "the other side left", LINK_WAITS);
	else
		link_host_tell_down(h, why, LINK_TRIES);
	pair_run_meet_again(h->run);
}

static void on_transport_due(void *arg)
{
	link_host_touch(arg);
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
		.on_due = on_transport_due,
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
static bool is_another(const struct link_host *h,
		       const uint8_t fingerprint[static IDENTITY_FINGERPRINT_LEN])
{
	return h->transport != NULL && h->expects &&
	       memcmp(h->their_fingerprint, fingerprint, sizeof(h->their_fingerprint)) != 0;
}

static void drop_transport(struct link_host *h)
{
	exchange_lose(h->exchange);
	transport_free(h->transport);
	h->transport = NULL;
	h->is_ready = h->expects = false;
}

static bool prepare_transport(struct link_host *h)
{
	if (h->run->has_their_fingerprint && is_another(h, h->run->their_fingerprint))
		drop_transport(h);
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

void link_host_give_up(struct link_host *h, const char *why)
{
	if (h->path == NULL)
		return;
	lose_path(h);
	link_host_tell_down(h, why, LINK_TRIES);
	if (!h->is_ending)
		pair_run_again(h->run);
}

static void on_path_broken(void *arg, const char *why)
{
	link_host_give_up(arg, why);
}

static void on_path_output(void *arg, struct bytes frame, bool is_probe)
{
	struct link_host *h = arg;

	if (h->socket != NULL)
		link_socket_send(h->socket, frame);
}

static void use_transport(struct link_host *h)
{
	transport_use_path(h->transport, h->punched.is_tcp, link_path_frame_max(h->path),
			   clock_us());
}

static void on_path_identity(void *arg, const uint8_t fingerprint[static LINK_FINGERPRINT_LEN])
{
	struct link_host *h = arg;

	/* The meeting could not say so. */
	if (!h->run->has_their_fingerprint && is_another(h, fingerprint)) {
		drop_transport(h);
		if (!make_transport(h)) {
			h->rc = link_host_complain(h, EXIT_FAILED, "link", "out of memory");
			link_host_finish(h);
			return;
		}
		use_transport(h);
	}
	expect(h, fingerprint);
}

static void on_path_frame_max(void *arg, uint16_t frame_max)
{
	struct link_host *h = arg;

	if (h->transport != NULL)
		transport_set_frame_max(h->transport, frame_max);
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
		.random = link_host_random,
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
	link_host_touch(h);
}

static void on_socket_doubt(void *arg)
{
	struct link_host *h = arg;

	if (h->path != NULL)
		link_path_doubt(h->path, clock_us());
	link_host_touch(h);
}

static void on_socket_too_long(void *arg)
{
	struct link_host *h = arg;

	if (h->path != NULL)
		link_path_doubt_width(h->path, clock_us());
	link_host_touch(h);
}

static void on_socket_gone(void *arg, const char *why)
{
	link_host_give_up(arg, why);
}

/* --- all of it --- */

bool link_host_use_path(struct link_host *h, const struct punch_path *path)
{
	const struct link_socket_hooks hooks = { .on_frame = on_frame,
						 .on_idle = on_socket_idle,
						 .on_doubt = on_socket_doubt,
						 .on_too_long = on_socket_too_long,
						 .on_gone = on_socket_gone,
						 .arg = h };

	h->punched = *path;
	h->socket = link_socket_new(h->base, h->run->io, path, &hooks);
	if (h->socket == NULL || !make_path(h) || !prepare_transport(h))
		return false;
	h->paths++;
	use_transport(h);
	if (h->is_ready)
		link_host_tell_up(h);
	link_host_touch(h);
	return true;
}

void link_host_leave_path(struct link_host *h)
{
	if (h->path != NULL) {
		lose_path(h);
		if (h->is_up)
			link_host_tell_down(h, "the other side has lost it", LINK_TRIES);
	}
	link_socket_free(h->socket);
	h->socket = NULL;
}

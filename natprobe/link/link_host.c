#include "link_host.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach_path.h"
#include "clock.h"
#include "link_host_state.h"
#include "natprobe/net/await.h"
#include "natprobe/planning/strategy.h"
#include "natprobe/trial/trial_text.h"

#define FLUSH_US 10000000 /* at the end */
#define LEAVE_US 2000000  /* of that, for the transport to say that we leave */
#define LAST_US  60000    /* ... and for that to leave */
#define LOOK_US  20000

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

void link_host_tell_up(struct link_host *h)
{
	const struct trial_record *r = pair_run_last(h->run);
	const char *word = punch_strategy_word((enum punch_strategy)h->punched.strategy);

	h->is_up = true;
	(void)snprintf(h->what, sizeof(h->what), "%s%s, %.1f ms", word,
		       h->punched.is_tcp ? " over TCP" : "",
		       r != NULL ? r->quality.rtt_median_us / 1000.0 : 0.0);
	tell(h);
}

/* For how long at most whoever does not come is waited for: as pair_run has it. */
static void put_patience(const struct link_host *h, char *out, size_t cap)
{
	const double wait_s = (double)h->run->options->wait_ms / 1000;

	if (wait_s > 0 && wait_s < 120)
		(void)snprintf(out, cap, ", %.0f s at most", wait_s);
	else if (wait_s > 0 || h->config.is_short)
		(void)snprintf(out, cap, ", %.0f minutes at most", wait_s > 0 ? wait_s / 60 : 10);
	else
		out[0] = '\0';
}

void link_host_tell_down(struct link_host *h, const char *why, enum link_outlook outlook)
{
	char what[LINK_WHAT_MAX], patience[32];

	put_patience(h, patience, sizeof(patience));
	if (outlook == LINK_WAITS)
		(void)snprintf(what, sizeof(what), "%s; waiting for it%s, ^C ends it", why,
			       patience);
	else
		(void)snprintf(what, sizeof(what), "%s; another one is tried, ^C ends it", why);
	if (h->is_ending || h->paths == 0 || (!h->is_up && strcmp(h->what, what) == 0))
		return;
	h->is_up = false;
	(void)snprintf(h->what, sizeof(h->what), "%s", what);
	tell(h);
}

int link_host_complain(const struct link_host *h, int rc, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s: %s\n", h->run->command, what, why);
	return rc;
}

/* --- time --- */

void link_host_touch(struct link_host *h)
{
	event_active(h->timer, EV_TIMEOUT, 0);
}

void link_host_finish(struct link_host *h)
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
			link_host_finish(h);
	} else if (h->has_said_bye && now_us >= h->end_by_us) {
		link_host_finish(h);
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

void link_host_last_words(struct link_host *h)
{
	h->has_said_bye = true;
	h->end_by_us = clock_us() + LAST_US;
}

/* --- the run --- */

static void fail_first(struct link_host *h, const struct trial_record *r)
{
	const struct report_style style = { .quiet = true };

	trial_text_one(r, &style, stderr);
	h->rc = EXIT_FAILED;
	link_host_finish(h);
}

static void on_rest(void *arg)
{
	struct link_host *h = arg;
	const struct trial_record *r = pair_run_last(h->run);
	const struct punch_result *result = punch_result(h->run->punch);

	if (h->is_ending)
		return;
	if (result->path.strategy != PUNCH_NONE) {
		if (link_host_use_path(h, &result->path))
			return;
		h->rc = link_host_complain(h, EXIT_FAILED, "path", "out of memory");
		link_host_finish(h);
	} else if (h->paths == 0 && r != NULL && result->has_theirs) {
		fail_first(h, r);
	} else {
		if (result->has_theirs)
			link_host_tell_down(h, "none could be made now", LINK_TRIES);
		else
			link_host_tell_down(h, "the other side is not heard any more", LINK_WAITS);
		pair_run_again(h->run);
	}
}

static void on_leave(void *arg)
{
	link_host_leave_path(arg);
}

static void on_signal(void *arg, int number)
{
	struct link_host *h = arg;

	if (h->is_ending)
		link_host_finish(h); /* once more: at once */
	else
		link_host_end(h, h->config.is_short ? EXIT_FAILED : EXIT_REACHED);
}

static void on_knock(void *arg)
{
	struct link_host *h = arg;

	if (h->path != NULL)
		link_path_doubt(h->path, clock_us());
	link_host_touch(h);
}

static void on_addresses(void *arg)
{
	struct link_host *h = arg;

	pair_run_is_stale(h->run);
	if (h->path == NULL)
		return;
	if (!address_watch_has(h->addresses, &h->punched.local))
		link_host_give_up(h, "our address has changed");
	else
		link_path_doubt(h->path, clock_us());
	link_host_touch(h);
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
}

/* --- all of it --- */

void link_host_random(void *arg, void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		abort(); /* without it nothing is safe */
}

static bool make_parts(struct link_host *h)
{
	const struct attach_hooks attach = { .on_line = on_line, .arg = h };
	uint8_t salt[LINK_TAG_SALT_LEN];

	link_host_random(NULL, salt, sizeof(salt));
	if (h->run->code != NULL && !link_tag_make(h->run->code, salt, h->tag))
		return false;
	h->timer = evtimer_new(h->base, on_timer, h);
	h->attach = attach_new(h->base, &attach);
	h->exchange = exchange_new(h->base);
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

	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->config = *config;
	h->run = config->run;
	h->base = config->run->base;
	(void)snprintf(h->what, sizeof(h->what),
		       "the other side was not met yet; it is waited for");
	if (!make_parts(h)) {
		(void)link_host_complain(h, EXIT_FAILED, "link", "out of memory");
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

/* No socket could be made, for -rc. */
static int complain_of_place(const struct link_host *h, int rc, const char *name)
{
	char directory[ATTACH_DIRECTORY_MAX] = "";

	if (rc == -EADDRINUSE) {
		fprintf(stderr,
			"natprobe: %s: a link \"%s\" runs here already; give this one another "
			"name with --name\n",
			h->run->command, name);
		return EXIT_FAILED;
	}
	(void)attach_directory(directory, sizeof(directory));
	if (rc == -EPERM)
		return link_host_complain(h, EXIT_FAILED, directory, LINK_DIRECTORY_REMEDY);
	fprintf(stderr, "natprobe: %s: %s/%s: %s\n", h->run->command, directory, name,
		rc == -EEXIST ? "it is no socket; remove it, or choose another --name"
			      : strerror(-rc));
	return EXIT_FAILED;
}

int link_host_listen(struct link_host *h, const char *name)
{
	int rc = attach_listen(h->attach, name);

	if (rc != 0)
		return complain_of_place(h, rc, name);
	h->name = strdup(name);
	return h->name != NULL ? 0 : link_host_complain(h, EXIT_FAILED, name, "out of memory");
}

int link_host_call(struct link_host *h)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	if (attach_adopt(h->attach, pair[1]))
		return pair[0];
	close(pair[0]);
	return -1;
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

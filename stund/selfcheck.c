#include "selfcheck.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "per_source.h"
#include "stun_attr.h"
#include "udp.h"

/* Each request is sent so often, so far apart; then it counts as lost. */
#define ROUNDS   4
#define ROUND_MS 250

#define FLAGS_ALL  4 /* CHANGE-REQUEST: neither, port, address, both */
#define FLAG_PORT  1u
#define FLAG_IP    2u
#define PROBES_MAX 4096
#define LINES_MAX  8 /* of what is wrong; the rest is counted */

enum probe_state { PROBE_SILENT, PROBE_ANSWERED, PROBE_ASTRAY };

struct probe {
	struct stun_tid tid;
	uint16_t asker;
	uint8_t flags;
	bool public; /* through the NAT in front of us */
	struct addr to, want, got;
	enum probe_state state;
};

/* A socket that asks, on one address of ours. */
struct asker {
	struct addr ip;
	int fd;
	struct event *readable;
	struct selfcheck *owner;
};

struct selfcheck {
	struct event_base *base;
	struct event *timer;
	struct udp_batch *batch;
	struct asker askers[2 * LAYOUT_SITES_MAX];
	size_t asker_count;
	struct probe *probes;
	size_t probe_count, open; /* open: neither answered nor astray */
	int round;
};

static void end_events(struct selfcheck *c)
{
	for (size_t i = 0; i < c->asker_count; i++) {
		if (c->askers[i].readable != NULL)
			event_free(c->askers[i].readable);
		if (c->askers[i].fd >= 0)
			close(c->askers[i].fd);
	}
	c->asker_count = 0;
	if (c->timer != NULL)
		event_free(c->timer);
	c->timer = NULL;
}

void selfcheck_stop(struct selfcheck *c)
{
	if (c == NULL)
		return;
	end_events(c);
	udp_batch_free(c->batch);
	free(c->probes);
	free(c);
}

static const char *flags_text(unsigned int flags)
{
	static const char *const texts[] = { "", ", told to change the port",
					     ", told to change the address",
					     ", told to change address and port" };

	return texts[flags & 3];
}

static void report_one(const struct probe *p)
{
	char to[ADDR_TEXT_MAX], want[ADDR_TEXT_MAX], got[ADDR_TEXT_MAX];

	addr_print(&p->to, to);
	if (p->public && p->state == PROBE_SILENT)
		log_event(LOG_LEVEL_INFO, "selfcheck",
			  "%s: not provable from here: no answer, as behind any NAT that does "
			  "not lead back inside; ask from outside",
			  to);
	else if (p->state == PROBE_SILENT)
		log_event(LOG_LEVEL_WARN, "selfcheck",
			  "%s did not answer%s; is a firewall in the way?", to,
			  flags_text(p->flags));
	else
		log_event(LOG_LEVEL_WARN, "selfcheck",
			  "%s%s: the answer came from %s instead of %s; clients would get false "
			  "verdicts",
			  to, flags_text(p->flags), addr_print(&p->got, got),
			  addr_print(&p->want, want));
}

static void report(const struct selfcheck *c)
{
	size_t wrong = 0, good = 0;

	for (size_t i = 0; i < c->probe_count; i++) {
		if (c->probes[i].state == PROBE_ANSWERED)
			good++;
		else if (wrong++ < LINES_MAX)
			report_one(&c->probes[i]);
	}
	log_event(LOG_LEVEL_INFO, "selfcheck",
		  "%zu of %zu requests to myself were answered from "
		  "where they should",
		  good, c->probe_count);
}

static void finish(struct selfcheck *c)
{
	report(c);
	end_events(c);
}

static bool build(const struct probe *p, uint8_t *buf, size_t cap, struct bytes *out)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, &p->tid);
	struct stun_change change = { .address = (p->flags & FLAG_IP) != 0,
				      .port = (p->flags & FLAG_PORT) != 0 };

	if (p->flags != 0)
		(void)stun_attr_put_change(&b, change);
	return stun_build_finish(&b, out) == STUN_OK;
}

static void send_open(struct selfcheck *c)
{
	uint8_t buf[64];

	for (size_t i = 0; i < c->probe_count; i++) {
		const struct probe *p = &c->probes[i];
		struct udp_dgram d = { .peer = p->to };

		/* One that cannot be sent stays silent: it will be named. */
		if (p->state == PROBE_SILENT && build(p, buf, sizeof(buf), &d.data))
			(void)udp_send(c->askers[p->asker].fd, c->batch, &d, 1);
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval wait = { .tv_usec = ROUND_MS * 1000 };
	struct selfcheck *c = arg;

	if (c->round++ == ROUNDS) {
		finish(c);
		return;
	}
	send_open(c);
	(void)evtimer_add(c->timer, &wait);
}

static void take_answer(struct selfcheck *c, const struct udp_dgram *in)
{
	struct stun_msg msg;
	struct probe *p = NULL;

	if (stun_msg_parse(in->data, &msg) != STUN_OK || msg.class != STUN_SUCCESS)
		return;
	for (size_t i = 0; i < c->probe_count && p == NULL; i++) {
		if (stun_tid_equal(&c->probes[i].tid, &msg.tid))
			p = &c->probes[i];
	}
	if (p == NULL || p->state != PROBE_SILENT)
		return;
	p->got = in->peer;
	p->state = addr_equal(&in->peer, &p->want) ? PROBE_ANSWERED : PROBE_ASTRAY;
	c->open--;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct asker *a = arg;
	struct selfcheck *c = a->owner;
	struct udp_dgram in[UDP_BATCH];
	int n = udp_recv(fd, c->batch, in);

	for (int i = 0; i < n; i++)
		take_answer(c, &in[i]);
	if (c->open == 0)
		finish(c);
}

static bool add_asker(struct selfcheck *c, const struct addr *ip)
{
	struct asker *a = &c->askers[c->asker_count];
	struct addr local = addr_with_port(ip, 0);
	struct udp_options options = { 0 };

	*a = (struct asker){ .ip = *ip, .owner = c };
	a->fd = udp_open(&local, &options, NULL);
	if (a->fd < 0)
		return false;
	c->asker_count++;
	a->readable = event_new(c->base, a->fd, EV_READ | EV_PERSIST, on_readable, a);
	return a->readable != NULL && event_add(a->readable, NULL) == 0;
}

static bool add_probe(struct selfcheck *c, const struct probe *like)
{
	uint8_t random[12];
	struct probe *p = &c->probes[c->probe_count];

	if (c->probe_count == PROBES_MAX)
		return true;
	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	*p = *like;
	p->tid = stun_tid_make(random);
	p->asker = (uint16_t)(c->asker_count - 1);
	c->probe_count++;
	c->open++;
	return true;
}

/* What the newest asker asks each socket of the site. */
static bool add_pairs(struct selfcheck *c, const struct layout_site *site, bool change)
{
	for (unsigned int number = 0; number < STUN_SITE_SOCKETS; number++) {
		for (unsigned int flags = 0; flags < (change ? FLAGS_ALL : 1); flags++) {
			struct probe p = { .flags = (uint8_t)flags,
					   .to = site->local[number],
					   .want = site->local[number ^ flags] };

			if (site->site.has[number] && !add_probe(c, &p))
				return false;
		}
	}
	return true;
}

/* From the first address to the second one as clients see it. */
static bool add_public(struct selfcheck *c, const struct layout_site *site)
{
	for (unsigned int number = 2; number < STUN_SITE_SOCKETS; number++) {
		const struct addr *seen = &site->site.seen_as[number];
		struct probe p = { .public = true, .to = *seen, .want = *seen };

		if (!addr_equal(seen, &site->local[number]) && !add_probe(c, &p))
			return false;
	}
	return true;
}

static bool add_site(struct selfcheck *c, const struct layout_site *site, bool nat_discovery)
{
	bool full = stun_site_is_full(&site->site);

	if (site->any) /* which addresses it stands for, only the kernel knows */
		return true;
	if (!add_asker(c, &site->local[0]) || !add_pairs(c, site, full && nat_discovery))
		return false;
	if (!full)
		return true;
	return add_public(c, site) && add_asker(c, &site->local[2]) &&
	       add_pairs(c, site, nat_discovery);
}

/* What the limiter would drop looked as if a firewall had. */
static bool is_within_budget(const struct selfcheck *c, const struct stund_conf *conf)
{
	static const uint8_t key[16]; /* the addresses are our own */
	struct per_source *sources;
	bool within = true;

	if (conf->rate_limit == 0)
		return true;
	sources = per_source_new(PROBES_MAX, (uint32_t)conf->rate_burst, key);
	for (size_t i = 0; i < c->probe_count && sources != NULL; i++) {
		const struct asker *a = &c->askers[c->probes[i].asker];

		within = within && per_source_add(sources, &a->ip) == PER_SOURCE_OK;
	}
	per_source_free(sources);
	return within;
}

struct selfcheck *selfcheck_start(struct event_base *base, const struct layout *layout,
				  const struct stund_conf *conf)
{
	struct selfcheck *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->base = base;
	c->batch = udp_batch_new();
	c->probes = calloc(PROBES_MAX, sizeof(*c->probes));
	c->timer = evtimer_new(base, on_timer, c);
	if (c->batch == NULL || c->probes == NULL || c->timer == NULL)
		goto fail;
	for (size_t i = 0; i < layout->site_count; i++) {
		if (!add_site(c, &layout->sites[i], conf->nat_discovery))
			goto fail;
	}
	if (!is_within_budget(c, conf)) {
		log_event(LOG_LEVEL_INFO, "selfcheck",
			  "left out: it takes more requests at once than rate-burst lets through");
		c->probe_count = 0;
	}
	if (c->probe_count == 0) {
		selfcheck_stop(c);
		return NULL;
	}
	on_timer(-1, 0, c);
	return c;
fail:
	log_event(LOG_LEVEL_WARN, "selfcheck", "could not be started");
	selfcheck_stop(c);
	return NULL;
}

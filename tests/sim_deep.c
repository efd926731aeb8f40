#include "sim_deep.h"

#include <stdlib.h>

#include "sim_deep_parts.h"

#define SLEEPS_AFTER_US 10000000

static struct sim_deep sim; /* too large for a stack */

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void start_world(struct sim_deep *s, const struct sim_config *c)
{
	struct rng seeds = sim_seeds(c); /* the boxes choose as they did for the discovery */
	struct sim_world *w = &s->world;

	w->config = c;
	w->profile = c->profile;
	w->server_count = 1;
	w->now_us = SIM_START_US;
	w->rng = rng_seed(rng_next(&seeds));
	w->host_count = 2; /* addresses of one host */
	sim_queue_reset(&w->queue);
	w->hosts[0] = (struct sim_host){ .world = w,
					 .rng = rng_seed(rng_next(&seeds)),
					 .addr = nat_plan_host(c->profile, 0) };
	w->hosts[1] =
		(struct sim_host){ .world = w, .nic = 1, .addr = nat_plan_host(c->profile, 1) };
	if (c->profile->two_nics)
		(void)rng_next(&seeds);
	w->hosts[0].rng.state ^= 0x5eed; /* but not the host */
	sim_path_start(w, &seeds);
}

static void start_deep(struct sim_deep *s)
{
	const struct sim_config *c = s->world.config;
	const struct nat_profile *p = s->world.profile;
	struct deep_config dc = {
		.local = s->world.hosts[0].addr,
		.servers = { sim_endpoint(c, 0, 0) },
		.server_count = 1,
		.random = fill_random,
		.random_arg = &s->world.hosts[0].rng,
		.longest_s = s->config->longest_s,
		.mappings = s->config->mappings,
		.can_fragment = !s->config->has_no_raw_sockets,
		.sees_icmp = !s->config->hides_icmp,
		.nat64_asked = !s->config->dns_is_silent,
		.turn = s->config->turn_us > 0 ? DEEP_TURN_NONE : DEEP_TURN_ALL,
	};

	if (dc.nat64_asked) {
		dc.nat64_prefix = p->dns_nat64;
		dc.nat64_prefix_len = p->dns_nat64_len;
	}

	if (!s->config->has_no_second)
		dc.second = s->world.hosts[1].addr;

	if (p->layer_count > 0)
		dc.gateway = nat_plan_gateway(p, p->layer_count - 1u);
	s->deep = deep_new(&dc, &s->result->verdict);
	if (s->deep == NULL)
		abort();
	s->is_awake = true;
	s->turn_due_us = s->config->turn_us > 0 ? SIM_START_US + s->config->turn_us : UINT64_MAX;
}

/* As somebody does who runs several: first it has to wait, then it counts, and waits again. */
static void give_turn(struct sim_deep *s)
{
	if (s->turn_due_us > s->world.now_us)
		return;
	s->counts = !s->counts;
	s->turn_due_us = UINT64_MAX;
	s->is_awake = true;
	if (!s->counts)
		s->result->out_of_turn = s->result->datagrams - s->counted_with;
	deep_take_turn(s->deep, s->counts ? DEEP_TURN_COUNT : DEEP_TURN_ALL);
}

static void end_turn(struct sim_deep *s)
{
	if (!s->counts || s->turn_due_us != UINT64_MAX || deep_is_to_count(s->deep))
		return;
	s->turn_due_us = s->world.now_us + s->config->turn_us;
	s->counted_with = s->result->datagrams;
}

static void happen(struct sim_deep *s, const struct sim_event *e)
{
	struct sim_world *w = &s->world;
	struct bytes packet = sim_queue_packet(&w->queue, e);

	switch (e->kind) {
	case SIM_AT_BOX:
		sim_path_at_box(w, e, packet);
		break;
	case SIM_AT_HOST:
		sim_trace_packet(w, "at host", e->who, packet);
		sim_deep_host_on_packet(s, packet);
		break;
	case SIM_AT_SERVERS:
		sim_trace_packet(w, "at servers", 0, packet);
		sim_path_at_servers(w, packet);
		break;
	case SIM_TICK:
		sim_path_tick(w, e);
		break;
	default:
		break;
	}
	sim_queue_drop(&w->queue, e);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the host does something by itself; it sleeps for a while where that is asked for. */
static uint64_t host_due_us(const struct sim_deep *s)
{
	uint64_t from_us = SIM_START_US + SLEEPS_AFTER_US;
	uint64_t until_us = from_us + s->config->sleeps_for_us;

	if (s->deadline_us > from_us && s->deadline_us < until_us)
		return until_us;
	return s->deadline_us;
}

/* Moves the clock to what happens first; false where nothing does any more. */
static bool step(struct sim_deep *s)
{
	struct sim_world *w = &s->world;
	uint64_t stop_us = s->config->stops_at_us;
	uint64_t due_us = sooner(host_due_us(s), sim_deep_server_deadline_us(s));
	uint64_t tcp_us = sim_deep_tcp_deadline_us(s);
	struct sim_event e;

	if (s->result->ended)
		return false;
	due_us = sooner(sooner(due_us, s->turn_due_us), tcp_us);
	due_us = sooner(due_us, stop_us > w->now_us ? stop_us : UINT64_MAX);
	if (sooner(due_us, sim_queue_due_us(&w->queue)) == UINT64_MAX)
		return false;
	if (sim_queue_due_us(&w->queue) <= due_us) {
		(void)sim_queue_take(&w->queue, &e);
		w->now_us = e.at_us > w->now_us ? e.at_us : w->now_us;
		happen(s, &e);
		return true;
	}
	w->now_us = due_us > w->now_us ? due_us : w->now_us;
	if (due_us == stop_us) {
		deep_stop(s->deep, w->now_us);
		s->is_awake = true;
	}
	sim_deep_tcp_run(s);
	sim_deep_server_run(s);
	return true;
}

static unsigned most_within(const struct sim_deep *s, uint64_t span_us)
{
	unsigned sends = s->result->datagrams;
	unsigned most = 0;

	if (sends > SIM_DEEP_SENDS_MAX)
		sends = SIM_DEEP_SENDS_MAX;
	for (unsigned first = 0, end = 0; first < sends; first++) {
		while (end < sends && s->sends_us[end] <= s->sends_us[first] + span_us)
			end++;
		if (end - first > most)
			most = end - first;
	}
	return most;
}

static void finish(struct sim_deep *s)
{
	struct sim_deep_result *r = s->result;

	r->elapsed_us = s->world.now_us - SIM_START_US;
	r->first_us = s->sends_us[0] - SIM_START_US;
	r->burst = most_within(s, 10000);
	r->open_at_end = s->open + s->open_tcp;
	deep_progress(s->deep, s->world.now_us, &r->progress);
	r->progress.waits_for = "";
	deep_free(s->deep);
	sim_deep_server_end(s);
	sim_path_end(&s->world);
}

void sim_deep_run(const struct sim_deep_config *config, struct sim_deep_result *result)
{
	struct sim_result found[SIM_INTERFACES_MAX];
	struct sim_deep *s = &sim;

	*result = (struct sim_deep_result){ 0 };
	(void)sim_run(&config->net, found);
	result->verdict = found[0].verdict;
	result->discovery_us = found[0].elapsed_us;
	memset(s, 0, sizeof(*s));
	s->config = config;
	s->result = result;
	start_world(s, &config->net);
	sim_deep_server_start(s);
	start_deep(s);
	do {
		give_turn(s);
		if (s->is_awake || host_due_us(s) <= s->world.now_us)
			sim_deep_host_run(s);
		end_turn(s);
	} while (step(s));
	finish(s);
}

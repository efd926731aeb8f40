#include "sim_pair.h"

#include <stdlib.h>

#include "sim_pair_parts.h"

#define SERVERS    4
#define LIMIT_US   120000000 /* of one trial; a hold comes on top */
#define A_CLOCK_US 3600000000ll
#define B_CLOCK_US 86400000000ll

static struct sim_pair_world world; /* too large for a stack */

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void start_world(struct sim_pair_world *w, const struct sim_pair_config *c)
{
	struct rng seeds = rng_seed(c->seed ^ 0x9a1f);

	w->config = c;
	w->now_us = SIM_START_US;
	w->rng = rng_seed(rng_next(&seeds));
	w->net_count = c->same_nat ? 1 : 2;
	memset(w->messages, 0, sizeof(w->messages));
	sim_queue_reset(&w->queue);
	sim_pair_log_reset();
	for (unsigned i = 0; i < w->net_count; i++)
		sim_pair_place(c, i, &w->nets[i].profile);
	for (uint8_t i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *h = &w->hosts[i];
		struct sim_pair_net *net = &w->nets[c->same_nat ? 0 : i];
		unsigned layers = net->profile.layer_count;

		memset(h, 0, offsetof(struct sim_pair_host, tcp));
		h->world = w;
		h->who = i;
		h->net = net;
		h->addr = nat_plan_host(&net->profile, c->same_nat ? i : 0);
		h->gateway = nat_plan_gateway(&net->profile, layers > 0 ? layers - 1 : 0);
		h->rng = rng_seed(rng_next(&seeds));
		h->clock_us = i == 0 ? A_CLOCK_US : B_CLOCK_US;
		sim_pair_tcp_start(&h->tcp, w, i);
	}
	sim_pair_tcp_start(&w->servers, w, SIM_PAIR_SERVERS);
	sim_pair_path_start(w);
}

/* STUN servers, as names resolve: of both families and both addresses. */
static size_t list_servers(struct addr out[SERVERS])
{
	for (unsigned i = 0; i < SERVERS; i++)
		out[i] = sim_pair_server(i < 2 ? ADDR_IPV4 : ADDR_IPV6, 2 * (i % 2));
	return SERVERS;
}

static void tell_clock(struct sim_pair_host *h)
{
	const struct sim_pair_config *c = h->world->config;
	const struct sim_pair_host *other = &h->world->hosts[1 - h->who];
	int64_t skew_us = h->who == 0 ? c->start_skew_us : -c->start_skew_us;
	uint32_t delay_us = c->carrier_delay_us != 0 ? c->carrier_delay_us : SIM_PAIR_CARRIER_US;
	uint64_t wrong_us = (uint64_t)(skew_us < 0 ? -skew_us : skew_us);
	struct punch_clock clock = { .offset_us = other->clock_us - h->clock_us + skew_us,
				     .error_us = c->clock_error_us,
				     .round_trip_us = 2ull * delay_us };

	if (clock.error_us < wrong_us)
		clock.error_us = wrong_us;
	if (c->carrier_loss_per_mille > 0)
		clock.round_trip_us += 1000000;
	h->world->driver->set_clock(h->end, &clock);
}

static void start_trial(struct sim_pair_world *w, uint32_t trial,
			const struct peer_profile *profiles[2])
{
	const struct sim_pair_config *c = w->config;
	uint8_t key[PUNCH_KEY_LEN];

	rng_fill(&w->rng, key, sizeof(key));
	for (unsigned i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *h = &w->hosts[i];
		struct addr servers[SERVERS];
		struct punch_config pc = { .is_a = i == 0,
					   .ours = profiles[i],
					   .theirs = profiles[1 - i],
					   .trial = trial,
					   .servers = servers,
					   .server_count = list_servers(servers),
					   .has_relay = c->has_relay,
					   .local_port = c->local_ports[i],
					   .plan = { .only = c->only,
						     .start_error_us = (uint32_t)c->clock_error_us,
						     .has_relay = c->has_relay },
					   .random = fill_random,
					   .random_arg = &h->rng };

		memcpy(pc.key, key, sizeof(key));
		h->end = w->driver->make(&pc);
		if (h->end == NULL)
			abort();
		h->is_awake = true;
		h->is_finished = false;
		h->has_port_mapping = false;
		h->calls = 0;
		tell_clock(h);
	}
}

static void on_message(struct sim_pair_world *w, struct sim_pair_message *m)
{
	struct sim_pair_host *h = &w->hosts[m->to];

	m->used = false;
	if (w->config->trace != NULL)
		fprintf(w->config->trace, "%11.3f ms  %c is told %zu bytes\n",
			(double)(w->now_us - SIM_START_US) / 1000, m->to == 0 ? 'A' : 'B', m->len);
	if (h->is_finished)
		return;
	h->is_awake = true;
	h->world->driver->on_told(h->end, bytes_of(m->data, m->len), sim_pair_clock(h));
}

static void happen(struct sim_pair_world *w, const struct sim_event *e)
{
	struct bytes packet = sim_queue_packet(&w->queue, e);
	struct sim_pair_host *h = &w->hosts[e->who / 1024 % 2];

	switch (e->kind) {
	case SIM_PAIR_AT_BOX:
		sim_pair_at_box(w, e, packet);
		break;
	case SIM_PAIR_AT_HOST:
		sim_pair_trace(w, "at host", e->who, packet);
		sim_pair_host_on_packet(&w->hosts[e->who], packet);
		break;
	case SIM_PAIR_AT_CORE:
		sim_pair_at_core(w, packet);
		break;
	case SIM_PAIR_AT_SERVERS:
		sim_pair_server_on_packet(w, packet);
		break;
	case SIM_PAIR_TICK:
		sim_pair_tick(w, e);
		break;
	case SIM_PAIR_MESSAGE:
		on_message(w, &w->messages[e->who]);
		break;
	case SIM_PAIR_TO_RELAY:
		sim_pair_from_core(w, packet);
		break;
	case SIM_PAIR_FROM_RELAY:
		sim_pair_host_on_relayed(&w->hosts[e->who], packet);
		break;
	case SIM_PAIR_RELAY_OPEN:
		sim_pair_host_on_relay_open(h, e->who % 1024);
		break;
	default:
		sim_pair_gateway_on_timer(h, e->who % 1024);
		break;
	}
	sim_queue_drop(&w->queue, e);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void run_hosts(struct sim_pair_world *w)
{
	for (unsigned i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *h = &w->hosts[i];

		if (!h->is_finished && (h->is_awake || h->deadline_us <= w->now_us))
			sim_pair_host_run(h);
	}
}

/* Moves the clock to what happens first; false where nothing does any more. */
static bool step(struct sim_pair_world *w)
{
	uint64_t due_us = sim_pair_tcp_due_us(&w->servers);
	struct sim_event e;

	for (unsigned i = 0; i < ARRAY_LEN(w->hosts); i++) {
		const struct sim_pair_host *h = &w->hosts[i];

		due_us = sooner(due_us, sim_pair_tcp_due_us(&h->tcp));
		if (!h->is_finished)
			due_us = sooner(due_us, h->deadline_us);
	}
	if (sim_queue_due_us(&w->queue) <= due_us) {
		if (!sim_queue_take(&w->queue, &e))
			return false;
		w->now_us = e.at_us > w->now_us ? e.at_us : w->now_us;
		happen(w, &e);
		return true;
	}
	w->now_us = due_us > w->now_us ? due_us : w->now_us;
	for (unsigned i = 0; i < ARRAY_LEN(w->hosts); i++)
		sim_pair_tcp_run(&w->hosts[i].tcp);
	sim_pair_tcp_run(&w->servers);
	return true;
}

static bool is_over(const struct sim_pair_world *w)
{
	return w->hosts[0].is_finished && w->hosts[1].is_finished;
}

static void run_trial(struct sim_pair_world *w)
{
	uint64_t until_us = w->now_us + LIMIT_US;

	do {
		run_hosts(w);
	} while (!is_over(w) && w->now_us < until_us && step(w));
}

/* The moment that both agreed on, by the world's clock: each side tells how long it took since. */
static uint64_t start_of(const struct sim_pair_world *w, const struct sim_pair_side *side)
{
	return w->now_us > side->result.elapsed_us ? side->ended_us - side->result.elapsed_us : 0;
}

/* What the boxes of each side did while a step ran. */
static void note_truth(const struct sim_pair_world *w, struct sim_pair_side sides[2])
{
	const struct punch_plan *plan = &sides[0].result.plan;
	uint64_t from_us = start_of(w, &sides[0]);
	const struct sim_pair_event *events;
	size_t count;

	events = sim_pair_events(&count);
	for (size_t i = 0; i < count; i++) {
		const struct sim_pair_event *e = &events[i];

		for (uint8_t k = 0; k < plan->count && e->at_us >= from_us; k++) {
			uint64_t at_us = e->at_us - from_us;
			const struct punch_step *s = &plan->steps[k];

			if (!sim_pair_is_infrastructure(&e->remote) && at_us >= s->start_us &&
			    at_us < s->start_us + s->duration_us)
				sides[e->side].truth[k] |= e->truth;
		}
	}
}

static void close_path(struct sim_pair_host *h, struct sim_pair_side *side)
{
	const struct punch_path *path = &side->result.path;

	side->open_at_end = sim_pair_host_open(h);
	if (path->strategy != PUNCH_NONE && side->open_at_end > 0)
		side->open_at_end--;
	memset(h->slots, 0, sizeof(h->slots));
	sim_pair_tcp_start(&h->tcp, h->world, h->who);
}

static bool end_trial(struct sim_pair_world *w, struct sim_pair_side sides[2])
{
	bool over = is_over(w);

	for (unsigned i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *h = &w->hosts[i];

		if (over)
			w->driver->get_result(h->end, &sides[i].result);
		sides[i].ended_us = h->ended_us;
		sides[i].has_port_mapping = h->has_port_mapping;
		close_path(h, &sides[i]);
		w->driver->free(h->end);
	}
	if (over)
		note_truth(w, sides);
	return over;
}

bool sim_pair_drive(const struct sim_pair_config *config, const struct sim_pair_driver *driver,
		    struct sim_pair_side sides[2])
{
	const struct peer_profile *profiles[2] = { &sides[0].profile, &sides[1].profile };
	struct sim_pair_world *w = &world;
	uint32_t trials = config->trials > 0 ? config->trials : 1;
	bool fine = true;

	for (unsigned i = 0; i < 2; i++) {
		sides[i] = (struct sim_pair_side){ .profile = *config->known[i] };
		sides[i].profile.has_relay = config->has_relay;
	}
	w->driver = driver;
	start_world(w, config);
	for (uint32_t i = 0; i < trials && fine; i++) {
		sim_pair_log_reset();
		start_trial(w, i, profiles);
		run_trial(w);
		fine = end_trial(w, sides);
	}
	sim_pair_path_end(w);
	return fine;
}

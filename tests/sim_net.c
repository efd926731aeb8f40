#include "sim_parts.h"

#include <stdlib.h>

static struct sim_world world; /* too large for a stack */

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

struct rng sim_seeds(const struct sim_config *c)
{
	uint64_t hash = c->seed;

	for (const char *p = c->profile->id; *p != '\0'; p++) {
		struct rng mix = rng_seed(hash ^ (uint8_t)*p);

		hash = rng_next(&mix);
	}
	return rng_seed(hash);
}

static void start(struct sim_world *w, const struct sim_config *c, struct sim_result *results)
{
	struct rng seeds = sim_seeds(c);

	w->config = c;
	w->profile = c->profile;
	w->server_count = c->no_servers ? 0 : c->server_count;
	if (w->server_count == 0 && !c->no_servers)
		w->server_count = 1;
	w->now_us = SIM_START_US;
	w->rng = rng_seed(rng_next(&seeds));
	w->host_count = c->profile->two_nics ? 2 : 1;
	w->turn_due_us = UINT64_MAX;
	memset(w->tcp, 0, sizeof(w->tcp));
	sim_queue_reset(&w->queue);
	for (size_t i = 0; i < w->host_count; i++) {
		results[i] = (struct sim_result){ 0 };
		w->hosts[i] = (struct sim_host){ .nic = (uint16_t)i,
						 .rng = rng_seed(rng_next(&seeds)),
						 .addr = nat_plan_host(c->profile, (unsigned)i),
						 .has_floor = true,
						 .result = &results[i] };
	}
	sim_path_start(w, &seeds);
	if (c->flush_at_us != 0)
		sim_put(w, SIM_FLUSH, 0, c->flush_at_us, (struct bytes){ 0 });
	if (c->address_changes_at_us != 0)
		sim_put(w, SIM_NEW_ADDRESS, 0, c->address_changes_at_us, (struct bytes){ 0 });
}

static void start_hosts(struct sim_world *w)
{
	const struct sim_config *c = w->config;
	const struct nat_profile *p = w->profile;
	struct discover_server servers[SIM_SERVERS_MAX];
	struct discover_config dc = { .servers = servers,
				      .server_count = w->server_count,
				      .random = fill_random,
				      .timing = c->timing,
				      .confidence = c->confidence,
				      .local_port = c->local_port,
				      .sees_own_source = !c->hides_own_source };

	if (p->layer_count > 0)
		dc.gateway = nat_plan_gateway(p, p->layer_count - 1u);
	for (size_t i = 0; i < w->server_count; i++)
		servers[i] = (struct discover_server){ sim_endpoint(c, i, 0), "server" };
	if (c->tells_alternate && dc.server_count < SIM_SERVERS_MAX)
		servers[dc.server_count++] =
			(struct discover_server){ sim_endpoint(c, 0, 2), "alternate" };
	for (size_t i = 0; i < w->host_count; i++)
		sim_host_start(w, &w->hosts[i], &dc);
}

/* Several discoveries behind one NAT take turns where they make mappings. */
static void start_floor(struct sim_world *w)
{
	w->floor = NULL;
	if (w->host_count < 2)
		return;
	w->floor = floor_new(w->host_count);
	if (w->floor == NULL)
		abort();
	for (size_t i = 0; i < w->host_count; i++) {
		(void)floor_add(w->floor, w->profile->family);
		sim_host_take_floor(&w->hosts[i], false);
	}
}

/* True where somebody got the floor by this. */
static bool ask_for_floor(struct sim_world *w, size_t i)
{
	struct sim_host *h = &w->hosts[i];
	bool wants = sim_host_wants_floor(h);
	bool had = floor_has(w->floor, i);
	size_t next = floor_want(w->floor, i, wants);

	if (had && !wants)
		sim_host_take_floor(h, false);
	if (next == FLOOR_NOBODY)
		return false;
	sim_host_take_floor(&w->hosts[next], true);
	w->hosts[next].is_awake = true;
	return true;
}

/* After each step: true where somebody got the floor, and may go on. */
static bool pass_floor(struct sim_world *w)
{
	bool passed = false;

	for (size_t i = 0; w->floor != NULL && i < w->host_count; i++) {
		passed = ask_for_floor(w, i) || passed;
		passed =
			ask_for_floor(w, i) || passed; /* who lets others go first wants it again */
	}
	return passed;
}

static void happen(struct sim_world *w, const struct sim_event *e)
{
	struct bytes packet = sim_queue_packet(&w->queue, e);

	switch (e->kind) {
	case SIM_AT_BOX:
		sim_path_at_box(w, e, packet);
		break;
	case SIM_AT_HOST:
		sim_trace_packet(w, "at host", e->who, packet);
		sim_host_on_packet(&w->hosts[e->who], packet);
		break;
	case SIM_AT_SERVERS:
		sim_trace_packet(w, "at servers", 0, packet);
		sim_path_at_servers(w, packet);
		break;
	case SIM_REPLY:
		sim_path_from_servers(w, packet);
		break;
	case SIM_TCP_TIMER:
		sim_tcp_timer(w, e);
		break;
	case SIM_TICK:
		sim_path_tick(w, e);
		break;
	case SIM_NEW_ADDRESS:
		sim_path_new_address(w);
		break;
	case SIM_TURN_TIMER:
		sim_turn_on_time(w, e);
		break;
	case SIM_TO_TURN:
		sim_turn_on_frame(w, (uint8_t)e->who, packet);
		break;
	case SIM_FROM_TURN:
		sim_vantage_on_frame(&w->hosts[e->who / VANTAGE_ENDS],
				     (uint8_t)(e->who % VANTAGE_ENDS), packet);
		break;
	default:
		sim_path_flush(w);
		break;
	}
	sim_queue_drop(&w->queue, e);
}

/* Lets those go on to whom something happened, or whose time has come. */
static void run_hosts(struct sim_world *w)
{
	for (size_t i = 0; i < w->host_count; i++) {
		struct sim_host *h = &w->hosts[i];

		if (!h->result->ended && (h->is_awake || h->deadline_us <= w->now_us))
			sim_host_run(h);
	}
}

/* Moves the clock to what happens first; false where nothing does any more. */
static bool step(struct sim_world *w)
{
	uint64_t deadline_us = UINT64_MAX;
	struct sim_event e;

	for (size_t i = 0; i < w->host_count; i++) {
		if (w->hosts[i].deadline_us < deadline_us)
			deadline_us = w->hosts[i].deadline_us;
	}
	if (deadline_us == UINT64_MAX)
		return false;
	if (sim_queue_due_us(&w->queue) > deadline_us) {
		w->now_us = deadline_us > w->now_us ? deadline_us : w->now_us;
		return true;
	}
	(void)sim_queue_take(&w->queue, &e);
	w->now_us = e.at_us > w->now_us ? e.at_us : w->now_us;
	happen(w, &e);
	return true;
}

static unsigned most_within(const struct sim_host *h, uint64_t span_us)
{
	unsigned sends =
		h->result->datagrams < SIM_SENDS_MAX ? h->result->datagrams : SIM_SENDS_MAX;
	unsigned most = 0;

	for (unsigned first = 0, end = 0; first < sends; first++) {
		while (end < sends && h->sends_us[end] <= h->sends_us[first] + span_us)
			end++;
		if (end - first > most)
			most = end - first;
	}
	return most;
}

static void finish(struct sim_world *w)
{
	for (size_t i = 0; i < w->host_count; i++) {
		struct sim_host *h = &w->hosts[i];

		h->result->burst = most_within(h, 10000);
		h->result->per_second = most_within(h, 1000000);
		discover_free(h->discover);
	}
	floor_free(w->floor);
	sim_path_end(w);
}

size_t sim_run(const struct sim_config *config, struct sim_result results[SIM_INTERFACES_MAX])
{
	struct sim_world *w = &world;

	start(w, config, results);
	start_hosts(w);
	start_floor(w);
	do {
		do {
			run_hosts(w);
		} while (pass_floor(w));
	} while (step(w));
	finish(w);
	return w->host_count;
}

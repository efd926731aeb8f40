#include "natprobe/planning/punch_plan_side.h"
#include "punch_state.h"

#define PATIENCE_US     (1000 * PU_MS) /* for servers; twice their round trip more */
#define PORTMAP_US      (2000 * PU_MS)
#define MAPPED_US       (1000 * PU_MS) /* for the gateway, before the same socket asks a server */
#define RELAY_US        (2500 * PU_MS)
#define TCP_US          (2000 * PU_MS) /* and a round trip */
#define TCP_MOST_US     (4600 * PU_MS) /* the other side does without our offer after 5 s */
#define TCP_SAMPLE_US   (1000 * PU_MS) /* and nine round trips: three attempts */
#define SAMPLE_US       (400 * PU_MS)
#define SAMPLING_US     (900 * PU_MS)
#define REFRESH_US      (10000 * PU_MS)
#define REFRESH_LEAST_S 6

static bool has_nat64(const struct peer_path *path)
{
	return path->nat64_prefix_len != 0;
}

/* Can anything of theirs be reached from this path? */
static bool is_usable(const struct punch *p, const struct peer_path *mine)
{
	for (uint8_t i = 0; i < p->theirs.path_count; i++) {
		const struct peer_path *theirs = &p->theirs.paths[i];

		if (mine->family == theirs->family || has_nat64(mine) || has_nat64(theirs))
			return true;
	}
	return false;
}

static bool may_be_one_network(const struct punch *p, const struct peer_path *mine)
{
	for (uint8_t i = 0; i < p->theirs.path_count; i++) {
		const struct peer_path *theirs = &p->theirs.paths[i];

		if (mine->family == theirs->family &&
		    (peer_may_be_ours(mine, theirs) || peer_may_be_ours(theirs, mine)))
			return true;
	}
	return false;
}

/* Bits of the strategies in which our path has a part. */
static uint32_t needed(const struct punch *p, uint8_t path)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; i < p->needs.count; i++) {
		if (pu_part(p, &p->needs.steps[i])->path == path)
			bits |= PUNCH_BIT(p->needs.steps[i].strategy);
	}
	return bits;
}

static bool needs_relay(const struct punch *p)
{
	for (uint8_t i = 0; i < p->needs.count; i++) {
		if (p->needs.steps[i].strategy == PUNCH_RELAY)
			return true;
	}
	return false;
}

/* Is it worth while to look which ports it gives now? */
static bool wants_samples(const struct punch *p, uint8_t path)
{
	const struct peer_path *mine = &p->ours.paths[path];
	bool counts = mine->delta == DELTA_INDEPENDENT || mine->delta == DELTA_DEPENDENT ||
		      mine->per_destination != 0;

	return counts && mine->mapping != BEHAVIOUR_ENDPOINT_INDEPENDENT &&
	       mine->mapping != BEHAVIOUR_NONE &&
	       (needed(p, path) & (PUNCH_BIT(PUNCH_PREDICTION) | PUNCH_BIT(PUNCH_MIXED))) != 0;
}

static void want(struct punch *p, uint16_t slot, uint8_t path)
{
	pu_slot_want(p, slot, path, pu_port_of(p, slot, path));
}

/* Those beside the first set's. */
static void begin_others(struct punch *p, uint8_t path)
{
	for (uint8_t set = 1; set < PEER_SETS; set++)
		want(p, pu_set_slot(p, path, set), path);
	if (p->ports[path].has_host)
		want(p, pu_local_slot(p, path), path);
	if (p->ports[path].has_map)
		want(p, pu_portmap_slot(p, path), path);
}

static void begin_path(struct punch *p, uint8_t path)
{
	const struct peer_path *mine = &p->ours.paths[path];

	p->sampling[path] = (struct pu_sampling){ .slot = PU_NO_SLOT };
	if (!is_usable(p, mine))
		return;
	p->ports[path] = (struct pu_port){
		.has_host = !p->config.keeps_port && may_be_one_network(p, mine),
		.has_map = mine->portmap == VERDICT_YES && mine->udp_blocked != VERDICT_YES &&
			   (needed(p, path) & PUNCH_BIT(PUNCH_PORT_MAPPING)) != 0,
	};
	pu_port_choose(p, path);
	if (mine->udp_blocked == VERDICT_YES) {
		if (p->ports[path].has_host)
			want(p, pu_local_slot(p, path), path);
		return;
	}
	want(p, pu_set_slot(p, path, 0), path);
	if (p->config.keeps_port)
		return;
	begin_others(p, path);
	p->sampling[path].is_wanted = wants_samples(p, path);
}

static uint32_t longest_us(const struct punch *p)
{
	uint32_t rtt_us = 0;

	for (uint8_t i = 0; i < p->ours.path_count; i++) {
		if (p->ours.paths[i].rtt_us > rtt_us)
			rtt_us = p->ours.paths[i].rtt_us;
	}
	return rtt_us;
}

/* Of the longest way: a SYN that is lost takes a second before the next one leaves. */
static uint64_t tcp_until_us(const struct punch *p)
{
	return p->began_us + TCP_US + longest_us(p);
}

/* A port of which nobody told is of no use: TCP sends again what is lost after three round trips. */
static uint64_t tcp_end_us(const struct punch *p)
{
	uint64_t end_us = tcp_until_us(p) + 5 * (uint64_t)longest_us(p);

	return end_us < p->began_us + TCP_MOST_US ? end_us : p->began_us + TCP_MOST_US;
}

static bool is_tcp_settled(const struct punch *p, uint64_t *deadline_us)
{
	uint64_t at_us = tcp_until_us(p);

	if (p->tcp_gather == NULL || tcp_gather_is_done(p->tcp_gather, p->now_us))
		return true;
	if (p->now_us >= at_us && tcp_gather_has_all(p->tcp_gather))
		return true;
	if (p->now_us >= at_us)
		at_us = tcp_end_us(p);
	pu_by(deadline_us, at_us);
	return p->now_us >= at_us;
}

/* Its next port over TCP is known if the last one is, and nothing comes between. */
static bool wants_tcp_sample(const struct punch *p, uint8_t path)
{
	struct peer_path view = plan_tcp_view(&p->ours.paths[path]);
	uint32_t tcp = PUNCH_BIT(PUNCH_TCP) | PUNCH_BIT(PUNCH_TCP_LOW_TTL);

	return plan_ports_follow_local(&view) && !plan_is_open(&view) &&
	       !p->sampling[path].is_wanted && (needed(p, path) & tcp) != 0;
}

static uint8_t tcp_samples(const struct punch *p)
{
	uint8_t bits = 0;

	for (uint8_t i = 0; i < p->ours.path_count; i++)
		bits = (uint8_t)(bits | wants_tcp_sample(p, i) << i);
	return bits;
}

static void begin_tcp(struct punch *p)
{
	struct tcp_gather_config config = {
		.ours = &p->ours,
		.servers = p->servers,
		.server_count = p->config.server_count,
		.local_port = p->config.local_port,
		.sets = PEER_SETS,
		.samples = tcp_samples(p),
		.slot_count = PU_TCP_GATHER,
		.deadline_us = tcp_end_us(p),
		.random = p->config.random,
		.random_arg = p->config.random_arg,
	};

	for (uint8_t i = 0; i < p->needs.count && p->tcp_gather == NULL; i++) {
		if (p->needs.steps[i].is_tcp)
			p->tcp_gather = tcp_gather_new(&config);
	}
}

void pu_gather_begin(struct punch *p)
{
	struct punch_plan_options o = p->options;

	o.has_relay = p->config.has_relay || p->theirs.has_relay;
	punch_plan_make(p->config.is_a ? &p->ours : &p->theirs,
			p->config.is_a ? &p->theirs : &p->ours, &o, &p->needs);
	if (punch_plan_is_hopeless(&p->needs)) {
		p->result.plan = p->needs;
		p->tells_bye = true;
		pu_end_now(p, p->needs.reason, p->needs.side);
		return;
	}
	for (uint8_t i = 0; i < p->ours.path_count; i++)
		begin_path(p, i);
	if (p->config.has_relay && needs_relay(p)) {
		pu_slot_want(p, PU_SLOT_RELAY, 0, 0);
		p->is_relay_pending = true;
	}
	begin_tcp(p);
}

static bool has_map(const struct punch *p, uint16_t slot)
{
	uint8_t path = p->slots[slot].path;

	return slot < PU_SLOT_RELAY && p->ports[path].has_map && slot == pu_portmap_slot(p, path);
}

static void ask_who(struct punch *p, uint16_t slot)
{
	struct pu_slot *s = &p->slots[slot];
	uint64_t patience_us = PATIENCE_US + 2 * (uint64_t)p->ours.paths[s->path].rtt_us;

	if (slot >= PU_SLOT_LOCAL || s->is_asked)
		return;
	s->is_asked = true;
	(void)pu_ask(p, PU_ASK_GATHER, slot, ADDR_IPV4, patience_us);
	(void)pu_ask(p, PU_ASK_GATHER, slot, ADDR_IPV6, patience_us);
}

void pu_gather_on_open(struct punch *p, uint16_t slot)
{
	struct pu_slot *s = &p->slots[slot];
	const struct peer_path *mine = &p->ours.paths[s->path];
	uint8_t sampled = has_nat64(mine) ? ADDR_IPV4 : mine->family;

	if (p->phase != PU_GATHER || !pu_slot_is_open(p, slot))
		return;
	/* A server that is asked later sees the port that the gateway opened, where it keeps it. */
	if (has_map(p, slot)) {
		p->portmaps_pending++;
	} else if (slot < PU_SLOT_LOCAL) {
		ask_who(p, slot);
	} else if (slot == p->sampling[s->path].slot) {
		p->sampling[s->path].sent_us = p->now_us;
		(void)pu_ask(p, PU_ASK_SAMPLE, slot, sampled, SAMPLE_US + 2 * mine->rtt_us);
	}
}

bool pu_gather_next(struct punch *p, struct punch_action *action)
{
	if (p->phase != PU_GATHER || p->portmaps_pending == 0)
		return false;
	for (uint8_t i = 0; i < p->ours.path_count; i++) {
		uint16_t slot = pu_portmap_slot(p, i);
		struct pu_slot *s = &p->slots[slot];

		if (!p->ports[i].has_map || s->state != PU_OPEN || s->is_mapped_asked)
			continue;
		s->is_mapped_asked = true;
		*action = (struct punch_action){ .kind = PUNCH_MAP, .slot = slot, .path = i };
		return true;
	}
	return false;
}

void pu_gather_on_open_failed(struct punch *p, uint16_t slot)
{
	if (p->phase == PU_GATHER && pu_port_lost(p, slot))
		begin_others(p, p->slots[slot].path);
}

void pu_gather_on_portmap(struct punch *p, uint16_t slot, const struct addr *external)
{
	if (slot >= PU_SLOT_RELAY || !p->slots[slot].is_mapped_asked || !has_map(p, slot))
		return;
	p->portmaps[p->slots[slot].path] = *external;
	if (p->portmaps_pending > 0)
		p->portmaps_pending--;
	if (p->phase == PU_GATHER)
		ask_who(p, slot);
}

/* A gateway that takes its time is not waited for. */
static void ask_unmapped(struct punch *p, uint64_t *deadline_us)
{
	for (uint8_t i = 0; i < p->ours.path_count; i++) {
		uint16_t slot = pu_portmap_slot(p, i);

		if (slot >= PU_SLOT_LOCAL || p->slots[slot].is_asked || !p->ports[i].has_map)
			continue;
		if (p->now_us < p->began_us + MAPPED_US)
			pu_by(deadline_us, p->began_us + MAPPED_US);
		else if (pu_slot_is_open(p, slot))
			ask_who(p, slot);
	}
}

static void take_sample(struct punch *p, uint8_t path, const struct addr *mapped)
{
	struct pu_sampling *s = &p->sampling[path];
	uint8_t *count = &p->our_offer.sample_counts[path];

	if (*count < PEER_SAMPLES_MAX)
		p->our_offer.samples[path][(*count)++] = (struct peer_sample){
			.local_port = p->slots[s->slot].local.port,
			.external_port = mapped->port,
			/* When it was, for now; pu_gather_offer makes of it how long ago. */
			.ago_us = (uint32_t)(s->sent_us - p->began_us),
		};
	s->slot = PU_NO_SLOT;
}

/* Their last offer is of no use any more where a mapping of ours is another one now. */
static void renew(struct punch *p, const struct pu_slot *s, const struct addr *mapped)
{
	for (uint8_t i = 0; i < p->our_offer.endpoint_count; i++) {
		struct peer_endpoint *e = &p->our_offer.endpoints[i];

		if (e->kind != PEER_MAPPED || e->is_tcp || e->path != s->path ||
		    e->local_port != s->local.port || e->addr.family != mapped->family ||
		    addr_equal(&e->addr, mapped))
			continue;
		e->addr = *mapped;
		p->tells_offer = !p->has_start;
	}
}

void pu_gather_on_mapped(struct punch *p, const struct pu_ask *ask, const struct addr *mapped)
{
	struct pu_slot *s = &p->slots[ask->slot];

	s->mapped[mapped->family - 1] = *mapped;
	if (ask->kind == PU_ASK_SAMPLE && p->sampling[s->path].slot == ask->slot)
		take_sample(p, s->path, mapped);
	if (ask->kind == PU_ASK_REFRESH && p->phase == PU_WAIT)
		renew(p, s, mapped);
}

/* All of it is there, or will not be. */
static bool is_settled(struct punch *p, uint64_t *deadline_us)
{
	bool is_waiting = pu_asks_open(p, PU_ASK_GATHER);

	for (uint16_t i = 0; i < PU_SLOT_RELAY; i++) {
		if (p->slots[i].state == PU_WANTED || p->slots[i].state == PU_OPENING)
			is_waiting = true;
	}
	if (p->portmaps_pending > 0 && p->now_us < p->began_us + PORTMAP_US) {
		pu_by(deadline_us, p->began_us + PORTMAP_US);
		is_waiting = true;
	}
	if (p->is_relay_pending && p->now_us < p->began_us + RELAY_US) {
		pu_by(deadline_us, p->began_us + RELAY_US);
		is_waiting = true;
	}
	return is_tcp_settled(p, deadline_us) && !is_waiting;
}

static bool is_asking(const struct punch *p, uint16_t slot)
{
	for (size_t i = 0; i < PU_ASKS_MAX; i++) {
		if (p->asks[i].kind == PU_ASK_SAMPLE && p->asks[i].slot == slot)
			return true;
	}
	return false;
}

/* One socket after the other, so that their order is known. Returns true once it is over. */
static bool sample(struct punch *p, uint8_t path)
{
	struct pu_sampling *s = &p->sampling[path];

	if (!s->is_wanted || s->is_over)
		return true;
	if (s->slot != PU_NO_SLOT) {
		uint8_t state = p->slots[s->slot].state;

		if (state == PU_WANTED || state == PU_OPENING ||
		    (state == PU_OPEN && is_asking(p, s->slot)))
			return false;
	}
	s->slot = pu_slot_fresh(p);
	s->is_over = s->slot == PU_NO_SLOT || s->asked == PEER_SAMPLES_MAX ||
		     p->now_us >= p->sampling_us + SAMPLING_US;
	if (s->is_over)
		return true;
	s->asked++;
	pu_slot_want(p, s->slot, path, 0);
	return false;
}

static void begin_samples(struct punch *p)
{
	uint64_t until_us = p->now_us + TCP_SAMPLE_US + 9 * (uint64_t)longest_us(p);

	pu_by(&until_us, p->began_us + TCP_MOST_US);
	p->is_sampling = true;
	p->sampling_us = p->now_us;
	if (p->tcp_gather != NULL)
		tcp_gather_sample(p->tcp_gather, until_us);
}

void pu_gather_tick(struct punch *p, uint64_t *deadline_us)
{
	bool is_over = true;

	if (!p->is_sampling) {
		ask_unmapped(p, deadline_us);
		if (!is_settled(p, deadline_us))
			return;
		begin_samples(p);
	}
	for (uint8_t i = 0; i < p->ours.path_count; i++)
		is_over = sample(p, i) && is_over;
	if (p->tcp_gather != NULL && !tcp_gather_is_done(p->tcp_gather, p->now_us))
		is_over = false;
	if (!is_over)
		return;
	pu_gather_offer(p);
	pu_enter(p, PU_WAIT);
}

static void add(struct peer_offer *o, const struct peer_endpoint *e)
{
	if (o->endpoint_count < PEER_ENDPOINTS_MAX && e->addr.family != ADDR_NONE &&
	    e->addr.port != 0)
		o->endpoints[o->endpoint_count++] = *e;
}

/* What a server would say, where none did: by what the diagnosis knew. */
static struct addr guess(const struct peer_path *mine, const struct addr *local)
{
	const struct addr *external = &mine->externals[0];

	if (mine->external_count == 0)
		return mine->mapping == BEHAVIOUR_NONE ? *local : (struct addr){ 0 };
	if (addr_equal_ip(external, local))
		return *local;
	if (mine->delta == DELTA_EQUAL)
		return addr_with_port(external, local->port);
	if (mine->delta == DELTA_PRESERVING)
		return addr_with_port(external, (uint16_t)(local->port + mine->delta_value));
	return (struct addr){ 0 };
}

static void offer_set(struct punch *p, uint8_t path, uint8_t set)
{
	uint16_t slot = pu_set_slot(p, path, set);
	const struct pu_slot *s = &p->slots[slot];
	struct peer_endpoint e = {
		.kind = PEER_MAPPED, .path = path, .set = set, .local_port = s->local.port
	};

	if (s->state != PU_OPEN)
		return;
	for (int i = 0; i < 2; i++) {
		e.addr = s->mapped[i];
		add(&p->our_offer, &e);
	}
	if (s->mapped[0].family != ADDR_NONE || s->mapped[1].family != ADDR_NONE)
		return;
	e.addr = guess(&p->ours.paths[path], &s->local);
	add(&p->our_offer, &e);
}

static void offer_path(struct punch *p, uint8_t path)
{
	const struct pu_slot *local = &p->slots[pu_local_slot(p, path)];
	const struct pu_slot *portmap = &p->slots[pu_portmap_slot(p, path)];
	struct peer_endpoint e = { .kind = PEER_HOST, .path = path };

	for (uint8_t set = 0; set < PEER_SETS; set++)
		offer_set(p, path, set);
	if (p->ports[path].has_host && local->state == PU_OPEN) {
		e.addr = local->local;
		e.local_port = local->local.port;
		add(&p->our_offer, &e);
	}
	if (p->ports[path].has_map && portmap->state == PU_OPEN) {
		e.kind = PEER_PORTMAP;
		e.addr = p->portmaps[path];
		e.local_port = portmap->local.port;
		add(&p->our_offer, &e);
	}
}

void pu_gather_offer(struct punch *p)
{
	const struct pu_slot *relay = &p->slots[PU_SLOT_RELAY];
	struct peer_offer *o = &p->our_offer;

	o->trial = p->config.trial;
	for (uint8_t i = 0; i < p->ours.path_count; i++)
		offer_path(p, i);
	if (relay->state == PU_OPEN)
		add(o, &(struct peer_endpoint){ .kind = PEER_RELAYED, .addr = relay->local });
	for (int i = 0; i < PEER_PATHS_MAX; i++) {
		for (uint8_t k = 0; k < o->sample_counts[i]; k++)
			o->samples[i][k].ago_us =
				(uint32_t)(p->now_us - p->began_us) - o->samples[i][k].ago_us;
	}
	if (p->tcp_gather != NULL)
		tcp_gather_add(p->tcp_gather, o, p->now_us);
	for (uint16_t i = PU_SLOT_FRESH; i < PUNCH_SLOTS_MAX; i++)
		pu_slot_leave(p, i);
	pu_asks_end(p);
	p->our_offer_us = p->now_us;
	p->refresh_us = p->now_us;
	p->tells_offer = true;
}

static uint64_t refresh_every_us(const struct peer_path *mine)
{
	uint64_t third_us = mine->lifetime_s * (1000 * PU_MS) / 3;

	return mine->lifetime_s >= REFRESH_LEAST_S && third_us < REFRESH_US ? third_us : REFRESH_US;
}

/* Whoever waits for the other side keeps his mappings. */
void pu_gather_refresh(struct punch *p, uint64_t *deadline_us)
{
	uint64_t every_us = REFRESH_US;

	for (uint8_t i = 0; i < p->ours.path_count; i++) {
		if (refresh_every_us(&p->ours.paths[i]) < every_us)
			every_us = refresh_every_us(&p->ours.paths[i]);
	}
	if (p->now_us >= p->refresh_us + every_us) {
		p->refresh_us = p->now_us;
		for (uint16_t i = 0; i < PU_SLOT_LOCAL; i++) {
			(void)pu_ask(p, PU_ASK_REFRESH, i, ADDR_IPV4, PATIENCE_US);
			(void)pu_ask(p, PU_ASK_REFRESH, i, ADDR_IPV6, PATIENCE_US);
		}
	}
	pu_by(deadline_us, p->refresh_us + every_us);
}

#include "nat64.h"
#include "punch_state.h"

#define MOMENT_US    (40 * PU_MS) /* better ones may follow the first */
#define NOMINATE_US  (1500 * PU_MS)
#define PATIENCE_US  (1500 * PU_MS) /* B: for the nomination, since the last success */
#define TCP_AGREE_US (2000 * PU_MS)
/* A relay waits for connections that stand, and are not proven yet; less long than B for A's word. */
#define TCP_FIRST_US (1000 * PU_MS)
#define LOOK_US      (20 * PU_MS)

/* The better, the smaller. */
enum rank { RANK_LOCAL, RANK_IPV6, RANK_IPV4, RANK_HAIRPIN, RANK_TCP, RANK_RELAYED };

/* Whether `remote` stands for `a`, as it is or behind our NAT64. */
static bool is_as_we_write(const struct punch *p, const struct addr *a, const struct addr *remote)
{
	struct addr embedded;

	if (addr_equal_ip(a, remote))
		return true;
	for (uint8_t i = 0; i < p->ours.path_count; i++) {
		const struct peer_path *mine = &p->ours.paths[i];

		if (mine->nat64_prefix_len != 0 &&
		    nat64_embed(&mine->nat64_prefix, mine->nat64_prefix_len, a, &embedded) &&
		    addr_equal_ip(&embedded, remote))
			return true;
	}
	return false;
}

static bool is_their_relay(const struct punch *p, const struct addr *remote)
{
	const struct peer_offer *o = pu_their_offer(p);

	for (uint8_t i = 0; i < o->endpoint_count; i++) {
		if (o->endpoints[i].kind == PEER_RELAYED &&
		    is_as_we_write(p, &o->endpoints[i].addr, remote))
			return true;
	}
	return false;
}

bool pu_is_relayed(const struct punch *p, const struct pu_pair *pair)
{
	return pair->slot == PU_SLOT_RELAY || is_their_relay(p, &pair->remote);
}

static bool is_our_external(const struct punch *p, const struct pu_pair *pair)
{
	const struct peer_path *mine = &p->ours.paths[p->slots[pair->slot].path];

	for (uint8_t i = 0; i < mine->external_count; i++) {
		if (addr_equal_ip(&mine->externals[i], &pair->remote))
			return true;
	}
	return false;
}

/* Where one socket is for all, their address tells. */
static bool is_in_own_network(const struct punch *p, const struct pu_pair *pair)
{
	const struct pu_port *port = &p->ports[p->slots[pair->slot].path];
	const struct peer_offer *o = pu_their_offer(p);

	if (pair->slot >= PU_SLOT_LOCAL && pair->slot < PU_SLOT_PORTMAP)
		return true;
	if (!port->is_shared || !port->has_host || pair->slot != port->slot)
		return false;
	for (uint8_t i = 0; i < o->endpoint_count; i++) {
		if (o->endpoints[i].kind == PEER_HOST && !o->endpoints[i].is_tcp &&
		    addr_equal(&o->endpoints[i].addr, &pair->remote))
			return true;
	}
	return false;
}

static enum rank rank_of(const struct punch *p, const struct pu_pair *pair)
{
	if (pu_is_relayed(p, pair))
		return RANK_RELAYED;
	if (is_in_own_network(p, pair))
		return RANK_LOCAL;
	if (is_our_external(p, pair))
		return RANK_HAIRPIN;
	return pair->remote.family == ADDR_IPV6 ? RANK_IPV6 : RANK_IPV4;
}

static bool is_candidate(const struct punch *p, const struct pu_pair *pair)
{
	return pair->slot != PU_NO_SLOT && pair->is_valid && !pair->is_dead &&
	       pu_slot_is_open(p, pair->slot);
}

/* When a pair is nominated, if no better one comes. */
static uint64_t ripe_us(const struct punch *p, const struct pu_pair *pair)
{
	uint64_t at_us = pu_run_nominate_us(p, pair->step);
	uint64_t moment_us = rank_of(p, pair) == RANK_LOCAL ? 0 : MOMENT_US;

	return at_us > pair->valid_us + moment_us ? at_us : pair->valid_us + moment_us;
}

/* Among equals the plan's order counts. */
static bool is_better(const struct punch *p, const struct pu_pair *pair, const struct pu_pair *than)
{
	enum rank rank = rank_of(p, pair), other = rank_of(p, than);

	return rank < other || (rank == other && pair->step < than->step);
}

static uint8_t best_pair(const struct punch *p)
{
	uint8_t best = PU_PAIRS_MAX;

	for (uint8_t i = 0; i < PU_PAIRS_MAX; i++) {
		const struct pu_pair *pair = &p->pairs[i];

		if (!is_candidate(p, pair))
			continue;
		if (best == PU_PAIRS_MAX || is_better(p, pair, &p->pairs[best]))
			best = i;
	}
	return best;
}

static uint8_t best_tcp(const struct punch *p)
{
	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		const struct pu_step *s = &p->steps[i];

		if (s->tcp != NULL && !s->is_tcp_dead && !s->is_tcp_late &&
		    tcp_open_is_valid(s->tcp))
			return i;
	}
	return PU_STEP_NONE;
}

bool pu_agree_is_near(const struct punch *p)
{
	if (p->agreed != PU_PAIRS_MAX || p->nominee != PU_PAIRS_MAX ||
	    p->nominee_tcp != PU_STEP_NONE)
		return true;
	for (uint8_t i = 0; i < PU_PAIRS_MAX; i++) {
		const struct pu_pair *pair = &p->pairs[i];

		if (is_candidate(p, pair) && p->now_us < ripe_us(p, pair) + PATIENCE_US &&
		    p->now_us >= pu_run_nominate_us(p, pair->step))
			return true;
	}
	return false;
}

static void nominate(struct punch *p, uint8_t pair)
{
	p->nominee = pair;
	p->nomination++;
	p->pairs[pair].nomination = p->nomination;
	p->pairs[pair].nomination_step = p->pairs[pair].step;
	p->nomination_tries = 0;
	p->nominated_us = p->now_us;
	p->nominate_next_us = p->now_us;
}

static void nominate_tcp(struct punch *p, uint8_t step)
{
	p->nominee_tcp = step;
	p->nominated_us = p->now_us;
	tcp_open_nominate(p->steps[step].tcp, ++p->nomination, p->now_us);
}

static void choose(struct punch *p, uint64_t *deadline_us)
{
	uint8_t best = best_pair(p), tcp = best_tcp(p);
	const struct pu_pair *pair = &p->pairs[best % PU_PAIRS_MAX];
	uint64_t ripe = best != PU_PAIRS_MAX ? ripe_us(p, pair) : PU_NEVER;

	if (tcp != PU_STEP_NONE && (ripe == PU_NEVER || rank_of(p, pair) > RANK_TCP)) {
		nominate_tcp(p, tcp);
		return;
	}
	if (p->now_us < ripe)
		pu_by(deadline_us, ripe);
	else if (rank_of(p, pair) == RANK_RELAYED && p->now_us < ripe + TCP_FIRST_US &&
		 pu_run_is_hopeful(p))
		pu_by(deadline_us, p->now_us + LOOK_US);
	else
		nominate(p, best);
}

static void take_path(struct punch *p, uint8_t step, const struct punch_path *path)
{
	struct punch_result *r = &p->result;

	r->path = *path;
	r->path.strategy = r->plan.steps[step].strategy;
	r->path.wanted = p->config.local_port;
	r->step = step;
	pu_run_note(p, step);
	pu_measure_begin(p);
}

static void agree(struct punch *p, uint8_t i, uint8_t step)
{
	const struct pu_pair *pair = &p->pairs[i];
	const struct pu_slot *slot = &p->slots[pair->slot];
	struct punch_path path = {
		.is_relayed = pu_is_relayed(p, pair),
		.slot = pair->slot,
		.path = slot->path,
		.local = slot->local,
		.outer = pair->outer,
		.remote = pair->remote,
	};

	if (p->agreed == i && p->result.step == step)
		return;
	if (path.outer.family == ADDR_NONE)
		path.outer = p->result.ours[step % PUNCH_STEPS_MAX].announced;
	p->agreed = i;
	p->is_followed = false;
	p->nominee_tcp = PU_STEP_NONE;
	p->nominee = PU_PAIRS_MAX;
	take_path(p, step < p->result.plan.count ? step : 0, &path);
}

static bool take_tcp_of(struct punch *p, uint8_t step)
{
	struct punch_path path = { 0 };

	if (p->steps[step].tcp == NULL || p->steps[step].is_tcp_dead ||
	    !tcp_open_path(p->steps[step].tcp, &path))
		return false;
	if (p->result.path.is_tcp && p->result.step == step)
		return true;
	p->agreed = p->nominee = PU_PAIRS_MAX;
	p->nominee_tcp = step;
	if (!p->has_valid) {
		p->has_valid = true;
		p->valid_us = p->now_us;
	}
	take_path(p, step, &path);
	return true;
}

/* An answer that comes late still counts for A, if it has nominated nothing else: B believes in that
 * connection. */
static bool take_own_tcp(struct punch *p)
{
	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		bool has_moved_on = p->nominee != PU_PAIRS_MAX ||
				    (p->nominee_tcp != PU_STEP_NONE && p->nominee_tcp != i);

		if (!has_moved_on && take_tcp_of(p, i))
			return true;
	}
	return false;
}

/* B follows the latest nomination, of TCP or UDP. */
static bool follow_tcp(struct punch *p)
{
	uint8_t latest = PU_STEP_NONE, number = p->nomination;
	struct punch_path path;

	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		const struct tcp_open *t = p->steps[i].tcp;

		if (t == NULL || p->steps[i].is_tcp_dead || !tcp_open_path(t, &path) ||
		    tcp_open_nomination(t) < number)
			continue;
		latest = i;
		number = tcp_open_nomination(t);
	}
	if (latest == PU_STEP_NONE)
		return false;
	p->nomination = number;
	return take_tcp_of(p, latest);
}

static bool take_tcp(struct punch *p)
{
	return p->config.is_a ? take_own_tcp(p) : follow_tcp(p);
}

static void tick_nominee(struct punch *p, uint64_t *deadline_us)
{
	uint64_t until_us = p->nominated_us + NOMINATE_US;

	if (p->nominee_tcp != PU_STEP_NONE)
		until_us = p->nominated_us + TCP_AGREE_US +
			   2 * tcp_open_round_trip_us(p->steps[p->nominee_tcp].tcp);
	if (p->now_us < until_us) {
		pu_by(deadline_us, until_us);
		return;
	}
	if (p->nominee != PU_PAIRS_MAX)
		p->pairs[p->nominee].is_dead = true;
	if (p->nominee_tcp != PU_STEP_NONE)
		p->steps[p->nominee_tcp].is_tcp_late = true;
	p->nominee = PU_PAIRS_MAX;
	p->nominee_tcp = PU_STEP_NONE;
}

/* Did A nominate it last? */
static bool is_nominated(const struct punch *p, const struct pu_pair *pair)
{
	return pair->slot != PU_NO_SLOT && pair->nomination != 0 &&
	       pair->nomination == p->nomination && pu_slot_is_open(p, pair->slot);
}

/* B: what was nominated before it began, too. */
static void follow(struct punch *p)
{
	for (uint8_t i = 0; i < PU_PAIRS_MAX; i++) {
		const struct pu_pair *pair = &p->pairs[i];

		if (is_nominated(p, pair) && is_candidate(p, pair))
			agree(p, i, pair->nomination_step);
	}
}

bool pu_agree_take_late(struct punch *p)
{
	uint8_t step = p->result.step;
	bool had_path = p->result.path.strategy != PUNCH_NONE;

	/* A has no path, or has its own one, where it said so. */
	if (p->config.is_a || p->is_stopped || p->result.has_theirs ||
	    p->now_us >= pu_run_last_us(p) || !follow_tcp(p))
		return false;
	return !had_path || step != p->result.step;
}

bool pu_agree_follow_word(struct punch *p)
{
	const struct punch_told_evidence *theirs = &p->their_evidence;

	/* What is no step could be followed again and again. */
	if (theirs->step >= p->result.plan.count)
		return false;
	if (p->result.plan.steps[theirs->step].is_tcp)
		return take_tcp_of(p, theirs->step);
	for (uint8_t i = 0; i < PU_PAIRS_MAX; i++) {
		const struct pu_pair *pair = &p->pairs[i];

		/* Its nomination came here, and our answer to that got there. */
		if (!is_nominated(p, pair) || pair->nomination_step != theirs->step ||
		    !addr_equal(&pair->remote, &theirs->outer))
			continue;
		if (!p->has_valid) {
			p->has_valid = true;
			p->valid_us = p->now_us;
		}
		agree(p, i, pair->nomination_step);
		return true;
	}
	return false;
}

void pu_agree_drop(struct punch *p)
{
	if (p->result.path.is_tcp)
		p->steps[p->result.step].is_tcp_dead = true;
	else if (p->agreed != PU_PAIRS_MAX)
		p->pairs[p->agreed].is_dead = true;
	p->agreed = p->nominee = PU_PAIRS_MAX;
	p->nominee_tcp = PU_STEP_NONE;
	p->result.path = (struct punch_path){ 0 };
	p->result.step = 0;
}

void pu_agree_tick(struct punch *p, uint64_t *deadline_us)
{
	if (p->phase != PU_RUN || take_tcp(p))
		return;
	if (!p->config.is_a) {
		follow(p);
		return;
	}
	if (p->nominee != PU_PAIRS_MAX || p->nominee_tcp != PU_STEP_NONE)
		tick_nominee(p, deadline_us);
	if (p->nominee == PU_PAIRS_MAX && p->nominee_tcp == PU_STEP_NONE)
		choose(p, deadline_us);
}

bool pu_agree_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	struct pu_sent what = { .nomination = p->nomination };

	if (p->nominee == PU_PAIRS_MAX || p->phase != PU_RUN ||
	    !pu_slot_is_open(p, p->pairs[p->nominee].slot))
		return false;
	if (p->now_us < p->nominate_next_us) {
		pu_by(deadline_us, p->nominate_next_us);
		return false;
	}
	if (!pu_may_burst(p, deadline_us))
		return false;
	what.slot = p->pairs[p->nominee].slot;
	what.to = p->pairs[p->nominee].remote;
	what.step = p->pairs[p->nominee].step;
	p->nominate_next_us = p->now_us + (p->nomination_tries < 4 ? 50 * PU_MS : 100 * PU_MS);
	p->nomination_tries++;
	pu_check_send(p, &what, 0, action);
	return true;
}

/* Is this one later than the latest? They count up from 1, and are few. */
static bool is_later(const struct punch *p, uint8_t nomination)
{
	return nomination >= p->nomination;
}

void pu_agree_on_nomination(struct punch *p, struct pu_pair *pair, const struct check *c)
{
	if (p->config.is_a) {
		if (p->agreed != PU_PAIRS_MAX && pair == &p->pairs[p->agreed] &&
		    c->nomination == p->nomination)
			p->is_followed = true;
		return;
	}
	if (!c->nominates || !is_later(p, c->nomination))
		return;
	p->nomination = c->nomination;
	pair->nomination = c->nomination;
	pair->nomination_step = c->step;
	if (pair->is_valid && p->phase > PU_RUN)
		agree(p, (uint8_t)(pair - p->pairs), c->step);
}

void pu_agree_on_answer(struct punch *p, struct pu_pair *pair, const struct pu_sent *sent)
{
	if (p->config.is_a && p->nominee != PU_PAIRS_MAX && sent->nomination == p->nomination &&
	    pair == &p->pairs[p->nominee] && p->phase == PU_RUN)
		agree(p, p->nominee, pair->step);
}

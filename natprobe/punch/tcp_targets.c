#include "addr_special.h"
#include "nat64.h"
#include "natprobe/planning/punch_plan_side.h"
#include "tcp_state.h"

/* Ports that systems leave to programs (RFC 6335, section 6). */
#define PORT_FIRST 49152
#define PORT_COUNT 16384

/* Ports of a counting NAT: further than this from each other they are not of one row. */
#define ROW_MAX  256
#define MOVES_S  4  /* from the offer to the end of a step, as a rule */
#define OWN_MOVE 10 /* by what its host does meanwhile: other sockets, other steps */

static const struct peer_path *our_path(const struct tcp_open *t)
{
	return &t->c.ours->paths[t->ours->path];
}

static const struct peer_path *their_path(const struct tcp_open *t)
{
	return &t->c.theirs->paths[t->theirs->path];
}

static bool is_of(const struct peer_endpoint *e, const struct punch_step *step, uint8_t path)
{
	return e->is_tcp && e->set == step->set && e->path == path && e->kind != PEER_RELAYED;
}

/* Servers that see two endpoints of one port are surer than a diagnosis. */
static bool shows_two(const struct peer_offer *o, const struct punch_step *step, uint8_t path)
{
	const struct peer_endpoint *first = NULL;

	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct peer_endpoint *e = &o->endpoints[i];

		if (!is_of(e, step, path) || e->kind != PEER_MAPPED ||
		    e->addr.family != step->family)
			continue;
		if (first != NULL && !addr_equal(&first->addr, &e->addr))
			return true;
		first = e;
	}
	return false;
}

/* The last one; NULL: there is none. */
static const struct peer_sample *last_sample(const struct peer_offer *o, uint8_t path)
{
	uint8_t count = path < PEER_PATHS_MAX ? o->sample_counts[path] : 0;

	return count > 0 && count <= PEER_SAMPLES_MAX ? &o->samples[path][count - 1] : NULL;
}

enum tcp_ports tcp_ports_of(const struct peer_path *path, const struct peer_offer *offer,
			    const struct punch_step *step, uint8_t index)
{
	struct peer_path view = plan_tcp_view(path);

	if (shows_two(offer, step, index) && !plan_is_hard(&view))
		view.mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	if (!plan_is_hard(&view))
		return TCP_PORTS_ANNOUNCED;
	if (plan_is_open(&view))
		return TCP_PORTS_OPEN;
	switch (plan_ports(&view)) {
	case PLAN_PORTS_LOCAL:
		return TCP_PORTS_LOCAL;
	case PLAN_PORTS_COUNTED:
		if (!plan_ports_follow_local(&view))
			return TCP_PORTS_COUNTED;
		return last_sample(offer, index) != NULL ? TCP_PORTS_FOLLOWING : TCP_PORTS_UNKNOWN;
	default:
		return TCP_PORTS_UNKNOWN;
	}
}

/* --- where from --- */

static void find_ports(struct tcp_open *t)
{
	const struct peer_offer *offer = t->c.our_offer;

	for (size_t i = 0; i < offer->endpoint_count; i++) {
		const struct peer_endpoint *e = &offer->endpoints[i];
		bool is_local = e->kind == PEER_HOST;

		if (!is_of(e, &t->step, t->ours->path) || t->ports[is_local] != 0)
			continue;
		t->ports[is_local] = e->local_port;
		if (e->kind == PEER_MAPPED) {
			t->seen.announced = e->addr;
			t->seen.local = addr_with_port(&our_path(t)->local, e->local_port);
		}
	}
}

static uint16_t fresh_port(const struct tcp_open *t)
{
	uint16_t port;

	do {
		port = (uint16_t)(PORT_FIRST + tcp_random(t, PORT_COUNT));
	} while (port == t->ports[0] || port == t->ports[1]);
	return port;
}

/* Each step takes one, and with it one port of the NAT's: both sides know which. */
static uint16_t next_in_row(const struct tcp_open *t)
{
	return (uint16_t)(1 + t->step.set);
}

static uint16_t following_port(const struct tcp_open *t)
{
	const struct peer_sample *last = last_sample(t->c.our_offer, t->ours->path);

	return (uint16_t)(last->local_port + next_in_row(t));
}

static void find_sources(struct tcp_open *t)
{
	enum tcp_ports kind = tcp_ports_of(our_path(t), t->c.our_offer, &t->step, t->ours->path);

	t->source_count = 1;
	t->sources[0] = t->ports[0];
	/* What a server has seen of a port is of no use then; but one that nobody has seen has
	 * the external port that the other side expects. */
	if (kind == TCP_PORTS_LOCAL && t->ports[1] != 0)
		t->sources[0] = t->ports[1];
	/* They come in by the port that a server has seen: nothing leaves from there before. */
	if (kind == TCP_PORTS_OPEN || kind == TCP_PORTS_UNKNOWN)
		t->sources[0] = fresh_port(t);
	if (kind == TCP_PORTS_FOLLOWING) {
		t->sources[0] = following_port(t);
		t->is_following = true;
	}
	if (kind != TCP_PORTS_COUNTED)
		return;
	t->source_count = TCP_SOURCES_MAX;
	for (size_t i = 0; i < TCP_SOURCES_MAX; i++)
		t->sources[i] = fresh_port(t);
}

/* --- where to --- */

/* As our host has to write it: behind a NAT64 IPv4 has another look. */
static bool reachable_as(const struct tcp_open *t, const struct addr *a, struct addr *out)
{
	const struct peer_path *path = our_path(t);

	*out = *a;
	if (a->port == 0 || addr_is_any(a))
		return false;
	if (a->family == path->family)
		return true;
	return path->nat64_prefix.family != ADDR_NONE &&
	       nat64_embed(&path->nat64_prefix, path->nat64_prefix_len, a, out);
}

/* A peer must not make us knock at the doors of our own network, unless it may be there. */
static bool may_be_tried(const struct tcp_open *t, const struct addr *a, bool is_local)
{
	struct addr_special_hit hit;

	if (addr_is_loopback(a) || (is_local && !t->step.is_local))
		return false;
	if (!is_local && !addr_special_judge(a, &hit))
		return true;
	return peer_may_be_ours(our_path(t), their_path(t));
}

static void add_target(struct tcp_open *t, const struct addr *a, bool is_local)
{
	struct addr to;

	if (t->target_count == TCP_TARGETS_MAX || !may_be_tried(t, a, is_local) ||
	    !reachable_as(t, a, &to))
		return;
	for (size_t i = 0; i < t->target_count; i++) {
		if (t->targets[i].is_local == is_local && addr_equal(&t->targets[i].to, &to))
			return;
	}
	t->targets[t->target_count++] = (struct tcp_target){ .to = to, .is_local = is_local };
}

static const struct peer_endpoint *find_theirs(const struct tcp_open *t,
					       enum peer_endpoint_kind kind)
{
	const struct peer_offer *o = t->c.their_offer;

	for (size_t i = 0; i < o->endpoint_count; i++) {
		if (is_of(&o->endpoints[i], &t->step, t->theirs->path) &&
		    o->endpoints[i].kind == kind)
			return &o->endpoints[i];
	}
	return NULL;
}

/* The port furthest on in a row that goes by `step`, of those that lie near to the first one. */
static uint16_t further(uint16_t last, uint16_t port, int32_t step)
{
	int32_t way = (int16_t)(uint16_t)(port - last);

	if (way > ROW_MAX || way < -ROW_MAX)
		return last;
	return (step > 0) == (way > 0) ? port : last;
}

static uint16_t last_port(const struct tcp_open *t, uint16_t first, int32_t step)
{
	const struct peer_offer *o = t->c.their_offer;
	uint8_t path = t->theirs->path;
	uint16_t last = first;

	for (size_t i = 0; i < o->endpoint_count; i++) {
		if (o->endpoints[i].path == path && o->endpoints[i].kind == PEER_MAPPED)
			last = further(last, o->endpoints[i].addr.port, step);
	}
	for (size_t i = 0; path < PEER_PATHS_MAX && i < o->sample_counts[path]; i++)
		last = further(last, o->samples[path][i].external_port, step);
	return last;
}

static void add_counted(struct tcp_open *t, const struct addr *seen)
{
	struct peer_path view = plan_tcp_view(their_path(t));
	int32_t step = plan_ports_value(&view);
	double moves = plan_background(&view) * MOVES_S + OWN_MOVE + TCP_SOURCES_MAX;
	uint16_t port = last_port(t, seen->port, step);

	for (int i = 0; i < moves && t->target_count < TCP_TARGETS_MAX; i++) {
		struct addr a = *seen;

		port = (uint16_t)(port + step);
		a.port = port;
		add_target(t, &a, false);
	}
}

static void add_following(struct tcp_open *t, const struct addr *seen)
{
	struct peer_path view = plan_tcp_view(their_path(t));
	const struct peer_sample *last = last_sample(t->c.their_offer, t->theirs->path);
	struct addr a = *seen;

	a.port = (uint16_t)(last->external_port + next_in_row(t) * plan_ports_value(&view));
	add_target(t, &a, false);
}

static void add_local(struct tcp_open *t, const struct addr *seen)
{
	struct peer_path view = plan_tcp_view(their_path(t));
	const struct peer_endpoint *unseen = find_theirs(t, PEER_HOST);
	struct addr a = *seen;

	if (unseen == NULL)
		return;
	a.port = (uint16_t)(unseen->local_port + plan_ports_value(&view));
	add_target(t, &a, false);
	if (plan_address_count(&view) == 1)
		return;
	/* Of several uplinks it may be another one than towards the server. */
	for (size_t i = 0; i < view.external_count; i++) {
		struct addr other = addr_with_port(&view.externals[i], a.port);

		if (other.family == a.family)
			add_target(t, &other, false);
	}
}

/* Of the endpoints of one port that are mapped, no more than `most`. */
static void add_announced(struct tcp_open *t, unsigned most)
{
	const struct peer_offer *o = t->c.their_offer;

	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct peer_endpoint *e = &o->endpoints[i];

		if (!is_of(e, &t->step, t->theirs->path))
			continue;
		if (e->kind == PEER_MAPPED && most == 0)
			continue;
		most -= e->kind == PEER_MAPPED;
		add_target(t, &e->addr, e->kind == PEER_HOST);
	}
}

/* How many mapped endpoints of theirs are of use. */
static unsigned announced_of_use(const struct tcp_open *t, enum tcp_ports kind)
{
	switch (kind) {
	case TCP_PORTS_LOCAL:
	case TCP_PORTS_COUNTED:
	case TCP_PORTS_FOLLOWING:
		return 0;
	case TCP_PORTS_OPEN:
		/* All lead to one socket, where connections from one port of ours would be one. */
		return 1;
	default:
		return PEER_ENDPOINTS_MAX;
	}
}

/*
 * Where they come in by a port of ours that none of our connections leaves from, and their NAT lets
 * in nobody but whom they connect to, a connection of ours gets nowhere: at worst it ends the mapping
 * that theirs needs. So only they connect.
 */
static bool are_we_silent(const struct tcp_open *t)
{
	struct peer_path theirs = plan_tcp_view(their_path(t));

	return tcp_ports_of(our_path(t), t->c.our_offer, &t->step, t->ours->path) ==
		       TCP_PORTS_OPEN &&
	       theirs.filtering == BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
}

void tcp_targets_make(struct tcp_open *t)
{
	enum tcp_ports kind =
		tcp_ports_of(their_path(t), t->c.their_offer, &t->step, t->theirs->path);
	const struct peer_endpoint *mapped = find_theirs(t, PEER_MAPPED);

	find_ports(t);
	find_sources(t);
	if (are_we_silent(t)) {
		add_announced(t, 0);
		return;
	}
	add_announced(t, announced_of_use(t, kind));
	if (mapped != NULL && kind == TCP_PORTS_LOCAL)
		add_local(t, &mapped->addr);
	if (mapped != NULL && kind == TCP_PORTS_COUNTED)
		add_counted(t, &mapped->addr);
	if (mapped != NULL && kind == TCP_PORTS_FOLLOWING)
		add_following(t, &mapped->addr);
}

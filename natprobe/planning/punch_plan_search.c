#include <math.h>

#include "punch_plan_steps.h"

#define FRESH_COUNTED    8
#define FRESH_DEPENDENT  6
#define FRESH_LOCAL      4
#define OWN_MOVES        6 /* of a counter, by what this host itself does meanwhile */
#define WINDOW_MAX       400
#define BOTH_MIN         16
#define BOTH_MAX         96
#define HITS             9.0  /* expected ones, for which sockets are opened */
#define HITS_TRIED       14.0 /* ... for which ports are tried: none is one case in a million */
#define SOCKETS_FULL     256
#define SOCKETS_MIN      64
#define PORTS_FULL       1000 /* with SOCKETS_FULL: what a search of all ports takes at least */
#define WINDOW_MIXED     3
#define WINDOW_MIXED_MAX 32
#define GAP_US           6000 /* between packets that open */
#define ANSWER_US        650000
#define PASS_US          600000
#define PASSES           3
#define MARGIN_US        50000
#define WORTH_SEARCH     0.05

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t at_least_one(uint32_t n)
{
	return n > 0 ? n : 1;
}

static uint32_t error_us(const struct plan_pair *p)
{
	return lesser(p->start_error_us, 1500000);
}

static uint32_t tail_us(const struct plan_pair *p)
{
	return ANSWER_US + plan_round_trip_us(p->a, p->b);
}

static uint32_t mappings_of(const struct peer_path *path, const struct plan_limits *l)
{
	uint32_t cap = l->mappings_max;

	if (path->mapping_cap != 0)
		cap = lesser(cap, path->mapping_cap / 2u);
	return cap;
}

static uint16_t cap_of(const struct peer_path *path, const struct plan_limits *l)
{
	uint32_t cap = l->sockets_max;

	/* Half of what the NAT grants: the user wants to go on browsing. */
	if (path->mapping_cap != 0)
		cap = lesser(cap, path->mapping_cap / 2u);
	return (uint16_t)(cap > 0 ? cap : 1);
}

static struct punch_step begin(const struct plan_pair *p, enum punch_strategy strategy)
{
	struct punch_step s = { .strategy = (uint8_t)strategy, .family = p->family };

	s.a.path = p->path_a;
	s.b.path = p->path_b;
	return s;
}

/* The side whose ports are looked for: the hard one; where the user insists, the harder one. */
static bool searches_a(const struct plan_pair *p)
{
	if (plan_is_hard(p->a) != plan_is_hard(p->b))
		return plan_is_hard(p->a);
	return false;
}

/* What comes early would do harm on the other side: then it ends between the two. */
static void set_openers(struct punch_part *part, const struct peer_path *path,
			const struct peer_path *other)
{
	part->opens = true;
	if (!plan_may_be_spoilt_early(other))
		return;
	if (path->opener_ttl != 0 && path->opener_ttl <= 16)
		part->opener_ttl = path->opener_ttl;
	else
		part->opener_ttl =
			(uint8_t)(path->nats != 0 && path->nats < 8 ? path->nats + 1 : 2);
}

/* How far a counter may have moved on, in steps. */
static uint32_t moves(const struct peer_path *path)
{
	double mean = plan_background(path) * PLAN_AGE_S;

	if (path->delta == DELTA_DEPENDENT)
		return 0;
	return (uint32_t)(mean + 3 * sqrt(mean) + 0.5) + OWN_MOVES;
}

/* Fills what `hard` opens and `easy` tries. */
static void aim(const struct peer_path *path, const struct peer_path *other,
		const struct plan_limits *l, struct punch_part *hard, struct punch_part *easy)
{
	uint32_t fresh = FRESH_COUNTED, window, stride = 1;
	uint32_t addresses = plan_address_count(other);
	int32_t value = plan_ports_value(path);

	/* Each socket has one try at one address, which may be the wrong one. */
	if (plan_is_exact(path) && addresses > 1)
		addresses *= 2 * addresses;
	if (plan_ports(path) != PLAN_PORTS_COUNTED) {
		fresh = lesser(FRESH_LOCAL * addresses, cap_of(path, l));
		*hard = (struct punch_part){ .path = hard->path, .sockets = (uint16_t)fresh };
		easy->ports = (uint16_t)fresh;
		easy->window_first = value;
		easy->window_step = 1;
		return;
	}
	if (path->delta == DELTA_DEPENDENT)
		fresh = FRESH_DEPENDENT * addresses;
	fresh = lesser(fresh, cap_of(path, l));
	window = moves(path) + fresh;
	while (window / stride > WINDOW_MAX && stride < fresh)
		stride++; /* one of so many neighbours will do */
	hard->sockets = (uint16_t)fresh;
	easy->ports = (uint16_t)lesser(window / stride, PUNCH_PORTS_MAX);
	easy->window_first = value;
	easy->window_step = value * (int32_t)stride;
}

/* Time of a step in which one side opens, and the other one tries. */
static void set_passes(const struct plan_pair *p, struct punch_step *s)
{
	uint32_t pace = plan_pace_per_s(p->a, p->b);
	uint32_t most = s->a.ports > s->b.ports ? s->a.ports : s->b.ports;
	uint32_t open = s->a.sockets > s->b.sockets ? s->a.sockets : s->b.sockets;

	s->settle_us = open * GAP_US + error_us(p) + MARGIN_US;
	s->duration_us = s->settle_us + PASSES * (most * (1000000 / pace) + PASS_US) + tail_us(p);
}

static bool is_predictable(const struct peer_path *path)
{
	return plan_ports(path) == PLAN_PORTS_LOCAL || plan_ports(path) == PLAN_PORTS_COUNTED;
}

static void predict_one(const struct plan_pair *p, const struct plan_limits *l, bool of_a,
			struct punch_step *s)
{
	struct punch_part *hard = of_a ? &s->a : &s->b, *easy = of_a ? &s->b : &s->a;
	const struct peer_path *path = of_a ? p->a : p->b;

	aim(path, of_a ? p->b : p->a, l, hard, easy);
	set_openers(hard, path, of_a ? p->b : p->a);
}

/*
 * Both open one socket for each port that they try. Where both count, neither knows how far the
 * other one is: one side tries each port, the other one every second (baby steps and giant steps),
 * and then for each pair of differences there is one packet of each that meets the other.
 */
static void predict_both(const struct plan_pair *p, const struct plan_limits *l,
			 struct punch_step *s)
{
	bool counts_a = !plan_is_exact(p->a), counts_b = !plan_is_exact(p->b);
	uint32_t n = (counts_a ? moves(p->a) : 0) + 2 * (counts_b ? moves(p->b) : 0) + 2;
	int32_t step_a = plan_ports_value(p->b), step_b = plan_ports_value(p->a);

	if (counts_a && counts_b)
		step_b *= 2;
	else if (counts_b)
		step_a *= 2;
	else if (counts_a)
		step_b *= 2;
	n = n < BOTH_MIN ? BOTH_MIN : lesser(n, BOTH_MAX);
	n = lesser(n, lesser(cap_of(p->a, l), cap_of(p->b, l)));
	s->a.sockets = s->b.sockets = s->a.ports = s->b.ports = (uint16_t)n;
	s->a.window_first = plan_ports_value(p->b);
	s->b.window_first = plan_ports_value(p->a);
	s->a.window_step = plan_ports(p->b) == PLAN_PORTS_COUNTED ? step_a : 1;
	s->b.window_step = plan_ports(p->a) == PLAN_PORTS_COUNTED ? step_b : 1;
	s->a.opens = s->b.opens = true;
}

bool plan_step_prediction(const struct plan_pair *p, const struct plan_limits *l, bool forced,
			  struct punch_step *out)
{
	bool hard_a = plan_is_hard(p->a), hard_b = plan_is_hard(p->b);

	*out = begin(p, PUNCH_PREDICTION);
	if (hard_a && hard_b) {
		if (!is_predictable(p->a) || !is_predictable(p->b))
			return false;
		predict_both(p, l, out);
	} else {
		if (!(hard_a && is_predictable(p->a)) && !(hard_b && is_predictable(p->b)))
			return false;
		predict_one(p, l, searches_a(p), out);
	}
	set_passes(p, out);
	out->chance = plan_chance_prediction(p, out);
	return true;
}

static uint32_t clamp(double value, uint32_t low, uint32_t high)
{
	if (value < low)
		return low;
	return value > high ? high : (uint32_t)value;
}

/* Packets that open the one side to the other: each socket to each port and address. */
static uint32_t openings(const struct punch_part *part, const struct peer_path *other)
{
	uint32_t ports = part->ports > 1 ? part->ports : 1;

	return part->low == 0 ? part->sockets * ports * plan_address_count(other) : part->sockets;
}

/* Opens, tries, opens once more all the way; and waits for answers. */
static void set_search_times(const struct plan_pair *p, struct punch_step *s)
{
	uint32_t gap = 1000000 / plan_pace_per_s(p->a, p->b);
	uint32_t open_a = openings(&s->a, p->b), open_b = openings(&s->b, p->a);
	uint32_t open = open_a > open_b ? open_a : open_b;
	uint32_t ports = s->a.ports > s->b.ports ? s->a.ports : s->b.ports;

	s->settle_us = open * gap + error_us(p) + MARGIN_US;
	s->duration_us = s->settle_us + ports * gap + open * gap + tail_us(p);
}

/* How many packets there is time for, beside answers. */
static uint32_t packets_in_time(const struct plan_pair *p, const struct plan_limits *l)
{
	uint32_t gap = 1000000 / plan_pace_per_s(p->a, p->b);
	uint32_t fixed = error_us(p) + MARGIN_US + tail_us(p);

	return fixed >= l->time_us ? 0 : (l->time_us - fixed) / gap;
}

/*
 * How many sockets are opened, twice, to `ways` ports or addresses each, and how many ports are
 * tried in the time that is left. Where there is not time enough for what is wanted, as many
 * packets go to the one as to the other.
 */
static void share_time(const struct plan_pair *p, const struct plan_limits *l, uint32_t width,
		       uint32_t ways, uint32_t *sockets, uint32_t *ports)
{
	uint32_t packets = packets_in_time(p, l), wanted = *sockets, open;
	uint32_t enough = lesser(clamp(HITS * width / wanted, SOCKETS_MIN, PORTS_FULL), width);

	if (wanted * 2 * ways + enough > packets)
		*sockets = at_least_one(lesser(wanted, packets / (4 * ways)));
	open = *sockets * 2 * ways;
	*ports = packets > open ? packets - open : 0;
	*ports = lesser(*ports, clamp(HITS_TRIED * width / *sockets, SOCKETS_MIN, PUNCH_PORTS_MAX));
	*ports = lesser(*ports, width);
}

bool plan_step_birthday(const struct plan_pair *p, const struct plan_limits *l, bool forced,
			struct punch_step *out)
{
	bool of_a = searches_a(p);
	const struct peer_path *path = of_a ? p->a : p->b, *other = of_a ? p->b : p->a;
	struct plan_range range = plan_range_of(path);
	uint32_t width = plan_searched_width(path), ways = plan_address_count(other);
	uint32_t sockets, ports;

	*out = begin(p, PUNCH_BIRTHDAY);
	if (!forced && plan_is_hard(p->a) == plan_is_hard(p->b))
		return false;
	sockets = lesser(clamp(sqrt(HITS * width), SOCKETS_MIN, SOCKETS_FULL), cap_of(path, l));
	sockets = at_least_one(lesser(sockets, mappings_of(path, l) / ways));
	share_time(p, l, width, ways, &sockets, &ports);
	struct punch_part *hard = of_a ? &out->a : &out->b, *easy = of_a ? &out->b : &out->a;
	hard->sockets = (uint16_t)sockets;
	set_openers(hard, path, other);
	easy->ports = (uint16_t)ports;
	easy->low = range.low;
	easy->high = range.high;
	set_search_times(p, out);
	out->duration_us = lesser(out->duration_us, l->time_us);
	out->chance = plan_chance_search(p, out);
	return ports > 0;
}

/* Steps of a counter that is looked at from few sockets: each of them costs a mapping. */
static uint32_t narrow_window(const struct peer_path *path)
{
	double mean = plan_background(path) * PLAN_AGE_S;

	if (plan_is_exact(path))
		return 1;
	return clamp(mean + 2 * sqrt(mean) + WINDOW_MIXED, 1, WINDOW_MIXED_MAX);
}

/* One side's ports are foretold, the other's are searched. */
static void mix(const struct plan_pair *p, const struct plan_limits *l, bool searched_a,
		struct punch_step *s)
{
	const struct peer_path *searched = searched_a ? p->a : p->b;
	const struct peer_path *foretold = searched_a ? p->b : p->a;
	struct punch_part *hard = searched_a ? &s->a : &s->b, *aimed = searched_a ? &s->b : &s->a;
	bool reuses = plan_keeps_port_of_peer(foretold);
	struct plan_range range = plan_range_of(searched);
	uint32_t width = plan_searched_width(searched), addresses = plan_address_count(foretold);
	uint32_t window = reuses ? narrow_window(foretold) : 1, ways = window * addresses;
	uint32_t sockets =
		reuses ? clamp(sqrt(HITS * width), SOCKETS_MIN, SOCKETS_FULL) : PUNCH_SOCKETS_MAX;
	uint32_t ports;

	sockets = lesser(lesser(sockets, width), cap_of(searched, l)); /* more ports it has not */
	sockets = at_least_one(lesser(sockets, mappings_of(searched, l) / ways));
	if (reuses) {
		share_time(p, l, width, ways, &sockets, &ports);
	} else {
		sockets = lesser(sockets, cap_of(foretold, l));
		sockets = at_least_one(lesser(sockets, packets_in_time(p, l) / (3 * addresses)));
		ports = sockets;
	}
	hard->sockets = (uint16_t)sockets;
	hard->ports = (uint16_t)window;
	hard->window_first = plan_ports_value(foretold);
	hard->window_step =
		plan_ports(foretold) == PLAN_PORTS_COUNTED ? plan_ports_value(foretold) : 1;
	hard->opens = true;
	aimed->sockets = (uint16_t)(reuses ? 1 : sockets);
	aimed->ports = (uint16_t)ports;
	aimed->low = range.low;
	aimed->high = range.high;
}

/* Neither can be foretold: worth it in small blocks only. */
static void search_blocks(const struct plan_pair *p, const struct plan_limits *l,
			  struct punch_step *s)
{
	uint32_t n = lesser(cap_of(p->a, l), cap_of(p->b, l));

	n = lesser(n, lesser(plan_searched_width(p->a), plan_searched_width(p->b)));
	n = at_least_one(lesser(n, packets_in_time(p, l) / 3));
	s->a.sockets = s->b.sockets = s->a.ports = s->b.ports = (uint16_t)n;
	s->a.low = plan_range_of(p->b).low;
	s->a.high = plan_range_of(p->b).high;
	s->b.low = plan_range_of(p->a).low;
	s->b.high = plan_range_of(p->a).high;
	s->a.opens = s->b.opens = true;
}

bool plan_step_mixed(const struct plan_pair *p, const struct plan_limits *l, bool forced,
		     struct punch_step *out)
{
	bool foretold_a = is_predictable(p->a), foretold_b = is_predictable(p->b);

	*out = begin(p, PUNCH_MIXED);
	if (!plan_is_hard(p->a) || !plan_is_hard(p->b) || (foretold_a && foretold_b))
		return false;
	if (!foretold_a && !foretold_b)
		search_blocks(p, l, out);
	else
		mix(p, l, !foretold_a, out);
	set_search_times(p, out);
	out->duration_us = lesser(out->duration_us, l->time_us);
	out->chance = plan_chance_search(p, out);
	return forced || out->chance >= WORTH_SEARCH;
}

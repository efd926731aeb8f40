#include "punch_plan_chance.h"

#include <math.h>

#define CERTAIN     0.995
#define LINUX_SHARE 0.25 /* of paths that may be spoilt, and nobody looked */

static double least(double a, double b)
{
	return a < b ? a : b;
}

bool plan_udp_is_blocked(const struct peer_path *p)
{
	return p->udp_blocked == VERDICT_YES || p->udp_blocked == VERDICT_MIXED;
}

bool plan_tcp_is_blocked(const struct peer_path *p)
{
	return p->tcp_blocked == VERDICT_YES;
}

bool plan_reaches(const struct peer_path *from, const struct peer_path *to)
{
	return plan_is_open(to) && (!plan_is_hard(to) || plan_admits_address(from));
}

bool plan_meets(const struct peer_path *a, const struct peer_path *b)
{
	if (!plan_is_hard(a) && !plan_is_hard(b))
		return true;
	if (!plan_is_hard(a) && plan_admits_address(a))
		return true;
	if (!plan_is_hard(b) && plan_admits_address(b))
		return true;
	return plan_reaches(a, b) || plan_reaches(b, a);
}

static bool is_known(const struct peer_path *p)
{
	return p->mapping != BEHAVIOUR_UNKNOWN && p->filtering != BEHAVIOUR_UNKNOWN;
}

/* Several copies of a packet, each way. */
static double after_loss(const struct plan_pair *p, int copies)
{
	return 1 - pow(1 - plan_through(p->a, p->b), copies);
}

static double sureness(const struct plan_pair *p)
{
	return CERTAIN * (is_known(p->a) ? 1 : 0.85) * (is_known(p->b) ? 1 : 0.85) *
	       after_loss(p, 8);
}

double plan_chance_direct(const struct plan_pair *p)
{
	if (plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b) || p->same_nat)
		return 0;
	return plan_reaches(p->a, p->b) || plan_reaches(p->b, p->a) ? sureness(p) : 0;
}

double plan_chance_port_mapping(const struct plan_pair *p)
{
	bool any = p->a->portmap == VERDICT_YES || p->b->portmap == VERDICT_YES;

	if (plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b) || !any)
		return 0;
	return (p->same_nat ? 0.5 : 0.97) * after_loss(p, 2);
}

double plan_chance_local(const struct plan_pair *p)
{
	const struct peer_path *a = p->a;
	uint8_t hairpin = a->hairpin != HAIRPIN_UNKNOWN ? a->hairpin : p->b->hairpin;
	double inside = peer_may_be_ours(a, p->b) && peer_may_be_ours(p->b, a) ? 0.9 : 0.5;
	double turned = 0.3;
	bool blocked = plan_udp_is_blocked(a) || plan_udp_is_blocked(p->b);

	if (p->same_host)
		return CERTAIN;
	if (!p->same_nat)
		return 0;
	if (blocked || hairpin == HAIRPIN_NO)
		turned = 0; /* what is blocked is the way out, not that to a neighbour */
	else if (hairpin == HAIRPIN_EXTERNAL_SOURCE)
		turned = plan_is_hard(a) || plan_is_hard(p->b) ? 0.3 : 0.95;
	return 1 - (1 - inside) * (1 - turned);
}

/* That no packet of the other side comes before ours have left. */
static double race(const struct plan_pair *p)
{
	double way = plan_round_trip_us(p->a, p->b) / 2.0;
	double error = p->start_error_us;
	bool both = plan_may_be_spoilt_early(p->a) && plan_may_be_spoilt_early(p->b);

	if (error <= way)
		return 0.98;
	return both ? way / error : (error + way) / (2 * error);
}

/* The chance that an early packet does harm. */
static double harm(const struct peer_path *side, const struct peer_path *other)
{
	if (plan_admits_address(other))
		return 0; /* whatever port we are moved to, it hears us */
	if (plan_is_spoilt_early(side))
		return 1;
	return plan_may_be_spoilt_early(side) ? LINUX_SHARE : 0;
}

double plan_chance_simultaneous(const struct plan_pair *p)
{
	if (p->same_nat || p->same_host)
		return plan_chance_local(p);
	if (plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b))
		return 0;
	if (!plan_meets(p->a, p->b)) {
		bool mixed = p->a->mapping == BEHAVIOUR_MIXED || p->b->mapping == BEHAVIOUR_MIXED;

		return mixed ? 0.2 : 0;
	}
	double spoilt = 1 - (1 - harm(p->a, p->b)) * (1 - harm(p->b, p->a));

	return sureness(p) * (1 - spoilt * (1 - race(p)));
}

double plan_chance_low_ttl(const struct plan_pair *p, bool known_ttls)
{
	if (plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b) || p->same_host)
		return 0;
	if (!plan_meets(p->a, p->b) || p->same_nat)
		return 0;
	return (known_ttls ? 0.97 : 0.93) * after_loss(p, 3);
}

double plan_chance_delayed(const struct plan_pair *p)
{
	bool both = plan_is_spoilt_early(p->a) && plan_is_spoilt_early(p->b);

	if (plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b) || p->same_host || p->same_nat)
		return 0;
	return plan_meets(p->a, p->b) && !both ? 0.6 * after_loss(p, 4) : 0;
}

static double syn_chance(const struct peer_path *p)
{
	switch (p->syn_reaction) {
	case PEER_WORD(DEEP_SYN_SILENT):
		return 0.98;
	case PEER_WORD(DEEP_SYN_RST):
	case PEER_WORD(DEEP_SYN_ACCEPTED):
		return 0.9;
	default:
		return 0.95;
	}
}

/* That the port which the other side connects to is the one that is used. */
static double tcp_found(const struct peer_path *p)
{
	double taken = p->overload >= 0 && p->overload <= 1 ? p->overload : 0;

	switch (plan_ports(p)) {
	case PLAN_PORTS_ANNOUNCED:
		return 1;
	case PLAN_PORTS_LOCAL:
		return 0.95 * (1 - taken);
	case PLAN_PORTS_COUNTED:
		return plan_ports_follow_local(p) ? 0.95 : 0.8;
	default:
		return 0;
	}
}

/* That both find each other's port. */
static double tcp_both_found(const struct plan_pair *p, const struct peer_path *a,
			     const struct peer_path *b)
{
	bool follows_a = plan_ports_follow_local(a), follows_b = plan_ports_follow_local(b);
	bool counts_a = plan_ports(a) == PLAN_PORTS_COUNTED && !follows_a;
	bool counts_b = plan_ports(b) == PLAN_PORTS_COUNTED && !follows_b;
	double found = tcp_found(a) * tcp_found(b);

	/* Its next port is good for one destination, once, and only if no UDP comes between. */
	if ((follows_a || follows_b) && !plan_udp_is_blocked(p->a) && !plan_udp_is_blocked(p->b))
		return 0;
	if ((follows_a && counts_b) || (counts_a && follows_b))
		return 0;
	/* Where both count, each attempt of the one moves the other's ports as well. */
	return counts_a && counts_b ? found * 0.4 : found;
}

double plan_chance_tcp(const struct plan_pair *p, bool low_ttl)
{
	struct peer_path a = plan_tcp_view(p->a), b = plan_tcp_view(p->b);
	double found;

	if (plan_tcp_is_blocked(&a) || plan_tcp_is_blocked(&b))
		return 0;
	if (p->same_host)
		return CERTAIN;
	if (p->same_nat)
		return low_ttl ? 0 : 0.6;
	/* A connection goes back by the port that it came to, whatever a NAT does otherwise. */
	if (plan_is_open(&a) || plan_is_open(&b))
		return low_ttl ? 0.3 : 0.95;
	found = plan_meets(&a, &b) ? 1 : tcp_both_found(p, &a, &b);
	return found * syn_chance(&a) * syn_chance(&b) * (low_ttl ? 0.6 : 0.97);
}

/* The chance that something happens at most `most` times that happens `mean` times on average. */
static double poisson_at_most(double mean, double most)
{
	double term = exp(-mean), sum = 0;

	if (mean > 400) /* a normal one, and exp() has no digits left */
		return 0.5 * erfc((mean - most - 0.5) / sqrt(2 * mean));
	for (int i = 0; i <= most; i++) {
		sum += term;
		term *= mean / (i + 1);
	}
	return least(sum, 1);
}

/* The chance that the ports of `sockets` fresh sockets, or one of them, are among those tried. */
static double foretold(const struct peer_path *p, uint16_t sockets, uint16_t ports)
{
	double taken = p->overload >= 0 && p->overload <= 1 ? p->overload : 0;

	switch (plan_ports(p)) {
	case PLAN_PORTS_ANNOUNCED:
		return CERTAIN;
	case PLAN_PORTS_LOCAL:
		return 0.98 * (1 - pow(taken, sockets > 0 ? sockets : 1));
	case PLAN_PORTS_COUNTED:
		if (p->delta == DELTA_DEPENDENT)
			return 0.97;
		return 0.97 * poisson_at_most(plan_background(p) * PLAN_AGE_S, ports);
	default:
		return least(1, (double)ports * sockets / plan_range_width(plan_range_of(p)));
	}
}

double plan_chance_prediction(const struct plan_pair *p, const struct punch_step *step)
{
	double chance = foretold(p->a, step->a.sockets, step->b.ports) *
			foretold(p->b, step->b.sockets, step->a.ports);

	if (plan_is_hard(p->a) && plan_is_hard(p->b))
		chance *= plan_is_exact(p->a) && plan_is_exact(p->b) ? 1 : 0.95;
	return chance * after_loss(p, 3);
}

static double search_one(const struct plan_pair *p, const struct peer_path *hard, uint16_t sockets,
			 uint16_t ports)
{
	double arrives = after_loss(p, 2);

	return punch_birthday_chance(plan_searched_width(hard), sockets,
				     (uint32_t)(ports * arrives + 0.5));
}

/* Where both are hard, hits are rare and independent. */
static double search_both(const struct plan_pair *p, const struct punch_step *step)
{
	double width_a = plan_searched_width(p->a);
	double width_b = plan_searched_width(p->b);
	bool random_a = plan_ports(p->a) == PLAN_PORTS_RANDOM;
	bool random_b = plan_ports(p->b) == PLAN_PORTS_RANDOM;
	double hits;

	if (random_a && random_b)
		hits = (double)step->a.ports * step->b.ports / (width_a * width_b);
	else if (random_a)
		hits = step->a.sockets *
		       (plan_keeps_port_of_peer(p->b) ? (double)step->b.ports : 1.0) / width_a;
	else
		hits = step->b.sockets *
		       (plan_keeps_port_of_peer(p->a) ? (double)step->a.ports : 1.0) / width_b;
	double known = random_a && random_b ? 1
		       : random_a           ? foretold(p->b, step->b.sockets, step->a.ports)
					    : foretold(p->a, step->a.sockets, step->b.ports);

	return known * (1 - exp(-hits * after_loss(p, 2)));
}

double plan_chance_search(const struct plan_pair *p, const struct punch_step *step)
{
	if (plan_is_hard(p->a) && plan_is_hard(p->b))
		return search_both(p, step);
	return plan_is_hard(p->a) ? search_one(p, p->a, step->a.sockets, step->b.ports)
				  : search_one(p, p->b, step->b.sockets, step->a.ports);
}

double punch_birthday_chance(uint32_t range, uint32_t sockets, uint32_t ports)
{
	if (sockets == 0 || ports == 0 || range == 0)
		return 0;
	if (sockets + (uint64_t)ports > range)
		return 1;
	/* None of the ports: (range - sockets choose ports) of (range choose ports). */
	double none = lgamma(range - sockets + 1.0) - lgamma(range - sockets - ports + 1.0) -
		      lgamma(range + 1.0) + lgamma(range - ports + 1.0);

	return -expm1(least(none, 0));
}

#include "plan_report.h"

#include <string.h>

#include "natprobe/peer/peer_facts.h"

static const char *family_word(uint8_t family)
{
	return family == ADDR_IPV6 ? "IPv6" : "IPv4";
}

static bool is_of_use(const struct report_probe *p)
{
	return p->verdict != NULL && report_outcome(p) != VERDICT_NO_SERVER;
}

size_t plan_report_profile(const struct report *r, struct peer_profile *out, const char **names)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < r->probe_count && out->path_count < PEER_PATHS_MAX; i++) {
		const struct report_probe *p = &r->probes[i];

		if (!is_of_use(p))
			continue;
		if (names != NULL)
			names[out->path_count] = p->interface;
		/* Reports of two networks: that their addresses are alike means nothing. */
		peer_path_of_verdict(p->verdict, 0, &out->paths[out->path_count++]);
	}
	return out->path_count;
}

/* 192.0.2.0/24 and 2001:db8::/32 stand for what --redact hides. */
static bool is_masked(const struct addr *a)
{
	static const uint8_t ipv4[] = { 192, 0, 2 }, ipv6[] = { 0x20, 0x01, 0x0d, 0xb8 };

	if (a->family == ADDR_IPV4)
		return memcmp(a->ip, ipv4, sizeof(ipv4)) == 0;
	return a->family == ADDR_IPV6 && memcmp(a->ip, ipv6, sizeof(ipv6)) == 0;
}

/* Two addresses of one network, as networks commonly are: reports do not say how long the prefix is. */
static bool is_neighbour(const struct addr *a, const struct addr *b)
{
	size_t common = a->family == ADDR_IPV4 ? 3 : 8;

	return a->family != ADDR_NONE && a->family == b->family && !addr_equal_ip(a, b) &&
	       memcmp(a->ip, b->ip, common) == 0;
}

static bool is_known(uint8_t behaviour)
{
	return behaviour != BEHAVIOUR_UNKNOWN && behaviour != BEHAVIOUR_MIXED;
}

static bool may_equal(uint8_t a, uint8_t b)
{
	return !is_known(a) || !is_known(b) || a == b;
}

static bool may_share_nat(const struct peer_path *a, const struct peer_path *b)
{
	if (!peer_shares_external(a, b) || !is_neighbour(&a->local, &b->local))
		return false;
	for (uint8_t i = 0; i < a->external_count; i++) {
		if (is_masked(&a->externals[i]))
			return false;
	}
	return may_equal(a->mapping, b->mapping) && may_equal(a->filtering, b->filtering) &&
	       may_equal(a->tcp_mapping, b->tcp_mapping) && a->udp_blocked == b->udp_blocked;
}

bool plan_report_is_apart(const struct peer_profile *a, const struct peer_profile *b)
{
	for (uint8_t i = 0; i < a->path_count; i++) {
		for (uint8_t j = 0; j < b->path_count; j++) {
			if (may_share_nat(&a->paths[i], &b->paths[j]))
				return false;
		}
	}
	return true;
}

static void print_side(const struct plan_report *r, size_t side, FILE *out)
{
	const struct peer_profile *p = r->profiles[side];
	char name[REPORT_NAME_MAX];

	fprintf(out, "%c  %s\n", side == 0 ? 'A' : 'B', r->files[side]);
	for (size_t i = 0; i < p->path_count; i++) {
		const struct peer_path *path = &p->paths[i];

		fprintf(out, "   %s, %s: ", report_name(r->names[side][i], name),
			family_word(path->family));
		if (path->udp_blocked == VERDICT_YES)
			fprintf(out, "UDP is blocked\n");
		else
			fprintf(out, "mapping %s, filtering %s, ports %s\n",
				verdict_behaviour_word((enum verdict_behaviour)path->mapping),
				verdict_behaviour_word((enum verdict_behaviour)path->filtering),
				verdict_delta_word((enum verdict_delta)path->delta));
	}
}

static void print_amount(const char *who, const struct punch_part *part, FILE *out)
{
	if (part->sockets == 0 && part->ports == 0)
		return;
	fprintf(out, "; %s:", who);
	if (part->sockets > 0)
		fprintf(out, " %u socket%s", part->sockets, part->sockets > 1 ? "s" : "");
	if (part->sockets > 0 && part->ports > 0)
		fprintf(out, " and");
	if (part->ports > 0)
		fprintf(out, " %u port%s", part->ports, part->ports > 1 ? "s" : "");
}

/* Who begins, where only one does. */
static void print_order(const struct punch_step *s, FILE *out)
{
	if (s->strategy != PUNCH_DIRECT && s->strategy != PUNCH_DELAYED)
		return;
	if (s->a.opens != s->b.opens)
		fprintf(out, "; %c begins", s->a.opens ? 'A' : 'B');
}

static void print_step(const struct punch_step *s, FILE *out)
{
	char word[24];

	snprintf(word, sizeof(word), "%s", punch_strategy_word((enum punch_strategy)s->strategy));
	fprintf(out, "  %4.1f s  %-12s  %s  %5.1f %%  %s", s->start_us / 1e6, word,
		family_word(s->family), s->chance * 100,
		punch_strategy_text((enum punch_strategy)s->strategy));
	print_order(s, out);
	print_amount("A", &s->a, out);
	print_amount("B", &s->b, out);
	fputc('\n', out);
}

/* Nothing is certain, nor out of the question, for being rounded. */
static void print_chance(double chance, FILE *out)
{
	const double percent = chance * 100;

	if (percent > 99.9 && percent < 100)
		fputs("a chance of more than 99.9 %", out);
	else if (percent > 0 && percent < 0.1)
		fputs("a chance of less than 0.1 %", out);
	else
		fprintf(out, "a chance of %.1f %%", percent);
}

static void print_sum(const struct punch_plan *plan, FILE *out)
{
	static const char *const whose[] = { [PUNCH_SIDE_NONE] = "",
					     [PUNCH_SIDE_A] = ", on the side of A",
					     [PUNCH_SIDE_B] = ", on the side of B",
					     [PUNCH_SIDE_BOTH] = ", on both sides" };

	fputs("Without a relay it succeeds with ", out);
	print_chance(plan->chance, out);
	if (plan->chance_relay > plan->chance) {
		fputs(", with one with ", out);
		print_chance(plan->chance_relay, out);
	}
	fputs(".\n", out);
	if (plan->reason != REASON_NONE)
		fprintf(out, "Why: %s%s.\n", punch_reason_text((enum punch_reason)plan->reason),
			whose[plan->side <= PUNCH_SIDE_BOTH ? plan->side : PUNCH_SIDE_NONE]);
}

void plan_report_text(const struct plan_report *r, FILE *out)
{
	print_side(r, 0, out);
	print_side(r, 1, out);
	if (r->plan->count > 0)
		fprintf(out, "\n   start  strategy      over   chance, if all before it failed\n");
	for (size_t i = 0; i < r->plan->count; i++)
		print_step(&r->plan->steps[i], out);
	fputc('\n', out);
	print_sum(r->plan, out);
}

/*
 * Shows one trial between two profiles: what was planned, what came of it, and, with "trace", every
 * packet: pair_show PROFILE_A PROFILE_B [SEED [LOSS [trace]]]. PROFILE_B "same": behind A's boxes.
 * R with a number is a network that chance made up: punch_matrix --random has them. LOSS is a share. Environment: ONLY=strategy, RELAY=1, SKEW_MS=n, MATRIX=1: the very trial that
 * punch_matrix has for these profiles (in the order of its list), seed and loss.
 */
#include <stdlib.h>
#include <string.h>

#include "natprobe/trial/trial_record.h"
#include "nat_truth.h"
#include "sim_pair.h"

#define MATRIX_ERROR_US 10000 /* its --clock-error */

static void show_part(const char *name, const struct punch_part *p)
{
	printf("      %s%s ttl %u, sockets %u, ports %u", name, p->opens ? " opens" : "",
	       p->opener_ttl, p->sockets, p->ports);
	if (p->window_step != 0)
		printf(", window %d step %d", p->window_first, p->window_step);
	if (p->high != 0)
		printf(", range %u-%u", p->low, p->high);
}

static void show_truth(unsigned truth)
{
	static const char *const words[] = { "filtered",
					     "remapped",
					     "mapping-ended",
					     "no-hairpin",
					     "rate-limit",
					     "mapping-limit",
					     "blocked",
					     "lost",
					     "no-mapping",
					     "hairpin-filtered",
					     "no-simultaneous-open",
					     "ttl-ended",
					     "mapped" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if ((truth >> i & 1) != 0)
			printf(" %s", words[i]);
	}
}

static void show_evidence(const char *name, const struct punch_evidence *e)
{
	char local[ADDR_TEXT_MAX], announced[ADDR_TEXT_MAX], seen[ADDR_TEXT_MAX],
		after[ADDR_TEXT_MAX];

	printf("      %s: sockets %u, sent %u, received %u, answers %u, stray %u, icmp %u/%u/%u\n",
	       name, e->sockets, e->sent, e->received, e->answers, e->stray, e->icmp[0], e->icmp[1],
	       e->icmp[2]);
	if (e->next_port != 0)
		printf("         the next port was %u\n", e->next_port);
	printf("         local %s announced %s, saw the other at %s, mapped after %s\n",
	       addr_print(&e->local, local), addr_print(&e->announced, announced),
	       addr_print(&e->seen, seen), addr_print(&e->mapped_after, after));
	if (e->tcp_connects > 0)
		printf("         tcp: %u connects, %u refused, %u icmp, %u timeouts, %u accepted, "
		       "%u connected\n",
		       e->tcp_connects, e->tcp_refused, e->tcp_icmp, e->tcp_timeouts,
		       e->tcp_accepted, e->tcp_connected);
}

static void show_path(const char *name, const struct sim_pair_side *s)
{
	char local[ADDR_TEXT_MAX], outer[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
	const struct punch_result *r = &s->result;

	printf("  %s: %s%s%s, local %s, seen as %s, remote %s; to path %.3f s, elapsed %.3f s, "
	       "sent %u, received %u, open %u; overall %s\n",
	       name, punch_strategy_word((enum punch_strategy)r->path.strategy),
	       r->path.is_tcp ? " tcp" : "", r->path.is_relayed ? " relayed" : "",
	       addr_print(&r->path.local, local), addr_print(&r->path.outer, outer),
	       addr_print(&r->path.remote, remote), r->to_path_us / 1e6, r->elapsed_us / 1e6,
	       r->sent, r->received, s->open_at_end,
	       punch_reason_word((enum punch_reason)r->overall.reason));
	printf("     quality: %u of %u, rtt %.1f ms; has theirs %d\n", r->quality.answered,
	       r->quality.sent, r->quality.rtt_median_us / 1e3, r->has_theirs);
}

static void show_step(const struct sim_pair_side sides[2], uint8_t i)
{
	const struct punch_step *s = &sides[0].result.plan.steps[i];
	const struct punch_verdict *v = &sides[0].result.verdicts[i];

	printf("  %u %s%s set %u, at %.3f s for %.3f s, chance %.4f; A says %s side %u detail %d, "
	       "B says %s\n",
	       i, punch_strategy_word((enum punch_strategy)s->strategy),
	       s->is_local ? " local" : "", s->set, s->start_us / 1e6, s->duration_us / 1e6,
	       s->chance, punch_reason_word((enum punch_reason)v->reason), v->side, v->detail,
	       punch_reason_word((enum punch_reason)sides[1].result.verdicts[i].reason));
	show_part("A", &s->a);
	show_part("; B", &s->b);
	printf("\n");
	show_evidence("A", &sides[0].result.ours[i]);
	show_evidence("B", &sides[1].result.ours[i]);
	printf("      boxes of A:");
	show_truth(sides[0].truth[i]);
	printf("; of B:");
	show_truth(sides[1].truth[i]);
	printf("\n");
}

/* The sentences that a user reads. */
static void show_why(const char *name, const struct sim_pair_side *ours,
		     const struct sim_pair_side *theirs)
{
	struct trial_record *r = malloc(sizeof(*r));

	if (r == NULL)
		return;
	trial_record_make(&ours->result, &ours->profile, &theirs->profile, r);
	for (uint8_t i = 0; i < r->step_count; i++) {
		if (r->steps[i].why[0] != '\0')
			printf("  %s of step %u: %s\n", name, i, r->steps[i].why);
	}
	if (r->why[0] != '\0')
		printf("  %s: %s\n", name, r->why);
	free(r);
}

static void show(bool finished, const struct sim_pair_side sides[2])
{
	const struct punch_plan *plan = &sides[0].result.plan;

	printf("%s; plan of %u steps, chance %.4f, with relay %.4f, reason %s\n",
	       finished ? "finished" : "NOT FINISHED", plan->count, plan->chance,
	       plan->chance_relay, punch_reason_word((enum punch_reason)plan->reason));
	for (uint8_t i = 0; i < plan->count; i++)
		show_step(sides, i);
	show_path("A", &sides[0]);
	show_path("B", &sides[1]);
	show_why("A", &sides[0], &sides[1]);
	show_why("B", &sides[1], &sides[0]);
}

static void take_environment(struct sim_pair_config *c)
{
	const char *only = getenv("ONLY"), *skew = getenv("SKEW_MS");

	if (only != NULL)
		c->only = PUNCH_BIT(punch_strategy_find(only));
	if (skew != NULL)
		c->start_skew_us = strtol(skew, NULL, 10) * 1000;
	c->has_relay = c->has_relay || getenv("RELAY") != NULL;
}

static const struct nat_profile *find_profile(const char *name, struct nat_random *made_up)
{
	char *end;
	unsigned long long seed;

	if (name[0] != 'R')
		return nat_profile_find(name);
	seed = strtoull(name + 1, &end, 10);
	if (end == name + 1 || *end != '\0')
		return NULL;
	nat_random_profile(seed, made_up);
	made_up->profile.id = name;
	return &made_up->profile;
}

int main(int argc, char **argv)
{
	static struct sim_pair_side sides[2]; /* too large for a stack */
	static struct nat_random made_up[2];
	struct sim_pair_config c = { .seed = 1, .clock_error_us = 5000 };
	bool finished;

	for (int i = 0; i < 2 && i + 1 < argc; i++)
		c.profiles[i] = find_profile(argv[i + 1], &made_up[i]);
	c.same_nat = argc > 2 && strcmp(argv[2], "same") == 0;
	if (c.profiles[0] == NULL || (c.profiles[1] == NULL && !c.same_nat)) {
		fprintf(stderr, "usage: pair_show PROFILE PROFILE|same [SEED [LOSS [trace]]]\n");
		return 2;
	}
	if (argc > 3)
		c.seed = strtoul(argv[3], NULL, 10);
	if (argc > 4)
		c.loss_per_mille = (uint32_t)(strtod(argv[4], NULL) * 1000);
	if (getenv("MATRIX") != NULL)
		c = sim_pair_drawn(c.profiles[0], c.profiles[1], c.seed, c.loss_per_mille,
				   MATRIX_ERROR_US);
	if (argc > 5)
		c.trace = stdout;
	take_environment(&c);
	finished = sim_pair_run(&c, sides);
	show(finished, sides);
	return finished ? 0 : 1;
}

/*
 * unseen - diagnoses of networks that nobody drew up, class by class (tests/unseen.h): right,
 * unknown, wrong, and what is wrong with the first ones.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/score.h"
#include "tests/unseen.h"

struct options {
	const char *class; /* NULL: all */
	unsigned seeds, first_seed;
	double loss;
	unsigned verbose;
};

struct tally {
	unsigned runs, wrong_runs, unended, marks[SCORE_MARKS];
	unsigned datagrams, connections, burst, per_second;
	uint32_t most_us;
	double doubt, total_s;
	struct {
		const struct property *property;
		unsigned unknown, wrong;
	} properties[64];
};

static void usage(FILE *out)
{
	fputs("Usage: unseen [OPTION]...\n"
	      "Diagnose made-up networks of every class and judge what comes of it.\n"
	      "\n"
	      "  --seeds N         networks of each class (50)\n"
	      "  --first-seed N    the first seed (1)\n"
	      "  --loss P          percent lost each way (0)\n"
	      "  --class NAME      this class only\n"
	      "  --verbose         say what is wrong; twice: and what is unknown\n",
	      out);
}

static struct options read_options(int argc, char **argv)
{
	static const struct option list[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "first-seed", required_argument, NULL, 'f' },
		{ "loss", required_argument, NULL, 'l' },
		{ "class", required_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .seeds = 50, .first_seed = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
		switch (option) {
		case 's':
			o.seeds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			o.first_seed = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			o.loss = strtod(optarg, NULL) / 100;
			break;
		case 'c':
			o.class = optarg;
			break;
		case 'v':
			o.verbose++;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	return o;
}

static void count(struct tally *t, const struct unseen *u, const struct expect *truth,
		  const struct score *s)
{
	t->runs++;
	t->wrong_runs += s->is_wrong;
	t->unended += !s->ended;
	t->doubt += 1 - s->confidence;
	t->total_s += s->elapsed_us / 1e6;
	if (s->elapsed_us > t->most_us)
		t->most_us = s->elapsed_us;
	if (s->datagrams > t->datagrams)
		t->datagrams = s->datagrams;
	if (s->connections > t->connections)
		t->connections = s->connections;
	for (size_t i = 0; i < truth->count; i++) {
		const struct expect_line *line = &truth->lines[i];
		const char *name = line->property->name;

		if ((u->delays && strcmp(name, "rtt") == 0) ||
		    (u->loses && strcmp(name, "loss") == 0))
			continue;
		size_t at = (size_t)(line->property - property_table);

		if (!score_is_interval(line))
			t->marks[s->marks[i]]++;
		t->properties[at].property = line->property;
		t->properties[at].unknown += s->marks[i] == SCORE_UNKNOWN;
		t->properties[at].wrong += s->marks[i] == SCORE_WRONG;
	}
}

static void tell(const struct options *o, const char *class, unsigned seed, const struct unseen *u,
		 const struct score *s)
{
	const struct nat_config *n = &u->profile.layers[0];

	if (o->verbose > 0 && (s->is_wrong || !s->ended))
		printf("    %s %u: WRONG %s (claims %.5f), %.3f s;", class, seed, s->wrong,
		       1 - s->confidence, s->elapsed_us / 1e6);
	else if (o->verbose > 1 && s->unknown[0] != '\0')
		printf("    %s %u: %s (claims %.5f), %.3f s;", class, seed, s->unknown,
		       1 - s->confidence, s->elapsed_us / 1e6);
	else
		return;
	printf(" mapping %u filtering %u hairpin %u allocation %u step %d offset %d limit %u "
	       "rate %u/%u misdeed %u %u %u\n",
	       n->mapping, n->filtering, n->hairpin, n->allocation, n->step, n->offset,
	       n->subscriber_limit, n->rate_per_s, n->rate_burst, u->net.servers[0].misdeed,
	       u->net.servers[1].misdeed, u->net.servers[2].misdeed);
	if (o->verbose > 2)
		fputs(u->truth, stdout);
}

static void print(const char *class, const struct tally *t)
{
	unsigned all = t->marks[0] + t->marks[1] + t->marks[2];

	printf("%-20s right %6.2f %% unknown %5u wrong %3u of %6u; runs wrong %u of %u (owned "
	       "%.3f); %.2f s, most %.2f s; %u UDP %u TCP%s;",
	       class, 100.0 * t->marks[SCORE_RIGHT] / (all > 0 ? all : 1), t->marks[SCORE_UNKNOWN],
	       t->marks[SCORE_WRONG], all, t->wrong_runs, t->runs, t->doubt, t->total_s / t->runs,
	       t->most_us / 1e6, t->datagrams, t->connections, t->unended > 0 ? " UNENDED" : "");
	for (size_t i = 0; i < property_count; i++) {
		if (t->properties[i].unknown + t->properties[i].wrong > 0)
			printf(" %s %u/%u", t->properties[i].property->name,
			       t->properties[i].unknown, t->properties[i].wrong);
	}
	printf("\n");
}

static void run_class(const struct options *o, const struct unseen_class *class)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < o->seeds; i++) {
		struct sim_result results[SIM_INTERFACES_MAX];
		struct unseen u;

		unseen_make(class, o->first_seed + i, o->loss, &u);
		struct expect truth = score_truth(&u.net);
		size_t n = sim_run(&u.net, results);

		for (size_t k = 0; k < n; k++) {
			struct score s;

			score_judge(&truth, &results[k], &s);
			count(&t, &u, &truth, &s);
			tell(o, class->name, o->first_seed + i, &u, &s);
		}
		expect_free(&truth);
	}
	print(class->name, &t);
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	const struct unseen_class *class;

	for (size_t i = 0; (class = unseen_class(i)) != NULL; i++) {
		if (o.class == NULL || strcmp(o.class, class->name) == 0)
			run_class(&o, class);
	}
	return 0;
}

/* One diagnosis in sim_net, with every packet and what came of it, for people to read. */
#include "sim_net.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "natprobe/report/property.h"

static void fail_usage(void)
{
	fputs("Usage: sim_show [--loss PERCENT] [--rtt MS] [--seed N] PROFILE\n", stderr);
	exit(2);
}

static double number(const char *text, double most)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end != '\0' || !(n >= 0 && n <= most))
		fail_usage();
	return n;
}

static void show_values(const struct sim_result *r)
{
	for (size_t i = 0; i < property_count; i++) {
		struct property_value v;

		if (!property_is_asked(&property_table[i], &r->verdict))
			continue;
		property_get(&property_table[i], &r->verdict, &v);
		printf("  %-18s %s%s%s\n", property_table[i].name, v.text, v.known ? "" : ": ",
		       v.known ? "" : verdict_cause_word(v.cause));
	}
}

static void take_option(struct sim_config *c, int option)
{
	switch (option) {
	case 'l':
		c->access.loss = number(optarg, 100) / 100;
		break;
	case 'r':
		c->rtt_us = (uint32_t)(number(optarg, 10000) * 1000);
		break;
	case 's':
		c->seed = (uint64_t)number(optarg, 1e15);
		break;
	default:
		fail_usage();
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "loss", required_argument, NULL, 'l' },
						 { "rtt", required_argument, NULL, 'r' },
						 { "seed", required_argument, NULL, 's' },
						 { 0 } };
	struct sim_config c = { .seed = 1, .rtt_us = 50000, .trace = stdout };
	struct sim_result r[SIM_INTERFACES_MAX];
	int option;
	size_t n;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&c, option);
	if (optind + 1 != argc || (c.profile = nat_profile_find(argv[optind])) == NULL)
		fail_usage();
	n = sim_run(&c, r);
	for (size_t i = 0; i < n; i++) {
		printf("interface %zu: %s after %.3f ms, %u datagrams, %u connections\n", i,
		       r[i].ended ? "ended" : "NOT ENDED", (double)r[i].elapsed_us / 1000,
		       r[i].datagrams, r[i].connections);
		show_values(&r[i]);
	}
	return 0;
}

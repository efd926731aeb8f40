/* Shows what a deeper look says of one profile: deep_show PROFILE [SEED [LOSS [trace]]]. */
#include <stdlib.h>

#include "natprobe/report/property.h"
#include "sim_deep.h"

int main(int argc, char **argv)
{
	static struct sim_deep_result r; /* too large for a stack */
	const struct nat_profile *p = argc > 1 ? nat_profile_find(argv[1]) : NULL;
	struct sim_deep_config c = { .net = { .profile = p, .seed = 1, .server_count = 1 } };

	if (p == NULL) {
		fprintf(stderr, "usage: deep_show PROFILE [SEED [LOSS [trace]]]\n");
		return 2;
	}
	if (argc > 2)
		c.net.seed = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		c.net.access.loss = strtod(argv[3], NULL);
	if (argc > 4)
		c.net.trace = stdout;
	sim_deep_run(&c, &r);
	for (size_t i = 0; i < property_count; i++) {
		struct property_value v;
		char text[PROPERTY_LONG_MAX];

		if (!property_table[i].is_deep)
			continue;
		property_get(&property_table[i], &r.verdict, &v);
		printf("  %-22s %s\n", property_table[i].name,
		       property_print(&property_table[i], &v, text));
	}
	printf("  %.1f s, %u datagrams\n", (double)r.elapsed_us / 1e6, r.datagrams);
	return 0;
}

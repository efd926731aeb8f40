#include "unseen_kit.h"

const struct unseen_class *unseen_class(size_t i)
{
	static const struct unseen_class *const groups[] = { unseen_ports, unseen_boxes,
							     unseen_paths };

	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		for (const struct unseen_class *c = groups[g]; c->name != NULL; c++) {
			if (i-- == 0)
				return c;
		}
	}
	return NULL;
}

void unseen_make(const struct unseen_class *c, uint64_t seed, double loss, struct unseen *out)
{
	struct rng r = rng_seed(seed ^ 0x756e7365656eu);

	(void)rng_next(&r);
	*out = (struct unseen){ 0 };
	out->profile = (struct nat_profile){ .id = c->name,
					     .name = c->name,
					     .summary = "made up",
					     .family = ADDR_IPV4,
					     .deep_truth = "",
					     .p2pd_type = "",
					     .p2pd_delta = "",
					     .strategy = "punch" };
	out->net.seed = seed;
	out->net.server_count = 1;
	out->net.access.loss = loss;
	c->make(out, &r);
	out->profile.truth = out->truth;
	out->net.profile = &out->profile;
}

#include "relay_mask.h"

void relay_mask(struct mask *m, struct relay_row *row)
{
	struct relay_result *r = &row->result;

	mask_addr(m, &r->to);
	mask_addr(m, &r->redirected);
	mask_addr(m, &r->mapped);
	mask_addr(m, &r->outside);
	for (size_t f = 0; f < RELAY_FAMILIES; f++) {
		for (size_t i = 0; i < ARRAY_LEN(r->families[f].relayed); i++)
			mask_addr(m, &r->families[f].relayed[i]);
	}
	mask_addr(m, &r->in.from);
	mask_addr(m, &r->out.from);
	for (size_t i = 0; i < r->finding_count; i++)
		mask_addr(m, &r->findings[i].addr);
}

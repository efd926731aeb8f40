#include "tests/punch_paths.h"

const char *const punch_row_names[PUNCH_ROWS] = { "O",   "F",  "C1", "C2", "C3",
						  "C3L", "Sq", "Sb", "Sr", "B" };

static void set_rules(struct peer_path *p, uint8_t mapping, uint8_t filtering)
{
	p->mapping = p->tcp_mapping = mapping;
	p->filtering = p->tcp_filtering = filtering;
}

static void set_random(struct peer_path *p, uint16_t low, uint16_t high)
{
	set_rules(p, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	p->delta = DELTA_RANDOM;
	p->port_low = low;
	p->port_high = high;
}

static void set_row(struct peer_path *p, enum punch_row row)
{
	switch (row) {
	case ROW_OPEN:
		set_rules(p, BEHAVIOUR_NONE, BEHAVIOUR_ENDPOINT_INDEPENDENT);
		break;
	case ROW_FIREWALL:
		set_rules(p, BEHAVIOUR_NONE, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
		break;
	case ROW_FULL_CONE:
		set_rules(p, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT);
		break;
	case ROW_RESTRICTED:
		set_rules(p, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT);
		break;
	case ROW_LINUX:
		p->early_inbound = PEER_WORD(DEEP_EARLY_REMAPPED);
		/* fall through */
	case ROW_PORT:
		set_rules(p, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
		break;
	case ROW_SEQUENTIAL:
		set_random(p, 0, 0);
		p->delta = DELTA_INDEPENDENT;
		p->delta_value = 1;
		p->background_per_s = 0;
		break;
	case ROW_BLOCK:
		set_random(p, 20480, 20991);
		break;
	case ROW_RANDOM:
		set_random(p, 0, 0);
		break;
	default:
		set_random(p, 0, 0);
		p->udp_blocked = VERDICT_YES;
		break;
	}
}

struct peer_profile punch_row_profile(enum punch_row row, unsigned who)
{
	struct peer_profile profile = { .path_count = 1 };
	struct peer_path *p = &profile.paths[0];
	bool translates = row != ROW_OPEN && row != ROW_FIREWALL;

	*p = (struct peer_path){ .family = ADDR_IPV4,
				 .local_prefix_len = 24,
				 .external_count = 1,
				 .pooling = POOLING_PAIRED,
				 .background_per_s = -1,
				 .overload = -1,
				 .early_inbound = PEER_WORD(DEEP_EARLY_KEPT),
				 .unexpected = PEER_WORD(DEEP_SURVIVES),
				 .icmp_error = PEER_WORD(DEEP_SURVIVES),
				 .syn_reaction = PEER_WORD(DEEP_SYN_SILENT),
				 .udp_blocked = VERDICT_NO,
				 .tcp_blocked = VERDICT_NO,
				 .rtt_us = 40000,
				 .loss = 0 };
	p->externals[0] = addr_ipv4(81, 2, (uint8_t)(69 + who), 160, 0);
	p->local = translates ? addr_ipv4(192, 168, (uint8_t)(7 + who), 23, 0) : p->externals[0];
	set_row(p, row);
	profile.host[0] = (uint8_t)(1 + who);
	return profile;
}

static void offer_path(const struct peer_profile *profile, uint8_t path, struct peer_offer *o)
{
	const struct peer_path *p = &profile->paths[path];

	for (uint8_t set = 0; set < PEER_SETS && o->endpoint_count + 2 <= PEER_ENDPOINTS_MAX;
	     set++) {
		uint16_t local = (uint16_t)(40000 + 100 * path + 10 * set);
		uint16_t outside = p->mapping == BEHAVIOUR_NONE ? local : (uint16_t)(local + 5000);

		o->endpoints[o->endpoint_count++] = (struct peer_endpoint){
			.kind = PEER_HOST,
			.path = path,
			.set = set,
			.local_port = (uint16_t)(local + 1),
			.addr = addr_with_port(&p->local, (uint16_t)(local + 1)),
		};
		o->endpoints[o->endpoint_count++] = (struct peer_endpoint){
			.kind = PEER_MAPPED,
			.path = path,
			.set = set,
			.local_port = local,
			.addr = addr_with_port(&p->externals[0], outside),
		};
	}
	for (uint8_t i = 0; i < 4 && p->delta == DELTA_INDEPENDENT; i++) {
		o->samples[path][i] = (struct peer_sample){
			.local_port = (uint16_t)(50000 + i),
			.external_port = (uint16_t)(30000 + i * p->delta_value),
			.ago_us = (4u - i) * 50000,
		};
		o->sample_counts[path] = (uint8_t)(i + 1);
	}
}

struct peer_offer punch_offer_of(const struct peer_profile *p)
{
	struct peer_offer o = { 0 };

	for (uint8_t i = 0; i < p->path_count; i++)
		offer_path(p, i, &o);
	return o;
}

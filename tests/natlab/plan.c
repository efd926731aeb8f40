#include "plan.h"

#include <stdarg.h>
#include <stdio.h>

#include "nat64.h"
#include "opt_text.h"

#define LAST_HOST_NUMBER 250 /* of a network, where addresses are given out */

bool lab_fail(struct lab_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

const struct nat_profile *lab_profile(const char *word, struct lab_error *err)
{
	const struct nat_profile *p = nat_profile_find(word), *nearest = NULL;
	size_t least = strlen(word) / 3 + 2; /* farther off is another word */

	for (size_t i = 0; p == NULL && i < nat_profile_count; i++) {
		size_t distance = opt_text_distance(nat_profiles[i].name, word);

		if (distance < least) {
			least = distance;
			nearest = &nat_profiles[i];
		}
	}
	if (p == NULL && nearest != NULL)
		lab_fail(err, "there is no profile \"%.60s\"; did you mean %s?", word,
			 nearest->name);
	else if (p == NULL)
		lab_fail(err, "there is no profile \"%.60s\"; natlab list shows them", word);
	return p;
}

static size_t last_byte(const struct addr *a)
{
	return addr_ip_len(a->family) - 1;
}

uint8_t lab_prefix_len(const struct addr *a)
{
	return a->family == ADDR_IPV6 ? LAB_PREFIX_IPV6 : LAB_PREFIX_IPV4;
}

bool lab_is_plain(const struct nat_link_config *line)
{
	return line->loss == 0 && line->duplicate == 0 && line->reorder == 0 &&
	       line->delay_us == 0 && line->jitter_us == 0 && line->rate_bit_s == 0;
}

int lab_find_box(const struct lab_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->box_count; i++) {
		if (strcmp(plan->boxes[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int lab_find_host(const struct lab_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->host_count; i++) {
		if (strcmp(plan->hosts[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static bool check_name(const struct lab_plan *plan, const char *name, struct lab_error *err)
{
	if (name[0] == '\0' || strlen(name) >= LAB_NAME_MAX || strchr(name, ' ') != NULL)
		return lab_fail(err,
				"\"%.40s\" is no name for a node: 1 to %d characters, no blank",
				name, LAB_NAME_MAX - 1);
	if (lab_find_box(plan, name) >= 0 || lab_find_host(plan, name) >= 0 ||
	    strcmp(name, LAB_SERVERS) == 0)
		return lab_fail(err, "there are two nodes called %s", name);
	return true;
}

/* The k-th network beside this one. */
static void move_net(struct addr *a, size_t k)
{
	size_t at = a->family == ADDR_IPV6 ? 5 : 1;

	if (a->family != ADDR_NONE)
		a->ip[at] = (uint8_t)(a->ip[at] + k);
}

static bool translates(const struct nat_config *c)
{
	return c->mapping != NAT_NONE || c->nat64_prefix_len > 0 ||
	       (c->has_tcp_rules && c->tcp_mapping != NAT_NONE);
}

static bool box_has_external(const struct lab_box *b, const struct addr *a)
{
	for (size_t i = 0; i < b->config.external_count; i++) {
		if (addr_equal_ip(&b->config.externals[i], a))
			return true;
	}
	return false;
}

bool lab_nic_has(const struct lab_nic *nic, const struct addr *a)
{
	return addr_equal_ip(&nic->addr, a) ||
	       (nic->second.family == a->family && addr_equal_ip(&nic->second, a));
}

/* Somebody in the network behind `box` (or of the world) has it. */
static bool is_taken(const struct lab_plan *plan, int box, const struct addr *a)
{
	if (box >= 0 && addr_equal_ip(&plan->boxes[box].inside, a))
		return true;
	for (size_t i = 0; i < plan->box_count; i++) {
		if (plan->boxes[i].outer == box && box_has_external(&plan->boxes[i], a))
			return true;
	}
	for (size_t h = 0; h < plan->host_count; h++) {
		const struct lab_host *host = &plan->hosts[h];

		for (size_t n = 0; n < host->nic_count; n++) {
			if (host->nics[n].box == box && lab_nic_has(&host->nics[n], a))
				return true;
		}
	}
	return false;
}

/* The next address behind `first` that nobody has. */
static bool find_free(const struct lab_plan *plan, int box, const struct addr *first,
		      struct addr *out, struct lab_error *err)
{
	struct addr a = addr_with_port(first, 0);
	uint8_t *number = &a.ip[last_byte(&a)];

	while (*number < LAST_HOST_NUMBER) {
		++*number;
		if (!is_taken(plan, box, &a)) {
			*out = a;
			return true;
		}
	}
	return lab_fail(err, "behind %s there is no address left",
			box >= 0 ? plan->boxes[box].name : "the world");
}

bool lab_settle_box(struct lab_plan *plan, size_t box, struct lab_error *err)
{
	static const struct addr wan[] = {
		[ADDR_IPV4] = { .family = ADDR_IPV4, .ip = { 21, 0, 0, 1 } },
		[ADDR_IPV6] = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x21, [15] = 1 } },
	};
	struct lab_box *b = &plan->boxes[box];
	struct addr net;

	if (!translates(&b->config) || b->config.external_count > 0)
		return true;
	if (b->outer >= 0) {
		net = plan->boxes[b->outer].inside;
	} else {
		net = wan[b->config.nat64_prefix_len > 0 ? ADDR_IPV4 : b->inside.family];
		move_net(&net, box);
	}
	if (!find_free(plan, b->outer, &net, &b->config.externals[0], err))
		return false;
	b->config.external_count = 1;
	return true;
}

static bool faces_world(const struct lab_plan *plan, int outer)
{
	return outer == LAB_WORLD || plan->boxes[outer].at_world;
}

/* Addresses of the world are nobody else's. */
static void move_box(const struct lab_plan *plan, struct lab_box *b, size_t k)
{
	if (b->at_world) {
		move_net(&b->inside, k);
		move_net(&b->config.gateway, k);
	}
	if (!faces_world(plan, b->outer))
		return;
	for (size_t i = 0; i < b->config.external_count; i++)
		move_net(&b->config.externals[i], k);
	move_net(&b->config.nptv6_outside, k);
}

/* As many addresses as it had, of the network of the box before it. */
static bool take_outer_addresses(struct lab_plan *plan, size_t box, struct lab_error *err)
{
	struct lab_box *b = &plan->boxes[box];
	const struct addr *net = &plan->boxes[b->outer].inside;

	for (size_t i = 0; i < b->config.external_count; i++)
		b->config.externals[i] = (struct addr){ 0 };
	for (size_t i = 0; i < b->config.external_count; i++) {
		struct addr first = i > 0 ? b->config.externals[i - 1] : *net;

		if (!find_free(plan, b->outer, &first, &b->config.externals[i], err))
			return false;
	}
	return true;
}

static bool is_at_world(const struct lab_plan *plan, int outer, const struct nat_config *c)
{
	return faces_world(plan, outer) && c->mapping == NAT_NONE && c->nptv6_len == 0;
}

static bool add_box(struct lab_plan *plan, const struct nat_profile *p, unsigned layer,
		    const char *name, int outer, struct lab_error *err)
{
	struct lab_box *b = &plan->boxes[plan->box_count];

	if (plan->box_count == LAB_BOXES_MAX)
		return lab_fail(err, "more than %d boxes", LAB_BOXES_MAX);
	if (!check_name(plan, name, err))
		return false;
	*b = (struct lab_box){
		.outer = outer,
		.config = p->layers[layer],
		.nft = p->engine == NAT_ENGINE_KERNEL ? p->nft : NULL,
		.inside = nat_plan_gateway(p, layer),
		.line = { .delay_us = outer == LAB_WORLD ? LAB_DELAY_US : 0 },
		.dns_nat64 = p->dns_nat64,
		.dns_nat64_len = p->dns_nat64_len,
	};
	snprintf(b->name, sizeof(b->name), "%.*s", LAB_NAME_MAX - 1, name);
	b->at_world = is_at_world(plan, outer, &b->config);
	move_box(plan, b, plan->box_count);
	/* Further layers have addresses in the network of the one before by their profile. */
	if (layer == 0 && outer >= 0 && !take_outer_addresses(plan, plan->box_count, err))
		return false;
	plan->box_count++;
	return true;
}

int lab_add_boxes(struct lab_plan *plan, const struct nat_profile *p, const char *name, int outer,
		  struct lab_error *err)
{
	char layer_name[LAB_NAME_MAX * 2];

	for (unsigned layer = 0; layer < p->layer_count; layer++) {
		if (layer == 0)
			snprintf(layer_name, sizeof(layer_name), "%s", name);
		else
			snprintf(layer_name, sizeof(layer_name), "%.40s-%u", name, layer);
		if (!add_box(plan, p, layer, layer_name, outer, err))
			return -2;
		outer = (int)plan->box_count - 1;
	}
	return outer;
}

struct lab_host *lab_add_host(struct lab_plan *plan, const char *name, struct lab_error *err)
{
	struct lab_host *host = &plan->hosts[plan->host_count];

	if (plan->host_count == LAB_HOSTS_MAX) {
		lab_fail(err, "more than %d hosts", LAB_HOSTS_MAX);
		return NULL;
	}
	if (!check_name(plan, name, err))
		return NULL;
	*host = (struct lab_host){ 0 };
	snprintf(host->name, sizeof(host->name), "%.*s", LAB_NAME_MAX - 1, name);
	plan->host_count++;
	return host;
}

bool lab_add_nic(struct lab_plan *plan, struct lab_host *host, int box, const struct nat_profile *p,
		 struct lab_error *err)
{
	struct lab_nic *nic = &host->nics[host->nic_count];

	if (host->nic_count == LAB_NICS_MAX)
		return lab_fail(err, "%s has more than %d interfaces", host->name, LAB_NICS_MAX);
	*nic = (struct lab_nic){ .box = box };
	if (box >= 0) {
		nic->gateway = plan->boxes[box].inside;
	} else {
		nic->gateway = nat_plan_gateway(p != NULL ? p : &nat_profiles[0], 0);
		move_net(&nic->gateway, 128 + plan->host_count);
	}
	if (p != NULL)
		nic->line = p->access;
	if (!find_free(plan, box, &nic->gateway, &nic->addr, err))
		return false;
	host->nic_count++;
	return true;
}

bool lab_add_second_address(struct lab_plan *plan, struct lab_error *err)
{
	struct lab_host *host = &plan->hosts[plan->host_count - 1];

	for (size_t n = 0; n < host->nic_count; n++) {
		struct lab_nic *nic = &host->nics[n];

		if (nic->second.family == ADDR_NONE &&
		    !find_free(plan, nic->box, &nic->addr, &nic->second, err))
			return false;
	}
	return true;
}

bool lab_add_profile(struct lab_plan *plan, const struct nat_profile *p, const char *box_name,
		     const char *host_name, struct lab_error *err)
{
	int box = lab_add_boxes(plan, p, box_name, LAB_WORLD, err);
	struct lab_host *host = box != -2 ? lab_add_host(plan, host_name, err) : NULL;

	return host != NULL && lab_add_nic(plan, host, box, p, err) &&
	       (!p->two_nics || lab_add_nic(plan, host, box, p, err));
}

uint8_t lab_host_family(const struct lab_host *host)
{
	return host->nic_count > 0 ? host->nics[0].addr.family : ADDR_IPV4;
}

static const struct lab_box *find_nat64(const struct lab_plan *plan, const struct lab_host *host)
{
	int box = host->nic_count > 0 ? host->nics[0].box : LAB_WORLD;

	for (; box >= 0; box = plan->boxes[box].outer) {
		if (plan->boxes[box].config.nat64_prefix_len > 0)
			return &plan->boxes[box];
	}
	return NULL;
}

struct addr lab_dns_nat64(const struct lab_plan *plan, const struct lab_host *host, uint8_t *len)
{
	int box = host->nic_count > 0 ? host->nics[0].box : LAB_WORLD;

	while (box >= 0 && plan->boxes[box].dns_nat64_len == 0)
		box = plan->boxes[box].outer;
	*len = box >= 0 ? plan->boxes[box].dns_nat64_len : 0;
	return box >= 0 ? plan->boxes[box].dns_nat64 : (struct addr){ 0 };
}

struct addr lab_server_seen(const struct lab_plan *plan, const struct lab_host *host,
			    unsigned which)
{
	const struct lab_box *nat64 = find_nat64(plan, host);
	struct addr server, seen;

	if (nat64 == NULL)
		return nat_plan_server(lab_host_family(host), which);
	server = nat_plan_server(ADDR_IPV4, which);
	if (!nat64_embed(&nat64->config.nat64_prefix, nat64->config.nat64_prefix_len, &server,
			 &seen))
		return server;
	return seen;
}

#include "portmap.h"

#include "natprobe/discover/classify.h"

#define PCP_VERSION     2
#define PCP_ANNOUNCE    0
#define PCP_REQUEST_LEN 24
#define PCP_LEN_MAX     1100
#define RESPONSE        0x80

#define UNSUPP_VERSION 1 /* the same number in both protocols */

#define NAT_PMP_REQUEST_LEN 2
#define NAT_PMP_ERROR_LEN   8
#define NAT_PMP_ADDRESS_LEN 12

#define COPIES_MIN    4
#define COPIES_MAX    8
#define PATIENCE_US   150000
#define SILENCE_MAX   3e-5   /* the chance that all copies were lost, at most */
#define KNOWN_MIN     16     /* round trips, before what they show asks for more */
#define ROUND_TRIP_US 100000 /* up to here the first gap is long enough */

/*
 * A gateway is near: before anything is known of its path, as if as many round trips of it had
 * gone well, which is one loss in twenty on average.
 */
#define NEARNESS 18

/* When the copies of one question are due; beyond the last one, evenly. */
static const uint32_t due_us[] = { 0, 60000, 150000, 300000 };
static const uint32_t due_later_us = 100000;

static uint64_t due_at_us(const struct portmap *p, uint8_t copy)
{
	size_t last = ARRAY_LEN(due_us) - 1;

	if (copy <= last)
		return p->started_us + due_us[copy];
	return p->started_us + due_us[last] + (copy - last) * due_later_us;
}

void portmap_start(struct portmap *p, const struct addr *local, const struct addr *gateway,
		   uint64_t now_us)
{
	*p = (struct portmap){
		.local = *local,
		.started_us = now_us,
		.copies_max = COPIES_MIN,
		.patience_us = PATIENCE_US,
		.pcp.next_us = now_us,
		.nat_pmp.next_us = now_us,
	};
	if (gateway->family != ADDR_NONE && gateway->family == local->family)
		p->gateway = addr_with_port(gateway, PORTMAP_PORT);
	/* NAT-PMP speaks of IPv4 addresses only (RFC 6886, section 1). */
	if (p->gateway.family == ADDR_IPV6)
		p->nat_pmp.found.present.value = VERDICT_NO;
}

/* The chance that loss alone silenced so many copies. */
static double silence(const struct portmap *p, unsigned copies)
{
	return classify_silence_by_loss(p->answered + NEARNESS, p->lost, copies);
}

void portmap_expect(struct portmap *p, uint64_t rtt_us, unsigned answered, unsigned lost)
{
	p->answered = answered;
	p->lost = lost;
	if (answered + lost < KNOWN_MIN)
		return;
	while (p->copies_max < COPIES_MAX && silence(p, p->copies_max) > SILENCE_MAX)
		p->copies_max++;
	if (rtt_us > ROUND_TRIP_US && rtt_us + rtt_us / 2 > p->patience_us)
		p->patience_us = (uint32_t)(rtt_us < 10000000 ? rtt_us + rtt_us / 2 : 15000000);
}

void portmap_on_refused(struct portmap *p)
{
	p->refused = true;
}

static bool is_open(const struct portmap *p, const struct portmap_ask *a)
{
	return p->gateway.family != ADDR_NONE && a->found.present.value == VERDICT_UNKNOWN;
}

static bool is_due(const struct portmap *p, const struct portmap_ask *a, uint64_t now_us)
{
	return is_open(p, a) && a->copies < p->copies_max && now_us >= a->next_us;
}

static void note_copy(const struct portmap *p, struct portmap_ask *a)
{
	a->copies++;
	a->next_us = due_at_us(p, a->copies);
}

size_t portmap_next(struct portmap *p, uint64_t now_us, uint8_t out[PORTMAP_LEN])
{
	if (is_due(p, &p->pcp, now_us)) {
		note_copy(p, &p->pcp);
		return portmap_put_pcp_announce(&p->local, out);
	}
	if (is_due(p, &p->nat_pmp, now_us)) {
		note_copy(p, &p->nat_pmp);
		return portmap_put_pmp_address(out);
	}
	return 0;
}

/* When silence counts. */
static uint64_t end_us(const struct portmap *p)
{
	return due_at_us(p, (uint8_t)(p->copies_max - 1)) + p->patience_us;
}

static uint64_t ask_deadline_us(const struct portmap *p, const struct portmap_ask *a)
{
	if (!is_open(p, a))
		return UINT64_MAX;
	return a->copies < p->copies_max ? a->next_us : end_us(p);
}

uint64_t portmap_deadline_us(const struct portmap *p)
{
	uint64_t pcp_us = ask_deadline_us(p, &p->pcp);
	uint64_t nat_pmp_us = ask_deadline_us(p, &p->nat_pmp);

	return pcp_us < nat_pmp_us ? pcp_us : nat_pmp_us;
}

bool portmap_is_over(const struct portmap *p, uint64_t now_us)
{
	if (!is_open(p, &p->pcp) && !is_open(p, &p->nat_pmp))
		return true;
	return now_us >= end_us(p);
}

static void note_present(struct portmap_ask *a, uint16_t result)
{
	a->found.present.value = VERDICT_YES;
	a->found.result = result;
}

/* It answers the other protocol, and says so. What was answered itself stands. */
static void note_absent(struct portmap_ask *a)
{
	if (a->found.present.value == VERDICT_UNKNOWN)
		a->found.present.value = VERDICT_NO;
}

/* Version 0 (RFC 6886, section 3.2 and 3.5). */
static void on_nat_pmp(struct portmap *p, struct bytes data)
{
	struct wire in = wire_read(data);
	uint8_t external[4] = { 0 };

	wire_skip(&in, 1);
	uint8_t opcode = wire_get_u8(&in);
	uint16_t result = wire_get_u16(&in);

	wire_skip(&in, 4); /* epoch */
	if (in.failed || p->local.family != ADDR_IPV4)
		return;
	if (result == UNSUPP_VERSION && (opcode & ~RESPONSE) == 0) {
		/* To the PCP request: it speaks NAT-PMP alone. */
		p->nat_pmp.implied = true;
		note_absent(&p->pcp);
		return;
	}
	if (opcode != RESPONSE)
		return;
	if (result != 0) {
		note_present(&p->nat_pmp, result);
		return;
	}
	wire_get_mem(&in, external, sizeof(external));
	if (!wire_done(&in))
		return;
	note_present(&p->nat_pmp, 0);
	p->nat_pmp.found.external =
		addr_ipv4(external[0], external[1], external[2], external[3], 0);
	if (addr_is_any(&p->nat_pmp.found.external))
		p->nat_pmp.found.external = (struct addr){ 0 };
}

/* Version 1 and later (RFC 6887, section 7.2 and 8.3). */
static void on_pcp(struct portmap *p, struct bytes data)
{
	struct wire in = wire_read(data);

	uint8_t version = wire_get_u8(&in);
	uint8_t opcode = wire_get_u8(&in);

	wire_skip(&in, 1);
	uint8_t result = wire_get_u8(&in);

	if (in.failed || opcode != (RESPONSE | PCP_ANNOUNCE))
		return;
	if (result == UNSUPP_VERSION && version == PCP_VERSION) {
		/* To the NAT-PMP request; may be shorter than others (section 8.3). */
		p->pcp.implied = true;
		note_absent(&p->nat_pmp);
		return;
	}
	if (result == UNSUPP_VERSION) { /* another version than ours and NAT-PMP's */
		note_present(&p->pcp, result);
		return;
	}
	if (version != PCP_VERSION || data.len < PCP_REQUEST_LEN || data.len > PCP_LEN_MAX ||
	    data.len % 4 != 0)
		return;
	note_present(&p->pcp, result);
}

void portmap_on_datagram(struct portmap *p, const struct addr *from, struct bytes data)
{
	if (p->gateway.family == ADDR_NONE || !addr_equal(from, &p->gateway) || data.len < 4)
		return;
	if (data.data[0] == 0)
		on_nat_pmp(p, data);
	else
		on_pcp(p, data);
}

static struct verdict_portmap end_ask(const struct portmap *p, const struct portmap_ask *a,
				      enum verdict_cause early, uint64_t now_us)
{
	struct verdict_portmap found = a->found;

	if (found.present.value != VERDICT_UNKNOWN)
		return found;
	if (p->gateway.family == ADDR_NONE)
		found.present.cause = CAUSE_NO_GATEWAY;
	else if (a->implied)
		found.present.value = VERDICT_YES;
	else if (p->refused)
		found.present.cause = CAUSE_LOCAL_ERROR;
	else if (a->copies < p->copies_max || now_us < end_us(p))
		found.present.cause = (uint8_t)early;
	else
		found.present.value = VERDICT_NO;
	if (found.present.value == VERDICT_NO)
		found.error = silence(p, a->copies);
	return found;
}

void portmap_end(const struct portmap *p, enum verdict_cause early, struct verdict *v,
		 uint64_t now_us)
{
	v->pcp = end_ask(p, &p->pcp, early, now_us);
	v->nat_pmp = end_ask(p, &p->nat_pmp, early, now_us);
}

static bool is_shared(const struct addr *a)
{
	return a->family == ADDR_IPV4 && a->ip[0] == 100 && (a->ip[1] & 0xc0) == 64;
}

static bool is_ds_lite(const struct addr *a)
{
	return a->family == ADDR_IPV4 && a->ip[0] == 192 && a->ip[1] == 0 && a->ip[2] == 0 &&
	       a->ip[3] < 8;
}

static bool is_mapped(const struct verdict *v, const struct addr *external)
{
	if (addr_equal_ip(&v->mapped, external))
		return true;
	for (size_t i = 0; i < v->pooling.external_count; i++) {
		if (addr_equal_ip(&v->pooling.externals[i], external))
			return true;
	}
	return false;
}

/* What one external address of the gateway says. */
static unsigned gateway_hints(const struct verdict *v, const struct addr *external)
{
	if (is_mapped(v, external))
		return 0;
	if (is_shared(external))
		return CGN_GATEWAY_SHARED;
	if (addr_is_private(external) || is_ds_lite(external) || addr_is_link_local(external) ||
	    addr_is_loopback(external))
		return CGN_GATEWAY_PRIVATE;
	return v->mapped.family == external->family ? CGN_GATEWAY_DIFFERS : 0;
}

void portmap_judge_cgn(struct verdict *v)
{
	const struct verdict_portmap *told[] = { &v->pcp, &v->nat_pmp, &v->upnp };
	unsigned hints = 0;
	bool same = false;

	if (is_shared(&v->local))
		hints |= CGN_LOCAL_SHARED;
	if (is_ds_lite(&v->local))
		hints |= CGN_LOCAL_DS_LITE;
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		if (told[i]->external.family == ADDR_NONE)
			continue;
		hints |= gateway_hints(v, &told[i]->external);
		same = same || is_mapped(v, &told[i]->external);
	}
	v->cgn_hints = (uint8_t)hints;
	v->cgn = (struct verdict_yes_no){ 0 };
	if (hints != 0)
		v->cgn.value = VERDICT_YES;
	else if (same)
		v->cgn.value = VERDICT_NO;
	else
		v->cgn.cause = v->gateway.family == ADDR_NONE ? CAUSE_NO_GATEWAY : CAUSE_DEEP;
}

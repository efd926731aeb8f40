#include "lifetime.h"

#include "relay_end.h"

#define ENDS 2

static bool is_by_token(const struct request *r)
{
	return r->by_token || (r->alloc != NULL && r->alloc->token.is_used);
}

uint32_t lifetime_grant(const struct request *r)
{
	const struct realm_limits *limits = &r->realm->limits;
	uint32_t granted = limits->lifetime_s;
	uint64_t left;

	if (r->attrs.has_lifetime && r->attrs.lifetime_s > granted)
		granted = r->attrs.lifetime_s;
	if (granted > limits->lifetime_max_s)
		granted = limits->lifetime_max_s;
	if (!is_by_token(r) || r->expires_s == USERS_NEVER)
		return granted;
	left = r->expires_s > r->now->wall_s ? r->expires_s - r->now->wall_s : 0;
	return left < granted ? (uint32_t)left : granted;
}

static bool has_end(const struct alloc *a, size_t i)
{
	return a->flow.ends[i].relayed.family != ADDR_NONE;
}

/* The allocation ends with its last address; its timer waits for the first. */
static void set_times(struct turnd *t, struct alloc *a)
{
	uint64_t first = UINT64_MAX;

	a->until_ms = 0;
	for (size_t i = 0; i < ENDS; i++) {
		if (!has_end(a, i))
			continue;
		if (a->ends_until_ms[i] > a->until_ms)
			a->until_ms = a->ends_until_ms[i];
		if (a->ends_until_ms[i] < first)
			first = a->ends_until_ms[i];
	}
	wheel_set(&t->wheel, &a->timer, first);
}

void lifetime_begin(struct turnd *t, struct alloc *a, uint32_t lifetime_s, uint64_t now_ms)
{
	for (size_t i = 0; i < ENDS; i++)
		a->ends_until_ms[i] = now_ms + (uint64_t)lifetime_s * 1000;
	set_times(t, a);
}

void lifetime_resume(struct turnd *t, struct alloc *a)
{
	set_times(t, a);
}

uint16_t lifetime_read(const struct request *r, struct turnd_refresh *out)
{
	*out = (struct turnd_refresh){
		.family = r->attrs.has_family ? r->attrs.family : ADDR_NONE,
		.credentials_until_s = r->expires_s,
	};
	if (r->attrs.has_family && out->family == ADDR_NONE)
		return 443;
	if (r->attrs.has_lifetime && r->attrs.lifetime_s == 0)
		return 0;
	out->lifetime_s = lifetime_grant(r);
	return out->lifetime_s == 0 ? 401 : 0;
}

static bool is_other_family(void *family, const struct addr *peer)
{
	return peer->family != *(const uint8_t *)family;
}

/* One address of a dual allocation: its permissions and channels go with it, the other's stay. */
static void end_one(struct turnd *t, struct alloc *a, size_t i)
{
	uint8_t family = a->flow.ends[i].relayed.family;

	relay_end_close(t, &a->flow.ends[i]);
	peers_review(&a->flow.peers, is_other_family, &family);
}

/* Returns whether anything of the allocation is left. */
static bool end_family(struct turnd *t, struct alloc *a, uint8_t family)
{
	struct relay_end *end = relay_end_of(&a->flow, family);
	size_t i = end == &a->flow.ends[1];

	if (family == ADDR_NONE || !has_end(a, 1 - i)) {
		turnd_end(t, a, STATS_END_REFRESH);
		return false;
	}
	end_one(t, a, i);
	set_times(t, a);
	return true;
}

uint16_t lifetime_refresh(struct turnd *t, struct alloc *a, const struct turnd_refresh *refresh,
			  uint64_t now_ms, bool *alive)
{
	*alive = true;
	if (refresh->family != ADDR_NONE && relay_end_of(&a->flow, refresh->family) == NULL)
		return 443;
	if (refresh->lifetime_s == 0) {
		*alive = end_family(t, a, refresh->family);
		return 0;
	}
	for (size_t i = 0; i < ENDS; i++) {
		if (refresh->family == ADDR_NONE ||
		    a->flow.ends[i].relayed.family == refresh->family)
			a->ends_until_ms[i] = now_ms + (uint64_t)refresh->lifetime_s * 1000;
	}
	a->credentials_until_s = refresh->credentials_until_s;
	set_times(t, a);
	return 0;
}

void lifetime_over(struct turnd *t, struct alloc *a, uint64_t now_ms)
{
	if (a->until_ms <= now_ms) {
		turnd_end(t, a, STATS_END_EXPIRED);
		return;
	}
	for (size_t i = 0; i < ENDS; i++) {
		if (has_end(a, i) && a->ends_until_ms[i] <= now_ms)
			end_one(t, a, i);
	}
	set_times(t, a);
}

#include "peers.h"

#include <stdlib.h>

#include "peers_places.h"

/*
 * Nothing is taken out singly: what is over stays until its array is full, then all that is over
 * goes at once.
 */

/* Neither its number nor its peer may be bound otherwise before this is so. */
static bool is_forgotten(const struct peers_channel *c, uint64_t now_ms)
{
	return now_ms >= c->until_ms && now_ms - c->until_ms >= PEERS_CHANNEL_REST_MS;
}

static void drop_old_permissions(struct peers *p, uint64_t now_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->permission_count; i++) {
		if (p->permissions[i].until_ms > now_ms)
			p->permissions[kept++] = p->permissions[i];
	}
	p->permission_count = kept;
	peers_replace_permissions(p);
}

static void drop_old_channels(struct peers *p, uint64_t now_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->channel_count; i++) {
		if (!is_forgotten(&p->channels[i], now_ms))
			p->channels[kept++] = p->channels[i];
	}
	p->channel_count = kept;
	peers_replace_channels(p);
}

void peers_clear(struct peers *p)
{
	free(p->permissions);
	free(p->channels);
	free(p->by_number);
	free(p->by_peer);
	free(p->by_ip);
	*p = (struct peers){ .seed = p->seed };
}

uint16_t peers_code(enum peers_result result)
{
	switch (result) {
	case PEERS_OK:
		return 0;
	case PEERS_CONFLICT:
		return 400;
	default:
		return 508;
	}
}

static bool stands_before(const struct addr *ips, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (addr_equal_ip(&ips[i], &ips[at]))
			return true;
	}
	return false;
}

/* For how many of the addresses there is no entry, alive or not. */
static uint32_t count_missing(const struct peers *p, const struct addr *ips, size_t count)
{
	uint32_t missing = 0;

	for (size_t i = 0; i < count; i++) {
		if (peers_place_of_ip(p, &ips[i]) == PEERS_NOWHERE && !stands_before(ips, i))
			missing++;
	}
	return missing;
}

static uint32_t limit_of(uint32_t most)
{
	return most == 0 || most > PEERS_MOST ? PEERS_MOST : most;
}

/* Sees to room for all of the addresses. */
static enum peers_result make_room(struct peers *p, const struct addr *ips, size_t count,
				   uint32_t most, uint64_t now_ms)
{
	uint32_t missing = count_missing(p, ips, count);
	uint32_t wanted = p->permission_count + missing;

	if (wanted > limit_of(most) || wanted > p->permission_cap) {
		drop_old_permissions(p, now_ms);
		missing = count_missing(p, ips, count);
	}
	if (p->permission_count + missing > limit_of(most))
		return PEERS_FULL;
	return peers_reserve_permissions(p, missing) ? PEERS_OK : PEERS_NO_MEMORY;
}

static void permit_one(struct peers *p, const struct addr *ip, bool is_relay, uint64_t now_ms)
{
	uint32_t i = peers_place_of_ip(p, ip);

	if (i == PEERS_NOWHERE) {
		i = p->permission_count++;
		p->permissions[i].peer = addr_with_port(ip, 0);
		peers_put_permission(p, i);
	}
	p->permissions[i].until_ms = now_ms + PEERS_PERMISSION_MS;
	p->permissions[i].is_relay = is_relay;
}

enum peers_result peers_permit(struct peers *p, const struct addr *ips, const bool *is_relay,
			       size_t count, uint32_t most, uint64_t now_ms)
{
	enum peers_result rc = make_room(p, ips, count, most, now_ms);

	if (rc != PEERS_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		permit_one(p, &ips[i], is_relay[i], now_ms);
	return PEERS_OK;
}

static enum peers_result make_channel_room(struct peers *p, uint32_t most, uint64_t now_ms)
{
	if (p->channel_count >= limit_of(most) && peers_count_channels(p, now_ms) >= limit_of(most))
		return PEERS_FULL;
	return p->channel_count < PEERS_MOST && peers_reserve_channel(p) ? PEERS_OK
									 : PEERS_NO_MEMORY;
}

/*
 * Where this pair stands, or PEERS_NOWHERE. False: the number or the peer is another's. Takes out what
 * may be forgotten where it stands in the way, or would make the array grow.
 */
static bool find_pair(struct peers *p, uint16_t number, const struct addr *peer, uint64_t now_ms,
		      uint32_t *out)
{
	uint32_t by_number = peers_place_of_number(p, number),
		 by_peer = peers_place_of_peer(p, peer);

	if (by_number != by_peer ||
	    (by_number == PEERS_NOWHERE && p->channel_count == p->channel_cap)) {
		drop_old_channels(p, now_ms);
		by_number = peers_place_of_number(p, number);
		by_peer = peers_place_of_peer(p, peer);
	}
	*out = by_number;
	return by_number == by_peer;
}

enum peers_result peers_bind(struct peers *p, uint16_t number, const struct addr *peer,
			     bool is_relay, uint32_t most_channels, uint32_t most_permissions,
			     uint64_t now_ms)
{
	enum peers_result rc = PEERS_OK;
	uint32_t at;

	if (!find_pair(p, number, peer, now_ms, &at))
		return PEERS_CONFLICT;
	if (at == PEERS_NOWHERE || p->channels[at].until_ms <= now_ms)
		rc = make_channel_room(p, most_channels, now_ms);
	if (rc == PEERS_OK)
		rc = peers_permit(p, peer, &is_relay, 1, most_permissions, now_ms);
	if (rc != PEERS_OK)
		return rc;
	if (at == PEERS_NOWHERE) {
		at = p->channel_count++;
		p->channels[at].peer = *peer;
		p->channels[at].number = number;
		peers_put_channel(p, at);
	}
	p->channels[at].until_ms = now_ms + PEERS_CHANNEL_MS;
	p->channels[at].is_relay = is_relay;
	return PEERS_OK;
}

const struct peers_permission *peers_find_permission(const struct peers *p, const struct addr *peer,
						     uint64_t now_ms)
{
	uint32_t i = peers_place_of_ip(p, peer);

	return i != PEERS_NOWHERE && p->permissions[i].until_ms > now_ms ? &p->permissions[i]
									 : NULL;
}

static const struct peers_channel *if_alive(const struct peers *p, uint32_t i, uint64_t now_ms)
{
	return i != PEERS_NOWHERE && p->channels[i].until_ms > now_ms ? &p->channels[i] : NULL;
}

const struct peers_channel *peers_find_channel(const struct peers *p, uint16_t number,
					       uint64_t now_ms)
{
	return if_alive(p, peers_place_of_number(p, number), now_ms);
}

const struct peers_channel *peers_find_bound(const struct peers *p, const struct addr *peer,
					     uint64_t now_ms)
{
	return if_alive(p, peers_place_of_peer(p, peer), now_ms);
}

uint32_t peers_count_permissions(const struct peers *p, uint64_t now_ms)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < p->permission_count; i++)
		alive += p->permissions[i].until_ms > now_ms;
	return alive;
}

uint32_t peers_count_channels(const struct peers *p, uint64_t now_ms)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < p->channel_count; i++)
		alive += p->channels[i].until_ms > now_ms;
	return alive;
}

void peers_review(struct peers *p, bool (*allows)(void *arg, const struct addr *peer), void *arg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->permission_count; i++) {
		if (allows(arg, &p->permissions[i].peer))
			p->permissions[kept++] = p->permissions[i];
	}
	p->permission_count = kept;
	kept = 0;
	for (uint32_t i = 0; i < p->channel_count; i++) {
		if (allows(arg, &p->channels[i].peer))
			p->channels[kept++] = p->channels[i];
	}
	p->channel_count = kept;
	peers_replace_permissions(p);
	peers_replace_channels(p);
}

void peers_mark_relays(struct peers *p, bool (*is_relay)(void *arg, const struct addr *peer),
		       void *arg)
{
	for (uint32_t i = 0; i < p->permission_count; i++)
		p->permissions[i].is_relay = is_relay(arg, &p->permissions[i].peer);
	for (uint32_t i = 0; i < p->channel_count; i++)
		p->channels[i].is_relay = is_relay(arg, &p->channels[i].peer);
}

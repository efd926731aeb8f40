#include "peers.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "wire.h"

/*
 * Permissions and channels lie in arrays without gaps. Few of them are found by looking at all;
 * beyond SCAN_MOST, tables of places (index + 1; 0 is free) with linear probing say where to look.
 * Nothing is taken out singly: what is over stays until its array is full, then all that is over
 * goes at once and the places are made anew.
 */
#define SCAN_MOST 8
#define FIRST_CAP 2

#define NOWHERE UINT32_MAX

static uint64_t hash_words(const struct peers *p, const uint64_t *words, size_t count)
{
	struct siphash s = { .v = { p->seed ^ 0x736f6d6570736575u, p->seed ^ 0x646f72616e646f6du,
				    p->seed ^ 0x6c7967656e657261u,
				    p->seed ^ 0x7465646279746573u } };

	for (size_t i = 0; i < count; i++)
		siphash_word(&s, words[i], 1);
	return siphash_end(&s, 3);
}

static uint64_t hash_addr(const struct peers *p, const struct addr *a, uint16_t port)
{
	uint64_t words[3];

	memcpy(words, a->ip, sizeof(a->ip));
	words[2] = (uint64_t)a->scope << 32 | (uint64_t)a->family << 16 | port;
	return hash_words(p, words, ARRAY_LEN(words));
}

static uint64_t hash_number(const struct peers *p, uint16_t number)
{
	uint64_t word = number;

	return hash_words(p, &word, 1);
}

/* Twice as many places as entries, so that the walks stay short. */
static uint32_t place_mask(uint32_t cap)
{
	return cap * 2 - 1;
}

static void put_place(uint16_t *places, uint32_t cap, uint64_t hash, uint32_t index)
{
	uint32_t at = (uint32_t)hash & place_mask(cap);

	while (places[at] != 0)
		at = (at + 1) & place_mask(cap);
	places[at] = (uint16_t)(index + 1);
}

static void place_permission(struct peers *p, uint32_t i)
{
	if (p->by_ip != NULL)
		put_place(p->by_ip, p->permission_cap, hash_addr(p, &p->permissions[i].peer, 0), i);
}

static void place_channel(struct peers *p, uint32_t i)
{
	const struct peers_channel *c = &p->channels[i];

	if (p->by_number == NULL)
		return;
	put_place(p->by_number, p->channel_cap, hash_number(p, c->number), i);
	put_place(p->by_peer, p->channel_cap, hash_addr(p, &c->peer, c->peer.port), i);
}

static uint32_t find_ip(const struct peers *p, const struct addr *ip)
{
	uint32_t mask = place_mask(p->permission_cap), at;

	if (p->by_ip == NULL) {
		for (uint32_t i = 0; i < p->permission_count; i++) {
			if (addr_equal_ip(&p->permissions[i].peer, ip))
				return i;
		}
		return NOWHERE;
	}
	for (at = (uint32_t)hash_addr(p, ip, 0) & mask; p->by_ip[at] != 0; at = (at + 1) & mask) {
		uint32_t i = p->by_ip[at] - 1u;

		if (addr_equal_ip(&p->permissions[i].peer, ip))
			return i;
	}
	return NOWHERE;
}

static uint32_t find_number(const struct peers *p, uint16_t number)
{
	uint32_t mask = place_mask(p->channel_cap), at;

	if (p->by_number == NULL) {
		for (uint32_t i = 0; i < p->channel_count; i++) {
			if (p->channels[i].number == number)
				return i;
		}
		return NOWHERE;
	}
	for (at = (uint32_t)hash_number(p, number) & mask; p->by_number[at] != 0;
	     at = (at + 1) & mask) {
		uint32_t i = p->by_number[at] - 1u;

		if (p->channels[i].number == number)
			return i;
	}
	return NOWHERE;
}

static uint32_t find_peer(const struct peers *p, const struct addr *peer)
{
	uint32_t mask = place_mask(p->channel_cap), at;

	if (p->by_peer == NULL) {
		for (uint32_t i = 0; i < p->channel_count; i++) {
			if (addr_equal(&p->channels[i].peer, peer))
				return i;
		}
		return NOWHERE;
	}
	for (at = (uint32_t)hash_addr(p, peer, peer->port) & mask; p->by_peer[at] != 0;
	     at = (at + 1) & mask) {
		uint32_t i = p->by_peer[at] - 1u;

		if (addr_equal(&p->channels[i].peer, peer))
			return i;
	}
	return NOWHERE;
}

static void replace_permissions(struct peers *p)
{
	if (p->by_ip != NULL)
		memset(p->by_ip, 0, (size_t)p->permission_cap * 2 * sizeof(*p->by_ip));
	for (uint32_t i = 0; i < p->permission_count; i++)
		place_permission(p, i);
}

static void replace_channels(struct peers *p)
{
	size_t len = (size_t)p->channel_cap * 2 * sizeof(*p->by_number);

	if (p->by_number != NULL) {
		memset(p->by_number, 0, len);
		memset(p->by_peer, 0, len);
	}
	for (uint32_t i = 0; i < p->channel_count; i++)
		place_channel(p, i);
}

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
	replace_permissions(p);
}

static void drop_old_channels(struct peers *p, uint64_t now_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->channel_count; i++) {
		if (!is_forgotten(&p->channels[i], now_ms))
			p->channels[kept++] = p->channels[i];
	}
	p->channel_count = kept;
	replace_channels(p);
}

static uint32_t cap_for(uint32_t cap, uint32_t count)
{
	if (cap == 0)
		cap = FIRST_CAP;
	while (cap < count)
		cap *= 2;
	return cap;
}

static uint16_t *places_new(uint32_t cap)
{
	return calloc((size_t)cap * 2, sizeof(uint16_t));
}

/* Room for `more` beside what is there. */
static bool reserve_permissions(struct peers *p, uint32_t more)
{
	uint32_t cap = cap_for(p->permission_cap, p->permission_count + more);
	struct peers_permission *grown;
	uint16_t *by_ip = NULL;

	if (cap == p->permission_cap)
		return true;
	if (cap > SCAN_MOST && (by_ip = places_new(cap)) == NULL)
		return false;
	grown = realloc(p->permissions, cap * sizeof(*grown));
	if (grown == NULL) {
		free(by_ip);
		return false;
	}
	free(p->by_ip);
	p->permissions = grown;
	p->by_ip = by_ip;
	p->permission_cap = cap;
	replace_permissions(p);
	return true;
}

static bool reserve_channel(struct peers *p)
{
	uint32_t cap = cap_for(p->channel_cap, p->channel_count + 1);
	uint16_t *by_number = NULL, *by_peer = NULL;
	struct peers_channel *grown;

	if (cap == p->channel_cap)
		return true;
	if (cap > SCAN_MOST) {
		by_number = places_new(cap);
		by_peer = places_new(cap);
		if (by_number == NULL || by_peer == NULL)
			goto fail;
	}
	grown = realloc(p->channels, cap * sizeof(*grown));
	if (grown == NULL)
		goto fail;
	free(p->by_number);
	free(p->by_peer);
	p->channels = grown;
	p->by_number = by_number;
	p->by_peer = by_peer;
	p->channel_cap = cap;
	replace_channels(p);
	return true;
fail:
	free(by_number);
	free(by_peer);
	return false;
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
		if (find_ip(p, &ips[i]) == NOWHERE && !stands_before(ips, i))
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
	return reserve_permissions(p, missing) ? PEERS_OK : PEERS_NO_MEMORY;
}

static void permit_one(struct peers *p, const struct addr *ip, bool is_relay, uint64_t now_ms)
{
	uint32_t i = find_ip(p, ip);

	if (i == NOWHERE) {
		i = p->permission_count++;
		p->permissions[i].peer = addr_with_port(ip, 0);
		place_permission(p, i);
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
	return p->channel_count < PEERS_MOST && reserve_channel(p) ? PEERS_OK : PEERS_NO_MEMORY;
}

/*
 * Where this pair stands, or NOWHERE. False: the number or the peer is another's. Takes out what
 * may be forgotten where it stands in the way, or would make the array grow.
 */
static bool find_pair(struct peers *p, uint16_t number, const struct addr *peer, uint64_t now_ms,
		      uint32_t *out)
{
	uint32_t by_number = find_number(p, number), by_peer = find_peer(p, peer);

	if (by_number != by_peer || (by_number == NOWHERE && p->channel_count == p->channel_cap)) {
		drop_old_channels(p, now_ms);
		by_number = find_number(p, number);
		by_peer = find_peer(p, peer);
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
	if (at == NOWHERE || p->channels[at].until_ms <= now_ms)
		rc = make_channel_room(p, most_channels, now_ms);
	if (rc == PEERS_OK)
		rc = peers_permit(p, peer, &is_relay, 1, most_permissions, now_ms);
	if (rc != PEERS_OK)
		return rc;
	if (at == NOWHERE) {
		at = p->channel_count++;
		p->channels[at].peer = *peer;
		p->channels[at].number = number;
		place_channel(p, at);
	}
	p->channels[at].until_ms = now_ms + PEERS_CHANNEL_MS;
	p->channels[at].is_relay = is_relay;
	return PEERS_OK;
}

const struct peers_permission *peers_find_permission(const struct peers *p, const struct addr *peer,
						     uint64_t now_ms)
{
	uint32_t i = find_ip(p, peer);

	return i != NOWHERE && p->permissions[i].until_ms > now_ms ? &p->permissions[i] : NULL;
}

static const struct peers_channel *if_alive(const struct peers *p, uint32_t i, uint64_t now_ms)
{
	return i != NOWHERE && p->channels[i].until_ms > now_ms ? &p->channels[i] : NULL;
}

const struct peers_channel *peers_find_channel(const struct peers *p, uint16_t number,
					       uint64_t now_ms)
{
	return if_alive(p, find_number(p, number), now_ms);
}

const struct peers_channel *peers_find_bound(const struct peers *p, const struct addr *peer,
					     uint64_t now_ms)
{
	return if_alive(p, find_peer(p, peer), now_ms);
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
	replace_permissions(p);
	replace_channels(p);
}

void peers_mark_relays(struct peers *p, bool (*is_relay)(void *arg, const struct addr *peer),
		       void *arg)
{
	for (uint32_t i = 0; i < p->permission_count; i++)
		p->permissions[i].is_relay = is_relay(arg, &p->permissions[i].peer);
	for (uint32_t i = 0; i < p->channel_count; i++)
		p->channels[i].is_relay = is_relay(arg, &p->channels[i].peer);
}

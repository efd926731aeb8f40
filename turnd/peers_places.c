#include "peers_places.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "wire.h"

/*
 * Permissions and channels lie in arrays without gaps. Few of them are found by looking at all;
 * beyond SCAN_MOST, tables of places (index + 1; 0 is free) with linear probing say where to look.
 */
#define SCAN_MOST 8
#define FIRST_CAP 2

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

void peers_put_permission(struct peers *p, uint32_t i)
{
	if (p->by_ip != NULL)
		put_place(p->by_ip, p->permission_cap, hash_addr(p, &p->permissions[i].peer, 0), i);
}

void peers_put_channel(struct peers *p, uint32_t i)
{
	const struct peers_channel *c = &p->channels[i];

	if (p->by_number == NULL)
		return;
	put_place(p->by_number, p->channel_cap, hash_number(p, c->number), i);
	put_place(p->by_peer, p->channel_cap, hash_addr(p, &c->peer, c->peer.port), i);
}

uint32_t peers_place_of_ip(const struct peers *p, const struct addr *ip)
{
	uint32_t mask = place_mask(p->permission_cap), at;

	if (p->by_ip == NULL) {
		for (uint32_t i = 0; i < p->permission_count; i++) {
			if (addr_equal_ip(&p->permissions[i].peer, ip))
				return i;
		}
		return PEERS_NOWHERE;
	}
	for (at = (uint32_t)hash_addr(p, ip, 0) & mask; p->by_ip[at] != 0; at = (at + 1) & mask) {
		uint32_t i = p->by_ip[at] - 1u;

		if (addr_equal_ip(&p->permissions[i].peer, ip))
			return i;
	}
	return PEERS_NOWHERE;
}

uint32_t peers_place_of_number(const struct peers *p, uint16_t number)
{
	uint32_t mask = place_mask(p->channel_cap), at;

	if (p->by_number == NULL) {
		for (uint32_t i = 0; i < p->channel_count; i++) {
			if (p->channels[i].number == number)
				return i;
		}
		return PEERS_NOWHERE;
	}
	for (at = (uint32_t)hash_number(p, number) & mask; p->by_number[at] != 0;
	     at = (at + 1) & mask) {
		uint32_t i = p->by_number[at] - 1u;

		if (p->channels[i].number == number)
			return i;
	}
	return PEERS_NOWHERE;
}

uint32_t peers_place_of_peer(const struct peers *p, const struct addr *peer)
{
	uint32_t mask = place_mask(p->channel_cap), at;

	if (p->by_peer == NULL) {
		for (uint32_t i = 0; i < p->channel_count; i++) {
			if (addr_equal(&p->channels[i].peer, peer))
				return i;
		}
		return PEERS_NOWHERE;
	}
	for (at = (uint32_t)hash_addr(p, peer, peer->port) & mask; p->by_peer[at] != 0;
	     at = (at + 1) & mask) {
		uint32_t i = p->by_peer[at] - 1u;

		if (addr_equal(&p->channels[i].peer, peer))
			return i;
	}
	return PEERS_NOWHERE;
}

void peers_replace_permissions(struct peers *p)
{
	if (p->by_ip != NULL)
		memset(p->by_ip, 0, (size_t)p->permission_cap * 2 * sizeof(*p->by_ip));
	for (uint32_t i = 0; i < p->permission_count; i++)
		peers_put_permission(p, i);
}

void peers_replace_channels(struct peers *p)
{
	size_t len = (size_t)p->channel_cap * 2 * sizeof(*p->by_number);

	if (p->by_number != NULL) {
		memset(p->by_number, 0, len);
		memset(p->by_peer, 0, len);
	}
	for (uint32_t i = 0; i < p->channel_count; i++)
		peers_put_channel(p, i);
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

bool peers_reserve_permissions(struct peers *p, uint32_t more)
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
	peers_replace_permissions(p);
	return true;
}

bool peers_reserve_channel(struct peers *p)
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
	peers_replace_channels(p);
	return true;
fail:
	free(by_number);
	free(by_peer);
	return false;
}

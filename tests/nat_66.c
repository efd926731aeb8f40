#include "tests/nat_state.h"

#define WORDS   8 /* of an IPv6 address */
#define SUBNET  3 /* the word behind a prefix of 48 bits */
#define HOST_ID 4 /* ... and behind one of 64 */

static uint32_t word_of(const struct addr *a, size_t i)
{
	return (uint32_t)a->ip[2 * i] << 8 | a->ip[2 * i + 1];
}

static bool begins_with(const struct addr *a, const struct addr *prefix, uint8_t len)
{
	size_t whole = len / 8u;
	uint8_t mask = (uint8_t)(0xff00 >> len % 8);

	if (len == 0 || len > 64 || a->family != ADDR_IPV6)
		return false;
	return memcmp(a->ip, prefix->ip, whole) == 0 &&
	       ((a->ip[whole] ^ prefix->ip[whole]) & mask) == 0;
}

/* The word that makes up for the other prefix; WORDS: none can. */
static size_t adjustable(const struct addr *a, uint8_t len)
{
	if (len <= 48)
		return SUBNET;
	for (size_t i = HOST_ID; i < WORDS; i++) {
		if (word_of(a, i) != 0xffff)
			return i;
	}
	return WORDS;
}

static uint32_t sum_of(const struct addr *a)
{
	return packet_sum(0, bytes_of(a->ip, sizeof(a->ip)));
}

static uint32_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 6296, sections 3.4 and 3.5: another prefix, the same sum. */
static bool change_prefix(struct addr *a, const struct addr *to, uint8_t len)
{
	size_t at = adjustable(a, len), whole = len / 8u;
	uint8_t mask = (uint8_t)(0xff00 >> len % 8);
	uint32_t before = fold(sum_of(a)), after;

	if (at == WORDS)
		return false;
	memcpy(a->ip, to->ip, whole);
	a->ip[whole] = (uint8_t)((to->ip[whole] & mask) | (a->ip[whole] & ~mask));
	after = fold(sum_of(a));
	uint32_t word = fold(word_of(a, at) + before + (0xffff - after));
	wire_store_u16(a->ip + 2 * at, (uint16_t)(word == 0xffff ? 0 : word));
	return true;
}

bool nat_66_is_outside(const struct nat *n, const struct addr *a)
{
	return begins_with(a, &n->config.nptv6_outside, n->config.nptv6_len);
}

static bool is_inside(const struct nat *n, const struct addr *a)
{
	return begins_with(a, &n->config.nptv6_inside, n->config.nptv6_len);
}

void nat_66_leave(const struct nat *n, uint8_t *base, struct packet *p)
{
	const struct nat_config *c = &n->config;
	struct addr source = p->source;
	struct packet about;

	if (p->kind == PACKET_ERROR && packet_parse_quoted(p->data, &about) &&
	    is_inside(n, &about.destination) &&
	    change_prefix(&about.destination, &c->nptv6_outside, c->nptv6_len))
		(void)packet_rewrite_quoted(base, p, NULL, &about.destination);
	if (is_inside(n, &source) && change_prefix(&source, &c->nptv6_outside, c->nptv6_len))
		packet_rewrite(base, p, &source, NULL);
}

void nat_66_enter(const struct nat *n, uint8_t *base, struct packet *p)
{
	const struct nat_config *c = &n->config;
	struct addr destination = p->destination;
	struct packet about;

	if (p->kind == PACKET_ERROR && packet_parse_quoted(p->data, &about) &&
	    nat_66_is_outside(n, &about.source) &&
	    change_prefix(&about.source, &c->nptv6_inside, c->nptv6_len))
		(void)packet_rewrite_quoted(base, p, &about.source, NULL);
	if (nat_66_is_outside(n, &destination) &&
	    change_prefix(&destination, &c->nptv6_inside, c->nptv6_len))
		packet_rewrite(base, p, NULL, &destination);
}

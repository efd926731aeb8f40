#include "coop_build.h"

#include "stun_auth.h"

#define ATTR_HEADER_LEN 4
#define FINGERPRINT_LEN 8
#define OTHER_BOTH      3u

/* Bytes of an attribute that holds an address. */
static size_t addr_len(const struct addr *a)
{
	return ATTR_HEADER_LEN + 4 + addr_ip_len(a->family);
}

static bool fits(const struct stun_builder *b, size_t len)
{
	return b->cap - b->len >= len;
}

static void put_addrs(struct stun_builder *b, const struct coop_says *says)
{
	struct addr mapped = addr_unmap(says->mapped);
	const struct stun_site *site = says->site;
	size_t len = addr_len(&mapped);

	if (fits(b, len))
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	if (fits(b, len))
		(void)stun_attr_put_addr(b, STUN_ATTR_MAPPED_ADDRESS, &mapped);
	if (site == NULL || !stun_site_is_full(site) || !fits(b, 2 * len))
		return;
	(void)stun_attr_put_addr(b, STUN_ATTR_RESPONSE_ORIGIN, &site->seen_as[says->socket]);
	(void)stun_attr_put_addr(b, STUN_ATTR_OTHER_ADDRESS,
				 &site->seen_as[says->socket ^ OTHER_BOTH]);
}

/* So that the message has `size` bytes with what comes behind. */
static void pad(struct stun_builder *b, size_t size)
{
	size_t len = b->len + ATTR_HEADER_LEN;
	uint8_t *value;

	if (size < len)
		return;
	len = (size - len) & ~(size_t)3;
	value = stun_build_attr(b, STUN_ATTR_PADDING, len);
	if (value != NULL && len > 0)
		memset(value, 0, len);
}

struct bytes coop_build(const struct coop_says *says, uint8_t *buf, size_t cap)
{
	size_t behind = says->fingerprint ? FINGERPRINT_LEN : 0;
	struct stun_builder b;
	struct bytes out;

	if (cap < STUN_HEADER_LEN + behind)
		return (struct bytes){ 0 };
	b = stun_build(buf, cap - behind, STUN_BINDING, STUN_SUCCESS, says->tid);
	if (says->token != NULL)
		(void)coop_put_token(&b, says->token);
	if (says->report != NULL && fits(&b, ATTR_HEADER_LEN + COOP_REPORT_LEN))
		(void)coop_put_report(&b, says->report);
	put_addrs(&b, says);
	pad(&b, says->size > behind ? says->size - behind : 0);
	b.cap = cap;
	if (says->fingerprint)
		(void)stun_auth_put_fingerprint(&b);
	return stun_build_finish(&b, &out) == STUN_OK ? out : (struct bytes){ 0 };
}

#include "stun_feature.h"

#define PREFIX       "obMatJos2"
#define PREFIX_LEN   (sizeof(PREFIX) - 1)
#define MOST_OFFERED 8

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void stun_nonce_cookie_put(uint32_t features, char out[static STUN_NONCE_COOKIE_LEN])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	for (size_t i = 0; i < 4; i++)
		out[PREFIX_LEN + i] = base64[features >> (18 - 6 * i) & 0x3f];
}

/* The six bits of one character; false for one that is none of base64's. */
static bool take_sextet(uint8_t c, uint32_t *bits)
{
	const char *p = c != '\0' ? strchr(base64, c) : NULL;

	if (p == NULL)
		return false;
	*bits = *bits << 6 | (uint32_t)(p - base64);
	return true;
}

bool stun_nonce_cookie_get(struct bytes nonce, uint32_t *features)
{
	uint32_t bits = 0;

	if (nonce.len < STUN_NONCE_COOKIE_LEN || memcmp(nonce.data, PREFIX, PREFIX_LEN) != 0)
		return false;
	for (size_t i = PREFIX_LEN; i < STUN_NONCE_COOKIE_LEN; i++) {
		if (!take_sextet(nonce.data[i], &bits))
			return false;
	}
	*features = bits;
	return true;
}

static bool announces_algorithms(const struct stun_msg *msg)
{
	struct bytes nonce;
	uint32_t features;

	return stun_msg_find(msg, STUN_ATTR_NONCE, &nonce) &&
	       stun_nonce_cookie_get(nonce, &features) &&
	       (features & STUN_FEATURE_PASSWORD_ALGORITHMS) != 0;
}

bool stun_feature_is_bid_down(const struct stun_msg *response)
{
	return announces_algorithms(response) &&
	       !stun_msg_has(response, STUN_ATTR_PASSWORD_ALGORITHMS);
}

static bool is_among(const struct stun_algorithm *chosen, struct bytes offered)
{
	struct stun_algorithm list[MOST_OFFERED];
	size_t count;

	if (stun_attr_get_algorithms(offered, list, ARRAY_LEN(list), &count) != STUN_OK)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].number == chosen->number && bytes_equal(list[i].params, chosen->params))
			return true;
	}
	return false;
}

bool stun_feature_algorithm(const struct stun_msg *request, struct bytes offered,
			    uint16_t *algorithm)
{
	struct stun_algorithm chosen = { .number = STUN_PASSWORD_MD5 };
	struct bytes one, all;
	bool has_one = stun_msg_find(request, STUN_ATTR_PASSWORD_ALGORITHM, &one);
	bool has_all = stun_msg_find(request, STUN_ATTR_PASSWORD_ALGORITHMS, &all);

	if (announces_algorithms(request) && (has_one || has_all)) {
		if (!has_one || !has_all || !bytes_equal(all, offered))
			return false;
		if (stun_attr_get_algorithm(one, &chosen) != STUN_OK || !is_among(&chosen, offered))
			return false;
	}
	*algorithm = chosen.number;
	return true;
}

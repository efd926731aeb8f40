/*
 * From an address to keys: an ephemeral X25519 key against that of the address, as in the base mode
 * of RFC 9180. One message, and both have keys; the acceptor adds a salt to its own, so that an
 * invitation that comes again, to an acceptor that has forgotten it, does not make it seal other
 * things with the same key.
 */
#include <stdio.h>

#include <openssl/crypto.h>

#include "meet_state.h"

#define HASH_SHOWN 16

static void put_topic(char out[static MEET_TOPIC_MAX], char kind,
		      const uint8_t hash[static HASH_SHOWN])
{
	char hex[2 * HASH_SHOWN + 1];

	for (size_t i = 0; i < HASH_SHOWN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	(void)snprintf(out, MEET_TOPIC_MAX, "natkit/%c/%s", kind, hex);
}

static bool make_topics(struct meet *m)
{
	uint8_t hash[KDF_LEN];

	if (!kdf_hmac(BYTES("natkit meet 1 topic"), bytes_of(m->invite.public_key, MEET_CURVE_LEN),
		      hash))
		return false;
	put_topic(m->topics[0], 'i', hash);
	return true;
}

/* secret: of both keys. */
static bool make_root(struct meet *m, const uint8_t secret[static MEET_CURVE_LEN])
{
	uint8_t context[2 * MEET_CURVE_LEN], hash[HASH_SHOWN];

	memcpy(context, m->invite.ephemeral, MEET_CURVE_LEN);
	memcpy(context + MEET_CURVE_LEN, m->invite.public_key, MEET_CURVE_LEN);
	if (!meet_seal_root("natkit meet 1 invitation", bytes_of(secret, MEET_CURVE_LEN),
			    bytes_of(context, sizeof(context)), m->root) ||
	    !kdf_expand(m->root, "topic", (struct bytes){ 0 }, hash, sizeof(hash)))
		return false;
	put_topic(m->topics[1], 's', hash);
	return true;
}

static struct bytes salt_of(const struct meet *m)
{
	return bytes_of(m->invite.salt, MEET_SALT_LEN);
}

bool meet_invite_init(struct meet *m, const uint8_t public_key[static MEET_CURVE_LEN],
		      struct bytes first, uint64_t now_us)
{
	struct bytes none = { 0 };
	uint8_t key[MEET_CURVE_LEN], secret[MEET_CURVE_LEN];
	bool done;

	memcpy(m->invite.public_key, public_key, MEET_CURVE_LEN);
	m->random(m->random_arg, key, sizeof(key));
	done = meet_curve_public(key, m->invite.ephemeral) &&
	       meet_curve_share(key, public_key, secret) && make_topics(m) &&
	       make_root(m, secret) && meet_seal_way(m->root, true, none, &m->ours) &&
	       meet_seal_way(m->root, false, none, &m->theirs); /* its tag; the key needs a salt */
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(secret, sizeof(secret));
	if (!done || (first.len > 0 && !channel_queue(&m->channel, CHANNEL_USER, first, now_us)))
		return false;
	m->listens = 2;
	meet_start_sharing(m, true, now_us);
	return true;
}

bool meet_accept_init(struct meet *m, const uint8_t private_key[static MEET_CURVE_LEN])
{
	memcpy(m->invite.private_key, private_key, MEET_CURVE_LEN);
	m->random(m->random_arg, m->invite.salt, sizeof(m->invite.salt));
	m->listens = 1;
	return meet_curve_public(private_key, m->invite.public_key) && make_topics(m);
}

/* Keys as the ephemeral key that came makes them. */
static bool make_keys(struct meet *m)
{
	uint8_t secret[MEET_CURVE_LEN];
	bool done = meet_curve_share(m->invite.private_key, m->invite.ephemeral, secret) &&
		    make_root(m, secret) &&
		    meet_seal_way(m->root, true, (struct bytes){ 0 }, &m->theirs) &&
		    meet_seal_way(m->root, false, salt_of(m), &m->ours);

	OPENSSL_cleanse(secret, sizeof(secret));
	return done;
}

static bool on_invitation(struct meet *m, struct bytes whole, struct wire *in, uint64_t now_us)
{
	uint8_t ephemeral[MEET_CURVE_LEN] = { 0 };

	wire_get_mem(in, ephemeral, sizeof(ephemeral));
	if (in->failed || m->mode != MEET_ACCEPT)
		return false;
	if (m->stage == MEET_SHARING) {
		/* It goes on with it until it hears us; another one may be the same host anew. */
		if (memcmp(ephemeral, m->invite.ephemeral, sizeof(ephemeral)) == 0)
			return meet_open_envelope(m, whole, in, now_us);
		if (meet_allows(m, now_us))
			m->knocks++;
		return false;
	}
	if (m->stage != MEET_SEARCHING || !meet_allows(m, now_us))
		return false;
	memcpy(m->invite.ephemeral, ephemeral, sizeof(ephemeral));
	if (!make_keys(m) || !meet_open_envelope(m, whole, in, now_us))
		return false;
	if (m->stage != MEET_SEARCHING)
		return false; /* it was sealed rightly, and broken */
	OPENSSL_cleanse(m->invite.private_key, MEET_CURVE_LEN);
	m->listens = 2;
	meet_start_sharing(m, false, now_us);
	return true;
}

/* The first one that is authentic says which salt it is. */
static bool on_answer(struct meet *m, struct bytes whole, struct wire *in, uint64_t now_us)
{
	uint8_t tag[MEET_TAG_LEN] = { 0 }, salt[MEET_SALT_LEN] = { 0 };
	struct meet_way way;
	bool is_theirs;

	wire_get_mem(in, tag, sizeof(tag));
	wire_get_mem(in, salt, sizeof(salt));
	if (in->failed || m->mode != MEET_INVITE || memcmp(tag, m->theirs.tag, sizeof(tag)) != 0)
		return false;
	if (m->invite.has_salt)
		return memcmp(salt, m->invite.salt, sizeof(salt)) == 0 &&
		       meet_open_envelope(m, whole, in, now_us);
	way = m->theirs;
	is_theirs = meet_seal_way(m->root, false, bytes_of(salt, sizeof(salt)), &m->theirs) &&
		    meet_open_envelope(m, whole, in, now_us);
	if (is_theirs) {
		memcpy(m->invite.salt, salt, sizeof(salt));
		m->invite.has_salt = true;
	} else {
		m->theirs = way;
	}
	OPENSSL_cleanse(&way, sizeof(way));
	return is_theirs;
}

bool meet_invite_take(struct meet *m, enum meet_type type, struct bytes whole, struct wire *in,
		      uint64_t now_us)
{
	if (type == MEET_INVITATION)
		return on_invitation(m, whole, in, now_us);
	return type == MEET_ANSWER && m->stage == MEET_SHARING && on_answer(m, whole, in, now_us);
}

#include "check.h"

#include <string.h>

#define CHECK_PASSWORD_LEN 32

/* Type preferences of RFC 8445, section 5.1.2.2: all we know is that it is no relayed one. */
#define PRIORITY_TYPE      110u
#define PRIORITY_COMPONENT 255u

#define STEP_OF_USE 255 /* none of a trial's */

/* HKDF (RFC 5869) with SHA-256: its extraction, without a salt. */
static void extract(struct stun_key *out, const uint8_t key[static 32])
{
	static const uint8_t no_salt[STUN_SHA256_FULL];
	uint8_t pseudorandom[STUN_SHA256_FULL];
	struct stun_key salt;

	stun_key_make(&salt, bytes_of(no_salt, sizeof(no_salt)));
	stun_key_hmac_sha256(&salt, bytes_of(key, 32), pseudorandom);
	stun_key_make(out, bytes_of(pseudorandom, sizeof(pseudorandom)));
	explicit_bzero(pseudorandom, sizeof(pseudorandom));
}

/* ... and the first block of its expansion. */
static void expand(const struct stun_key *k, const char *label, uint8_t out[static 32])
{
	uint8_t info[64];
	struct wire_out w = wire_write(info, sizeof(info));

	wire_put_mem(&w, label, strlen(label));
	wire_put_u8(&w, 1);
	stun_key_hmac_sha256(k, wire_written(&w), out);
}

/* Characters that RFC 8445 allows in a ufrag and in a password. */
static void make_word(uint8_t *word, const uint8_t *random, size_t len)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i++)
		word[i] = (uint8_t)chars[random[i] % 64];
}

static uint64_t make_number(const uint8_t random[static 8])
{
	struct wire in = wire_read(bytes_of(random, 8));

	return wire_get_u64(&in);
}

void check_keys_make(struct check_keys *out, const uint8_t key[static 32], bool is_a)
{
	static const char *const names[2] = { "natkit check name A", "natkit check name B" };
	struct stun_key root;
	uint8_t block[32], password[CHECK_PASSWORD_LEN];

	*out = (struct check_keys){ .is_a = is_a };
	extract(&root, key);
	for (int i = 0; i < 2; i++) {
		expand(&root, names[i], block);
		make_word(out->names[i], block, sizeof(out->names[i]));
	}
	expand(&root, is_a ? "natkit check tie A" : "natkit check tie B", block);
	out->tie_breaker = make_number(block);
	expand(&root, "natkit check password", block);
	make_word(password, block, sizeof(password));
	stun_key_make(&out->key, bytes_of(password, sizeof(password)));
	explicit_bzero(password, sizeof(password));
	explicit_bzero(block, sizeof(block));
	stun_key_wipe(&root);
}

void check_keys_wipe(struct check_keys *k)
{
	explicit_bzero(k, sizeof(*k));
}

/* "RECEIVER:SENDER" (RFC 8445, section 7.2.2). */
static void make_username(const struct check_keys *k, bool from_a, uint8_t out[static 17])
{
	memcpy(out, k->names[from_a ? 1 : 0], 8);
	out[8] = ':';
	memcpy(out + 9, k->names[from_a ? 0 : 1], 8);
}

static size_t sign(struct stun_builder *b, const struct check_keys *k)
{
	struct bytes out = { 0 };

	(void)stun_auth_put_integrity(b, &k->key);
	(void)stun_auth_put_fingerprint(b);
	return stun_build_finish(b, &out) == STUN_OK ? out.len : 0;
}

static void put_request(struct stun_builder *b, const struct check_keys *k, uint8_t step,
			uint8_t nomination, bool nominates)
{
	uint8_t username[17];
	uint32_t priority = PRIORITY_TYPE << 24 | (uint32_t)step << 16 | (uint32_t)nomination << 8 |
			    PRIORITY_COMPONENT;

	make_username(k, k->is_a, username);
	(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, bytes_of(username, sizeof(username)));
	(void)stun_attr_put_u32(b, STUN_ATTR_PRIORITY, priority);
	(void)stun_attr_put_u64(b, k->is_a ? STUN_ATTR_ICE_CONTROLLING : STUN_ATTR_ICE_CONTROLLED,
				k->tie_breaker);
	if (nominates)
		(void)stun_attr_put_flag(b, STUN_ATTR_USE_CANDIDATE);
}

size_t check_write_request(const struct check_keys *k, const struct stun_tid *tid, uint8_t step,
			   uint8_t nomination, uint8_t buf[static CHECK_BYTES_MAX])
{
	struct stun_builder b = stun_build(buf, CHECK_BYTES_MAX, STUN_BINDING, STUN_REQUEST, tid);

	put_request(&b, k, step, nomination, nomination != 0 && k->is_a);
	return sign(&b, k);
}

/* So that all of it is `len` bytes long when it is signed. */
static bool pad(struct stun_builder *b, size_t len)
{
	const size_t others = 4 + 4 + STUN_INTEGRITY_LEN + 4 + 4; /* headers, and both of sign */
	size_t padding = len - others - b->len;
	uint8_t *value;

	if (b->failed || len < CHECK_PADDED_MIN || len > b->cap || len % 4 != 0)
		return false;
	value = stun_build_attr(b, CHECK_ATTR_PADDING, padding);
	if (value != NULL)
		memset(value, 0, padding);
	return value != NULL;
}

size_t check_write_use(const struct check_keys *k, const struct stun_tid *tid,
		       const uint8_t identity[static CHECK_IDENTITY_LEN], size_t len, uint8_t *buf,
		       size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, tid);

	put_request(&b, k, STEP_OF_USE, 0, k->is_a);
	(void)stun_attr_put_bytes(&b, CHECK_ATTR_IDENTITY, bytes_of(identity, CHECK_IDENTITY_LEN));
	if (len > 0 && !pad(&b, len))
		return 0;
	return sign(&b, k);
}

size_t check_write_answer(const struct check_keys *k, const struct stun_tid *tid,
			  const struct addr *seen, uint8_t buf[static CHECK_BYTES_MAX])
{
	struct stun_builder b = stun_build(buf, CHECK_BYTES_MAX, STUN_BINDING, STUN_SUCCESS, tid);

	if (seen->family != ADDR_NONE)
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, seen);
	return sign(&b, k);
}

static bool is_ours(const struct check_keys *k, const struct stun_msg *msg)
{
	return msg->method == STUN_BINDING && !stun_tid_is_classic(&msg->tid) &&
	       stun_auth_check_fingerprint(msg) == STUN_AUTH_OK &&
	       stun_auth_check_integrity(msg, &k->key) == STUN_AUTH_OK;
}

static bool read_request(const struct check_keys *k, const struct stun_msg *msg, struct check *out)
{
	struct bytes name = { 0 }, role = { 0 }, value = { 0 };
	uint8_t username[17];
	uint32_t priority = 0;

	make_username(k, !k->is_a, username);
	if (!stun_msg_find(msg, STUN_ATTR_USERNAME, &name) ||
	    !bytes_equal(name, bytes_of(username, sizeof(username))))
		return false;
	if (!stun_msg_find(msg, k->is_a ? STUN_ATTR_ICE_CONTROLLED : STUN_ATTR_ICE_CONTROLLING,
			   &role))
		return false;
	if (!stun_msg_find(msg, STUN_ATTR_PRIORITY, &value) ||
	    stun_attr_get_u32(value, &priority) != STUN_OK)
		return false;
	out->step = (uint8_t)(priority >> 16);
	out->nomination = (uint8_t)(priority >> 8);
	/* A nominates, nobody else. */
	out->nominates =
		!k->is_a && out->nomination != 0 && stun_msg_has(msg, STUN_ATTR_USE_CANDIDATE);
	if (stun_msg_find(msg, CHECK_ATTR_IDENTITY, &value) && value.len == CHECK_IDENTITY_LEN) {
		memcpy(out->identity, value.data, CHECK_IDENTITY_LEN);
		out->has_identity = true;
	}
	out->kind = CHECK_REQUEST;
	return true;
}

void check_read(const struct check_keys *k, struct bytes datagram, struct check *out)
{
	check_read_use(k, datagram.len <= CHECK_BYTES_MAX ? datagram : (struct bytes){ 0 }, out);
}

void check_read_use(const struct check_keys *k, struct bytes datagram, struct check *out)
{
	struct stun_msg msg;
	struct bytes value = { 0 };

	*out = (struct check){ .kind = CHECK_FOREIGN };
	if (stun_msg_parse(datagram, &msg) != STUN_OK || !is_ours(k, &msg))
		return;
	out->tid = msg.tid;
	if (msg.class == STUN_REQUEST) {
		(void)read_request(k, &msg, out);
		return;
	}
	if (msg.class != STUN_SUCCESS)
		return;
	out->kind = CHECK_ANSWER;
	if (stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value))
		(void)stun_attr_get_xor_addr(value, &msg.tid, &out->mapped);
}

#include "codec_load.h"

#include "stun_attr.h"
#include "stun_auth.h"
#include "stun_server.h"
#include "stun_stream.h"
#include "turn_chan.h"

#define DATA_LEN 1200 /* a full packet of media */

static const struct stun_tid tid = { .bytes = "\x21\x12\xa4\x42"
					      "abcdefghijkl" };
static const struct stun_server_policy policy = { 0 };

static struct addr client;
static struct stun_key md5_key;
static struct stun_key sha256_key;

/* Where steps write, and what they read. */
static uint8_t scratch[1500];
static uint8_t binding_buf[64];
static uint8_t answer_buf[64];
static uint8_t allocate_buf[512];
static uint8_t allocate_sha256_buf[512];
static uint8_t chan_buf[TURN_CHAN_HEADER_LEN + DATA_LEN];
static struct bytes binding;
static struct bytes answer;
static struct bytes allocate;
static struct bytes allocate_sha256;

static bool put_binding(uint8_t *buf, size_t cap, struct bytes *out)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, &tid);

	return stun_build_finish(&b, out) == STUN_OK;
}

static bool put_answer(uint8_t *buf, size_t cap, struct bytes *out)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &tid);

	stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &client);
	return stun_build_finish(&b, out) == STUN_OK;
}

static struct stun_builder begin_allocate(uint8_t *buf, size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, TURN_ALLOCATE, STUN_REQUEST, &tid);

	stun_attr_put_u8(&b, STUN_ATTR_REQUESTED_TRANSPORT, 17);
	stun_attr_put_u32(&b, STUN_ATTR_LIFETIME, 600);
	stun_attr_put_bytes(&b, STUN_ATTR_USERNAME, BYTES("1795212000:alice"));
	stun_attr_put_bytes(&b, STUN_ATTR_REALM, BYTES("example.org"));
	stun_attr_put_bytes(&b, STUN_ATTR_NONCE, BYTES("obMatJos2AAAAf//499k954d6OL34oL9"));
	return b;
}

static bool put_allocate(uint8_t *buf, size_t cap, struct bytes *out)
{
	struct stun_builder b = begin_allocate(buf, cap);

	stun_auth_put_integrity(&b, &md5_key);
	stun_auth_put_fingerprint(&b);
	return stun_build_finish(&b, out) == STUN_OK;
}

static bool put_allocate_sha256(uint8_t *buf, size_t cap, struct bytes *out)
{
	struct stun_algorithm sha256 = { .number = STUN_PASSWORD_SHA256 };
	struct stun_builder b = begin_allocate(buf, cap);

	stun_attr_put_algorithm(&b, &sha256);
	stun_auth_put_sha256(&b, &sha256_key, STUN_SHA256_FULL);
	stun_auth_put_fingerprint(&b);
	return stun_build_finish(&b, out) == STUN_OK;
}

static bool build_binding(void)
{
	struct bytes out;

	return put_binding(scratch, sizeof(scratch), &out) &&
	       put_answer(scratch, sizeof(scratch), &out);
}

static bool parse_binding(void)
{
	struct stun_msg msg;
	struct bytes value;
	struct addr got;

	if (stun_msg_parse(binding, &msg) != STUN_OK || msg.class != STUN_REQUEST)
		return false;
	return stun_msg_parse(answer, &msg) == STUN_OK && stun_tid_equal(&msg.tid, &tid) &&
	       stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) &&
	       stun_attr_get_xor_addr(value, &msg.tid, &got) == STUN_OK && got.port == client.port;
}

static bool serve_binding(void)
{
	struct stun_query q = { .datagram = binding, .from = client, .transport = STUN_UDP };
	struct stun_reply reply;

	return stun_server_answer(&policy, &q, scratch, sizeof(scratch), &reply) == STUN_REPLY;
}

static bool build_allocate(void)
{
	struct bytes out;

	return put_allocate(scratch, sizeof(scratch), &out);
}

static bool build_allocate_sha256(void)
{
	struct bytes out;

	return put_allocate_sha256(scratch, sizeof(scratch), &out);
}

struct allocate_attrs {
	uint8_t transport;
	uint32_t lifetime_s;
	struct bytes username;
	struct bytes realm;
	struct bytes nonce;
};

static enum stun_result get_attr(const struct stun_attr *a, struct allocate_attrs *out)
{
	switch (a->type) {
	case STUN_ATTR_REQUESTED_TRANSPORT:
		return stun_attr_get_u8(a->value, &out->transport);
	case STUN_ATTR_LIFETIME:
		return stun_attr_get_u32(a->value, &out->lifetime_s);
	case STUN_ATTR_USERNAME:
		return stun_attr_get_bytes(a->type, a->value, &out->username);
	case STUN_ATTR_REALM:
		return stun_attr_get_bytes(a->type, a->value, &out->realm);
	case STUN_ATTR_NONCE:
		return stun_attr_get_bytes(a->type, a->value, &out->nonce);
	default:
		return STUN_OK;
	}
}

/* As a relay would: parse, gather attributes in one walk, then check what protects them. */
static bool read_allocate(struct bytes in, const struct stun_key *key)
{
	struct allocate_attrs got = { 0 };
	struct stun_msg msg;
	struct stun_walk walk;
	struct stun_attr attr;

	if (stun_msg_parse(in, &msg) != STUN_OK)
		return false;
	walk = stun_msg_walk(&msg);
	while (stun_walk_next(&walk, &attr)) {
		if (get_attr(&attr, &got) != STUN_OK)
			return false;
	}
	return got.transport == 17 && got.lifetime_s == 600 && got.username.len > 0 &&
	       stun_auth_check_fingerprint(&msg) == STUN_AUTH_OK &&
	       stun_auth_check(&msg, key) == STUN_AUTH_OK;
}

static bool parse_allocate(void)
{
	return read_allocate(allocate, &md5_key);
}

static bool parse_allocate_sha256(void)
{
	return read_allocate(allocate_sha256, &sha256_key);
}

/* The data is where it was received: only the header goes in front of it. */
static bool build_chan(void)
{
	turn_chan_put_header(chan_buf, TURN_CHAN_FIRST, DATA_LEN);
	return true;
}

static bool parse_chan(void)
{
	struct turn_chan c;

	return turn_chan_parse(bytes_of(chan_buf, sizeof(chan_buf)), &c) == STUN_OK &&
	       c.data.len == DATA_LEN;
}

static bool frame_chan(void)
{
	struct bytes frame;
	size_t used;

	return stun_stream_next(bytes_of(chan_buf, sizeof(chan_buf)), sizeof(chan_buf), &frame,
				&used) == STUN_OK;
}

const struct codec_step *codec_load_init(size_t *count)
{
	static const struct codec_step steps[] = {
		{ "binding_build", build_binding },
		{ "binding_parse", parse_binding },
		{ "binding_serve", serve_binding },
		{ "allocate_build", build_allocate },
		{ "allocate_parse", parse_allocate },
		{ "allocate_sha256_build", build_allocate_sha256 },
		{ "allocate_sha256_parse", parse_allocate_sha256 },
		{ "channel_data_build", build_chan },
		{ "channel_data_parse", parse_chan },
		{ "channel_data_frame", frame_chan },
	};
	struct bytes user = BYTES("1795212000:alice");
	struct bytes realm = BYTES("example.org");
	struct bytes password = BYTES("TheMatrIX");

	client = addr_ipv4(192, 0, 2, 1, 32853);
	stun_key_long_term(&md5_key, STUN_PASSWORD_MD5, user, realm, password);
	stun_key_long_term(&sha256_key, STUN_PASSWORD_SHA256, user, realm, password);
	put_binding(binding_buf, sizeof(binding_buf), &binding);
	put_answer(answer_buf, sizeof(answer_buf), &answer);
	put_allocate(allocate_buf, sizeof(allocate_buf), &allocate);
	put_allocate_sha256(allocate_sha256_buf, sizeof(allocate_sha256_buf), &allocate_sha256);
	build_chan();
	*count = ARRAY_LEN(steps);
	return steps;
}

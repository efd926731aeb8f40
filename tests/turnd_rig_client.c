#include "turnd_rig.h"

#include "fuzz_check.h"
#include "turn_chan.h"

#define ASKS_MAX 3 /* other workers that one request takes */

void rig_client(struct rig_client *c, struct rig *r, uint16_t port)
{
	*c = (struct rig_client){
		.rig = r,
		.tuple = { .client = addr_ipv4(91, 80, 1, 1, port),
			   .server = addr_ipv4(RIG_SERVER_IP, STUN_PORT),
			   .transport = STUN_UDP },
		.ip = TURND_IP_DEFAULT,
		.user = BYTES("alice"),
		.password = BYTES("open sesame"),
	};
}

void rig_become(struct rig_client *c, struct bytes user, struct bytes password)
{
	c->user = user;
	c->password = password;
}

struct stun_builder *rig_request(struct rig_client *c, uint16_t method)
{
	uint8_t random[12];
	struct stun_tid tid;

	rng_fill(&c->rig->rng, random, sizeof(random));
	tid = stun_tid_make(random);
	c->b = stun_build(c->request, sizeof(c->request), method, STUN_REQUEST, &tid);
	return &c->b;
}

struct addr rig_peer(void)
{
	return addr_ipv4(91, 80, 9, 9, 7000);
}

void rig_prepare(struct rig_client *c, uint16_t method)
{
	struct stun_builder *b = rig_request(c, method);
	struct addr peer = rig_peer();

	if (method == TURN_ALLOCATE)
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	if (method == TURN_CHANNEL_BIND)
		(void)stun_attr_put_u16(b, STUN_ATTR_CHANNEL_NUMBER, 0x4001);
	if (method == TURN_CHANNEL_BIND || method == TURN_CREATE_PERMISSION ||
	    method == TURN_CONNECT)
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	if (method == TURN_CONNECTION_BIND)
		(void)stun_attr_put_u32(b, STUN_ATTR_CONNECTION_ID, 1);
}

/* The algorithm that it names, or that naming none stands for. */
static uint16_t algorithm_of(const struct rig_client *c)
{
	return c->sha256 ? STUN_PASSWORD_SHA256 : STUN_PASSWORD_MD5;
}

static void make_key(struct rig_client *c)
{
	if (c->token.len > 0)
		stun_key_make(&c->key, c->mac_key);
	else
		FUZZ_CHECK(stun_key_long_term(&c->key, algorithm_of(c), c->user,
					      bytes_of(c->realm, c->realm_len), c->password));
}

static void put_user(struct rig_client *c)
{
	uint8_t hash[STUN_USERHASH_LEN];

	if (!c->userhash) {
		(void)stun_attr_put_bytes(&c->b, STUN_ATTR_USERNAME, c->user);
		return;
	}
	stun_userhash(c->user, bytes_of(c->realm, c->realm_len), hash);
	(void)stun_attr_put_bytes(&c->b, STUN_ATTR_USERHASH, bytes_of(hash, sizeof(hash)));
}

static void put_copy(struct stun_builder *b, uint16_t type, struct bytes value)
{
	uint8_t *to = stun_build_attr(b, type, value.len);

	FUZZ_CHECK(to != NULL);
	if (value.len > 0)
		memcpy(to, value.data, value.len);
}

void rig_sign(struct rig_client *c)
{
	struct stun_algorithm chosen = { .number = algorithm_of(c) };

	if (!c->challenged)
		return;
	make_key(c);
	put_user(c);
	put_copy(&c->b, STUN_ATTR_REALM, bytes_of(c->realm, c->realm_len));
	put_copy(&c->b, STUN_ATTR_NONCE, bytes_of(c->nonce, c->nonce_len));
	if (c->sha256) {
		put_copy(&c->b, STUN_ATTR_PASSWORD_ALGORITHMS,
			 bytes_of(c->offered, c->offered_len));
		(void)stun_attr_put_algorithm(&c->b, &chosen);
	}
	if (c->token.len > 0)
		put_copy(&c->b, STUN_ATTR_ACCESS_TOKEN, c->token);
	if (c->sha256)
		(void)stun_auth_put_sha256(&c->b, &c->key, STUN_SHA256_FULL);
	else
		(void)stun_auth_put_integrity(&c->b, &c->key);
}

static bool is_answer(enum turnd_step step)
{
	return step == TURND_TO_CLIENT || step == TURND_JOIN;
}

enum turnd_step rig_give(struct rig_client *c, struct bytes data)
{
	struct rig *r = c->rig;
	struct turnd_gift gift;
	struct turnd_in in = {
		.data = data,
		.tuple = c->tuple,
		.link = c->link,
		.realm = c->realm_id,
		.ip = c->ip,
		.site = c->site,
		.socket = c->socket,
		.gift = c->gift,
	};

	r->answer = (struct stun_msg){ 0 };
	for (int i = 0;; i++) {
		r->out = (struct turnd_out){ 0 };
		r->step = turnd_from_client(r->worker[c->worker].turnd, &in, &r->now, r->buf,
					    &r->out);
		if (r->step != TURND_ASK || i == ASKS_MAX)
			break;
		FUZZ_CHECK(r->out.ask.worker < r->workers && r->out.ask.from == c->worker);
		turnd_answer(r->worker[r->out.ask.worker].turnd, &r->out.ask, &r->now, &gift);
		in.gift = &gift;
	}
	if (is_answer(r->step))
		FUZZ_CHECK(stun_msg_parse(r->out.data, &r->answer) == STUN_OK);
	return r->step;
}

static uint16_t code_of(const struct rig *r)
{
	struct stun_error error;
	struct bytes value;

	if (r->answer.class == STUN_SUCCESS)
		return 0;
	FUZZ_CHECK(r->answer.class == STUN_ERROR);
	FUZZ_CHECK(rig_find(r, STUN_ATTR_ERROR_CODE, &value));
	FUZZ_CHECK(stun_attr_get_error(value, &error) == STUN_OK);
	return error.code;
}

/* Whether the answer has to have MESSAGE-INTEGRITY-SHA256 (RFC 8489, section 9.2.4). */
static bool names_algorithm(const struct rig_client *c)
{
	struct stun_msg asked;

	FUZZ_CHECK(stun_msg_parse(bytes_of(c->request, c->b.len), &asked) == STUN_OK);
	return stun_msg_has(&asked, STUN_ATTR_PASSWORD_ALGORITHM);
}

static void check_answer(struct rig_client *c)
{
	const struct stun_msg *answer = &c->rig->answer;
	enum stun_auth_result signature = stun_auth_check(answer, &c->key);

	FUZZ_CHECK(stun_tid_equal(&answer->tid, &c->b.tid));
	FUZZ_CHECK(signature != STUN_AUTH_WRONG);
	FUZZ_CHECK((answer->fingerprint != 0) == c->fingerprint);
	FUZZ_CHECK(stun_auth_check_fingerprint(answer) != STUN_AUTH_WRONG);
	c->is_signed = signature == STUN_AUTH_OK;
	FUZZ_CHECK(answer->integrity == 0 || answer->integrity_sha256 == 0);
	if (c->is_signed)
		FUZZ_CHECK((answer->integrity_sha256 != 0) == names_algorithm(c));
}

uint16_t rig_send_request(struct rig_client *c)
{
	struct bytes raw;
	uint16_t code;

	if (c->fingerprint)
		(void)stun_auth_put_fingerprint(&c->b);
	FUZZ_CHECK(stun_build_finish(&c->b, &raw) == STUN_OK);
	c->is_signed = false;
	if (!is_answer(rig_give(c, raw)))
		return RIG_NOTHING;
	check_answer(c);
	code = code_of(c->rig);
	FUZZ_CHECK(code != 0 || c->is_signed || c->rig->answer.method == STUN_BINDING);
	return code;
}

uint16_t rig_ask(struct rig_client *c)
{
	rig_sign(c);
	return rig_send_request(c);
}

static void keep(const struct rig *r, uint16_t type, uint8_t *to, size_t cap, size_t *len)
{
	struct bytes value;

	if (!rig_find(r, type, &value))
		return;
	FUZZ_CHECK(value.len <= cap);
	memcpy(to, value.data, value.len);
	*len = value.len;
}

void rig_learn(struct rig_client *c)
{
	keep(c->rig, STUN_ATTR_REALM, c->realm, sizeof(c->realm), &c->realm_len);
	keep(c->rig, STUN_ATTR_NONCE, c->nonce, sizeof(c->nonce), &c->nonce_len);
	keep(c->rig, STUN_ATTR_PASSWORD_ALGORITHMS, c->offered, sizeof(c->offered),
	     &c->offered_len);
	c->challenged = true;
}

uint16_t rig_challenge(struct rig_client *c)
{
	uint16_t code;

	c->challenged = false;
	rig_prepare(c, TURN_ALLOCATE);
	code = rig_ask(c);
	if (code == 401)
		rig_learn(c);
	return code;
}

static void read_addr(const struct rig *r, const struct stun_attr *attr, struct addr *to)
{
	FUZZ_CHECK(stun_attr_get_xor_addr(attr->value, &r->answer.tid, to) == STUN_OK);
}

static void read_allocation(struct rig_client *c)
{
	const struct rig *r = c->rig;
	struct stun_walk walk = stun_msg_walk(&r->answer);
	struct stun_attr attr;
	size_t relayed = 0;

	while (stun_walk_next(&walk, &attr)) {
		if (attr.type == STUN_ATTR_XOR_MAPPED_ADDRESS)
			read_addr(r, &attr, &c->mapped);
		else if (attr.type == STUN_ATTR_LIFETIME)
			FUZZ_CHECK(stun_attr_get_u32(attr.value, &c->lifetime_s) == STUN_OK);
		else if (attr.type == STUN_ATTR_XOR_RELAYED_ADDRESS && relayed < 2)
			read_addr(r, &attr, &c->relayed[relayed++]);
	}
}

/* Whether it may ask now; if not, *code says why. */
static bool is_ready(struct rig_client *c, uint16_t *code)
{
	if (c->challenged)
		return true;
	*code = rig_challenge(c);
	return c->challenged;
}

/* Asks, and learns from a success what it says. */
static uint16_t ask_and_read(struct rig_client *c)
{
	uint16_t code = rig_ask(c);

	if (code == 0)
		read_allocation(c);
	return code;
}

uint16_t rig_allocate(struct rig_client *c)
{
	uint16_t code;

	if (!is_ready(c, &code))
		return code;
	rig_prepare(c, TURN_ALLOCATE);
	return ask_and_read(c);
}

uint16_t rig_refresh(struct rig_client *c, uint32_t lifetime_s)
{
	uint16_t code;

	if (!is_ready(c, &code))
		return code;
	(void)stun_attr_put_u32(rig_request(c, TURN_REFRESH), STUN_ATTR_LIFETIME, lifetime_s);
	return ask_and_read(c);
}

uint16_t rig_permit(struct rig_client *c, const struct addr *peer)
{
	uint16_t code;

	if (!is_ready(c, &code))
		return code;
	(void)stun_attr_put_xor_addr(rig_request(c, TURN_CREATE_PERMISSION),
				     STUN_ATTR_XOR_PEER_ADDRESS, peer);
	return rig_ask(c);
}

uint16_t rig_bind(struct rig_client *c, uint16_t number, const struct addr *peer)
{
	struct stun_builder *b;
	uint16_t code;

	if (!is_ready(c, &code))
		return code;
	b = rig_request(c, TURN_CHANNEL_BIND);
	(void)stun_attr_put_u16(b, STUN_ATTR_CHANNEL_NUMBER, number);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	return rig_ask(c);
}

enum turnd_step rig_send(struct rig_client *c, const struct addr *peer, struct bytes data)
{
	struct bytes raw;

	(void)rig_request(c, TURN_SEND);
	c->b = stun_build(c->request, sizeof(c->request), TURN_SEND, STUN_INDICATION, &c->b.tid);
	(void)stun_attr_put_xor_addr(&c->b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	put_copy(&c->b, STUN_ATTR_DATA, data);
	FUZZ_CHECK(stun_build_finish(&c->b, &raw) == STUN_OK);
	return rig_give(c, raw);
}

enum turnd_step rig_channel(struct rig_client *c, uint16_t number, struct bytes data)
{
	struct turn_chan chan = { .number = number, .data = data };
	struct bytes raw;

	FUZZ_CHECK(turn_chan_build(c->request, sizeof(c->request), &chan,
				   five_tuple_is_stream(&c->tuple), &raw) == STUN_OK);
	return rig_give(c, raw);
}

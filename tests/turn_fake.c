#include "turn_fake.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz_check.h"

#define NO_LINK 0xff

static uint32_t rnd(struct fake *f)
{
	f->rng = f->rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(f->rng >> 33);
}

static void fill(void *arg, void *buf, size_t len)
{
	uint8_t *to = buf;

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)rnd(arg);
}

void fake_init(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->now_us = 5 * FAKE_SECOND;
	f->rng = 42;
	f->lifetime_s = 600;
	f->config.server = addr_ipv4(84, 20, 3, 1, 3478);
	f->config.credentials.username = BYTES("alice");
	f->config.credentials.password = BYTES("secret");
	f->config.random = fill;
	f->config.random_arg = f;
}

void fake_start(struct fake *f)
{
	FUZZ_CHECK(turn_client_check(&f->config) == NULL);
	f->client = turn_client_new(&f->config);
	FUZZ_CHECK(f->client != NULL);
}

void fake_end(struct fake *f)
{
	turn_client_free(f->client);
	f->client = NULL;
}

static void put_on_path(struct fake *f, bool to_server, uint8_t link, struct bytes data)
{
	FUZZ_CHECK(data.len <= FAKE_PACKET_MAX);
	for (size_t i = 0; i < FAKE_PACKETS; i++) {
		struct fake_packet *p = &f->packets[i];

		if (p->used)
			continue;
		*p = (struct fake_packet){ .used = true, .to_server = to_server, .link = link };
		p->at_us = f->now_us + FAKE_DELAY_US;
		if (rnd(f) % 100 < f->reorder)
			p->at_us += rnd(f) % (5 * FAKE_DELAY_US);
		p->len = data.len;
		memcpy(p->data, data.data, data.len);
		return;
	}
}

static void travel(struct fake *f, bool to_server, uint8_t link, struct bytes data)
{
	if (f->dead || rnd(f) % 100 < f->loss)
		return;
	put_on_path(f, to_server, link, data);
	if (rnd(f) % 100 < f->duplicate)
		put_on_path(f, to_server, link, data);
}

/* The server. */

static struct bytes str(const char *text, const char *other)
{
	return bytes_of_str(text != NULL ? text : other);
}

static size_t make_nonce(const struct fake *f, char out[static 64])
{
	uint32_t features = 0;
	size_t len = 0;

	if (f->sha256 || f->bid_down)
		features |= STUN_FEATURE_PASSWORD_ALGORITHMS;
	if (f->userhash)
		features |= STUN_FEATURE_USERNAME_ANONYMITY;
	if (features != 0) {
		stun_nonce_cookie_put(features, out);
		len = STUN_NONCE_COOKIE_LEN;
	}
	return len + (size_t)snprintf(out + len, 64 - len, "n%u", f->nonce);
}

static void server_key(const struct fake *f, struct stun_key *key)
{
	if (f->mac_key.len > 0)
		stun_key_make(key, f->mac_key);
	else
		(void)stun_key_long_term(key, f->sha256 ? STUN_PASSWORD_SHA256 : STUN_PASSWORD_MD5,
					 BYTES("alice"), str(f->realm, "example.org"),
					 str(f->password, "secret"));
}

static void put_challenge(const struct fake *f, struct stun_builder *b)
{
	static const struct stun_algorithm list[] = { { 77, { 0 } },
						      { STUN_PASSWORD_SHA256, { 0 } },
						      { STUN_PASSWORD_MD5, { 0 } } };
	char nonce[64];
	size_t len = make_nonce(f, nonce);

	(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, str(f->realm, "example.org"));
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(nonce, len));
	if (f->unknown_algorithm)
		(void)stun_attr_put_algorithms(b, list, 1);
	else if (f->sha256 && !f->forgets_algorithms)
		(void)stun_attr_put_algorithms(b, list, 3);
	if (f->third_party)
		(void)stun_attr_put_bytes(b, STUN_ATTR_THIRD_PARTY_AUTHORIZATION,
					  BYTES("auth.example"));
}

static void reply(struct fake *f, struct stun_builder *b, bool sign, uint8_t link)
{
	struct stun_key key;
	struct bytes out;

	server_key(f, &key);
	if (f->signs_wrongly)
		stun_key_make(&key, BYTES("another"));
	if (sign && !f->signs_nothing && !f->open) {
		if (f->sha256)
			(void)stun_auth_put_sha256(b, &key, STUN_SHA256_FULL);
		else
			(void)stun_auth_put_integrity(b, &key);
	}
	(void)stun_auth_put_fingerprint(b);
	FUZZ_CHECK(stun_build_finish(b, &out) == STUN_OK);
	travel(f, false, link, out);
}

static void refuse(struct fake *f, const struct stun_msg *msg, uint16_t code, bool sign,
		   uint8_t link)
{
	static const uint16_t df = STUN_ATTR_DONT_FRAGMENT;
	uint8_t buf[FAKE_PACKET_MAX];
	struct stun_builder b = stun_build(buf, sizeof(buf), msg->method, STUN_ERROR, &msg->tid);

	(void)stun_attr_put_error(&b, code, BYTES("no"));
	if (code == 401 || code == 438)
		put_challenge(f, &b);
	if (code == 420)
		(void)stun_attr_put_types(&b, &df, 1);
	if (code == 300) {
		struct addr other = addr_ipv4(0, 0, 0, 0, 1);

		other.family = ADDR_IPV6;
		other.ip[0] = 0x20;
		if (!f->only_alternate)
			(void)stun_attr_put_addr(&b, STUN_ATTR_ALTERNATE_SERVER, &other);
		(void)stun_attr_put_addr(&b, STUN_ATTR_ALTERNATE_SERVER, &f->alternate);
		if (f->domain != NULL)
			(void)stun_attr_put_bytes(&b, STUN_ATTR_ALTERNATE_DOMAIN,
						  bytes_of_str(f->domain));
	}
	reply(f, &b, sign, link);
}

/* 0, 401, 438 or 400. */
static uint16_t authenticate(const struct fake *f, const struct stun_msg *msg)
{
	uint8_t hash[STUN_USERHASH_LEN];
	struct bytes value;
	struct stun_key key;
	char nonce[64];
	size_t len = make_nonce(f, nonce);

	if (f->open)
		return 0;
	if (msg->integrity == 0 && msg->integrity_sha256 == 0)
		return 401;
	if (!stun_msg_find(msg, STUN_ATTR_NONCE, &value))
		return 400;
	if (!bytes_equal(value, bytes_of(nonce, len)))
		return 438;
	stun_userhash(BYTES("alice"), str(f->realm, "example.org"), hash);
	if (f->userhash ? !stun_msg_find(msg, STUN_ATTR_USERHASH, &value) ||
				  !bytes_equal(value, bytes_of(hash, sizeof(hash)))
			: !stun_msg_find(msg, STUN_ATTR_USERNAME, &value))
		return 401;
	if (f->mac_key.len > 0 && (msg->method == TURN_ALLOCATE || msg->method == TURN_REFRESH) !=
					  stun_msg_has(msg, STUN_ATTR_ACCESS_TOKEN))
		return 401;
	if (f->sha256 && (msg->integrity != 0 || !stun_msg_has(msg, STUN_ATTR_PASSWORD_ALGORITHM)))
		return 400;
	server_key(f, &key);
	return stun_auth_check(msg, &key) == STUN_AUTH_OK ? 0 : 401;
}

static void allocate(struct fake *f, const struct stun_msg *msg, struct stun_builder *b)
{
	struct addr relayed = addr_ipv4(91, 80, 1, 1, 50000), six = { .family = ADDR_IPV6 };
	struct addr mapped = addr_ipv4(84, 20, 3, 9, 4444);

	six.ip[0] = 0x20;
	six.port = 50001;
	if (!f->exists)
		memset(f->channels, 0, sizeof(f->channels));
	f->exists = true;
	f->expires_us = f->now_us + f->lifetime_s * FAKE_SECOND;
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, f->lifetime_s);
	if (f->gives_no_address)
		return;
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_RELAYED_ADDRESS, &relayed);
	if (stun_msg_has(msg, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY)) {
		if (f->no_second_family)
			(void)stun_attr_put_addr_error(b, ADDR_IPV6, 440, BYTES("none"));
		else
			(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_RELAYED_ADDRESS, &six);
	}
	if (stun_msg_has(msg, STUN_ATTR_EVEN_PORT))
		(void)stun_attr_put_bytes(b, STUN_ATTR_RESERVATION_TOKEN, BYTES("12345678"));
	if (stun_msg_has(msg, STUN_ATTR_MOBILITY_TICKET))
		(void)stun_attr_put_bytes(b, STUN_ATTR_MOBILITY_TICKET, BYTES("ticket"));
}

static void refresh(struct fake *f, const struct stun_msg *msg, struct stun_builder *b)
{
	uint32_t lifetime_s = f->lifetime_s;
	struct bytes value;

	if (stun_msg_find(msg, STUN_ATTR_LIFETIME, &value) &&
	    stun_attr_get_u32(value, &lifetime_s) == STUN_OK && lifetime_s == 0)
		f->exists = false;
	f->expires_us = f->now_us + lifetime_s * FAKE_SECOND;
	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, lifetime_s);
	if (stun_msg_find(msg, STUN_ATTR_MOBILITY_TICKET, &value)) {
		f->tickets++;
		(void)stun_attr_put_bytes(b, STUN_ATTR_MOBILITY_TICKET, BYTES("ticket2"));
	}
}

static uint16_t permit(struct fake *f, const struct stun_msg *msg, bool forreal)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;
	struct addr peer;
	int count = 0;

	while (stun_walk_next(&walk, &attr)) {
		if (attr.type != STUN_ATTR_XOR_PEER_ADDRESS)
			continue;
		count++;
		FUZZ_CHECK(stun_attr_get_xor_addr(attr.value, &msg->tid, &peer) == STUN_OK);
		if (f->refused_peer != 0 && peer.ip[3] == f->refused_peer)
			return 403;
		if (forreal)
			f->permitted_us[peer.ip[3]] = f->now_us + 300 * FAKE_SECOND;
	}
	return count == 0 ? 400 : 0;
}

static uint16_t bind_channel(struct fake *f, const struct stun_msg *msg)
{
	struct bytes value;
	struct addr peer;
	uint16_t number;

	FUZZ_CHECK(stun_msg_find(msg, STUN_ATTR_CHANNEL_NUMBER, &value));
	FUZZ_CHECK(stun_attr_get_u16(value, &number) == STUN_OK && turn_chan_is_number(number));
	FUZZ_CHECK(stun_msg_find(msg, STUN_ATTR_XOR_PEER_ADDRESS, &value));
	FUZZ_CHECK(stun_attr_get_xor_addr(value, &msg->tid, &peer) == STUN_OK);
	number = (uint16_t)(number - TURN_CHAN_FIRST);
	FUZZ_CHECK(number < TURN_CLIENT_PEERS_MAX);
	for (uint16_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if ((i == number) != addr_equal(&f->channels[i], &peer) &&
		    f->channels[i].family != ADDR_NONE &&
		    (i == number || addr_equal(&f->channels[i], &peer)))
			return 400;
	}
	f->channels[number] = peer;
	return 0;
}

static uint16_t perform(struct fake *f, const struct stun_msg *msg, struct stun_builder *b)
{
	uint16_t code;

	if (msg->method == TURN_ALLOCATE) {
		if (f->knows_no_df && stun_msg_has(msg, STUN_ATTR_DONT_FRAGMENT))
			return 420;
		allocate(f, msg, b);
		return 0;
	}
	if (msg->method != TURN_CONNECTION_BIND && (!f->exists || f->now_us > f->expires_us))
		return 437;
	switch (msg->method) {
	case TURN_REFRESH:
		refresh(f, msg, b);
		return 0;
	case TURN_CHANNEL_BIND:
		code = permit(f, msg, false);
		code = code != 0 ? code : bind_channel(f, msg);
		return code != 0 ? code : permit(f, msg, true);
	case TURN_CREATE_PERMISSION:
		code = permit(f, msg, false);
		return code != 0 ? code : permit(f, msg, true);
	case TURN_CONNECT:
		(void)stun_attr_put_u32(b, STUN_ATTR_CONNECTION_ID, 7);
		return 0;
	default:
		return 0;
	}
}

static void answer(struct fake *f, const struct stun_msg *msg, uint8_t link)
{
	uint8_t buf[FAKE_PACKET_MAX];
	struct stun_builder b = stun_build(buf, sizeof(buf), msg->method, STUN_SUCCESS, &msg->tid);
	uint16_t code = authenticate(f, msg);

	FUZZ_CHECK(msg->method < FAKE_METHODS);
	f->requests[msg->method]++;
	if (f->error[msg->method] == 300) /* known without looking at credentials */
		code = 0;
	if (code != 0) {
		refuse(f, msg, code, false, link);
		return;
	}
	if (f->errors[msg->method] != 0) {
		f->errors[msg->method] -= f->errors[msg->method] > 0;
		refuse(f, msg, f->error[msg->method], f->error[msg->method] != 300, link);
		return;
	}
	code = perform(f, msg, &b);
	if (code != 0)
		refuse(f, msg, code, true, link);
	else
		reply(f, &b, true, link);
}

/* Each connection has nonces of its own. */
static void on_request(struct fake *f, const struct stun_msg *msg, uint8_t link)
{
	unsigned int other = link != NO_LINK ? 1000 : 0;

	f->nonce += other;
	answer(f, msg, link);
	f->nonce -= other;
}

static void relay(struct fake *f, const struct addr *peer, struct bytes data)
{
	if (peer->family == ADDR_NONE || f->permitted_us[peer->ip[3]] < f->now_us)
		f->lapses++;
	memcpy(f->last_bytes, data.data, data.len);
	f->last_data = bytes_of(f->last_bytes, data.len);
}

static void on_send(struct fake *f, const struct stun_msg *msg)
{
	struct bytes value, data;
	struct addr peer;

	FUZZ_CHECK(msg->method == TURN_SEND);
	FUZZ_CHECK(stun_msg_find(msg, STUN_ATTR_XOR_PEER_ADDRESS, &value));
	FUZZ_CHECK(stun_attr_get_xor_addr(value, &msg->tid, &peer) == STUN_OK);
	FUZZ_CHECK(stun_msg_find(msg, STUN_ATTR_DATA, &data));
	f->last_by_channel = false;
	f->last_df = stun_msg_has(msg, STUN_ATTR_DONT_FRAGMENT);
	relay(f, &peer, data);
}

static void server_gets(struct fake *f, struct bytes data, uint8_t link)
{
	struct turn_chan chan;
	struct stun_msg msg;

	if (turn_chan_parse(data, &chan) == STUN_OK) {
		size_t i = (size_t)(chan.number - TURN_CHAN_FIRST);
		static const struct addr nobody;
		const struct addr *peer = i < TURN_CLIENT_PEERS_MAX ? &f->channels[i] : &nobody;

		f->last_by_channel = true;
		relay(f, peer, chan.data);
		return;
	}
	FUZZ_CHECK(stun_msg_parse(data, &msg) == STUN_OK);
	if (msg.class == STUN_REQUEST)
		on_request(f, &msg, link);
	else
		on_send(f, &msg);
}

static struct stun_builder indication(struct fake *f, uint8_t *buf, size_t cap, uint16_t method,
				      const struct addr *peer)
{
	uint8_t random[12];
	struct stun_tid tid;
	struct stun_builder b;

	fill(f, random, sizeof(random));
	tid = stun_tid_make(random);
	b = stun_build(buf, cap, method, STUN_INDICATION, &tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	return b;
}

void fake_peer_sends(struct fake *f, const struct addr *peer, struct bytes data)
{
	uint8_t buf[FAKE_PACKET_MAX];
	struct stun_builder b;
	struct bytes out;

	for (uint16_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		struct turn_chan chan = { (uint16_t)(TURN_CHAN_FIRST + i), data };

		if (!addr_equal(&f->channels[i], peer))
			continue;
		FUZZ_CHECK(turn_chan_build(buf, sizeof(buf), &chan, false, &out) == STUN_OK);
		travel(f, false, NO_LINK, out);
		return;
	}
	b = indication(f, buf, sizeof(buf), TURN_DATA, peer);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, data);
	FUZZ_CHECK(stun_build_finish(&b, &out) == STUN_OK);
	travel(f, false, NO_LINK, out);
}

void fake_peer_calls(struct fake *f, const struct addr *peer, uint32_t id)
{
	uint8_t buf[FAKE_PACKET_MAX];
	struct stun_builder b = indication(f, buf, sizeof(buf), TURN_CONNECTION_ATTEMPT, peer);
	struct bytes out;

	(void)stun_attr_put_u32(&b, STUN_ATTR_CONNECTION_ID, id);
	FUZZ_CHECK(stun_build_finish(&b, &out) == STUN_OK);
	fake_inject(f, out);
}

/* The client and its shell. */

static void client_gets(struct fake *f, struct bytes data, uint8_t link)
{
	struct turn_client_data got;
	enum turn_client_input what;

	if (link != NO_LINK) {
		turn_client_on_link_bytes(f->client, link, data, f->now_us);
		return;
	}
	what = turn_client_on_bytes(f->client, data, f->now_us, &got);
	if (what == TURN_CLIENT_NOTHING)
		return;
	f->got = what;
	f->got_count++;
	f->got_data = got;
	if (got.data.len > 0)
		memcpy(f->got_bytes, got.data.data, got.data.len);
	f->got_data.data = bytes_of(f->got_bytes, got.data.len);
}

void fake_inject(struct fake *f, struct bytes data)
{
	client_gets(f, data, NO_LINK);
}

enum turn_client_sending fake_send(struct fake *f, int peer, struct bytes data, bool df)
{
	uint8_t buf[FAKE_PACKET_MAX];
	struct bytes out;
	enum turn_client_sending rc =
		turn_client_send(f->client, peer, data, df, f->now_us, buf, sizeof(buf), &out);

	if (rc == TURN_CLIENT_FRAMED)
		travel(f, true, NO_LINK, out);
	return rc;
}

static void on_event(struct fake *f, const struct turn_client_event *e)
{
	FUZZ_CHECK(e->kind < FAKE_EVENTS);
	f->told[e->kind]++;
	f->last = *e;
	if (e->failure != NULL) {
		f->failure = *e->failure;
		FUZZ_CHECK(turn_client_failure_text(&f->failure)[0] != '\0');
		FUZZ_CHECK(turn_client_failure_remedy(&f->failure)[0] != '\0');
	}
	if (e->allocated != NULL)
		f->allocated = *e->allocated;
	if (e->kind == TURN_CLIENT_PEER_CALLS)
		turn_client_accept(f->client, e->link);
}

static uint64_t pump(struct fake *f)
{
	struct turn_client_action a;

	for (int steps = 0; steps < 10000; steps++) {
		switch (turn_client_next(f->client, f->now_us, &a)) {
		case TURN_CLIENT_WAIT:
			FUZZ_CHECK(a.deadline_us > f->now_us);
			return a.deadline_us;
		case TURN_CLIENT_DONE:
			f->done = true;
			return UINT64_MAX;
		case TURN_CLIENT_SEND:
			travel(f, true, NO_LINK, a.data);
			break;
		case TURN_CLIENT_LINK_SEND:
			travel(f, true, a.link, a.data);
			break;
		case TURN_CLIENT_RECONNECT:
			f->reconnects++;
			f->reconnected_to = a.to;
			(void)snprintf(f->reconnect_domain, sizeof(f->reconnect_domain), "%s",
				       a.domain != NULL ? a.domain : "");
			turn_client_on_connected(f->client, f->now_us);
			break;
		case TURN_CLIENT_LINK_OPEN:
			f->links_opened++;
			turn_client_on_link_connected(f->client, a.link, f->now_us);
			break;
		case TURN_CLIENT_LINK_CLOSE:
			f->links_closed++;
			break;
		case TURN_CLIENT_TELL:
			on_event(f, &a.event);
			break;
		}
	}
	abort(); /* it does not come to rest */
}

static struct fake_packet *next_packet(struct fake *f)
{
	struct fake_packet *next = NULL;

	for (size_t i = 0; i < FAKE_PACKETS; i++) {
		struct fake_packet *p = &f->packets[i];

		if (p->used && (next == NULL || p->at_us < next->at_us))
			next = p;
	}
	return next;
}

void fake_run(struct fake *f, uint64_t for_us)
{
	uint64_t until_us = f->now_us + for_us;

	while (!f->done) {
		uint64_t at_us = pump(f);
		struct fake_packet *p = next_packet(f);
		bool arrives = p != NULL && p->at_us <= at_us;

		at_us = arrives ? p->at_us : at_us;
		if (f->done || at_us > until_us)
			break;
		f->now_us = at_us > f->now_us ? at_us : f->now_us;
		if (!arrives)
			continue;
		p->used = false;
		if (p->to_server)
			server_gets(f, bytes_of(p->data, p->len), p->link);
		else
			client_gets(f, bytes_of(p->data, p->len), p->link);
	}
	f->now_us = until_us;
}

#include "raw_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "sockaddr.h"
#include "stun_stream.h"

#define RTO_MS    500
#define STREAM_MS (RAW_SENDS * RTO_MS)

void raw_random(void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		abort();
}

bool raw_open(struct raw_client *c, uint8_t transport, const struct addr *local,
	      const struct addr *server)
{
	int type = transport == STUN_UDP ? SOCK_DGRAM : SOCK_STREAM;
	struct bytes user = c->user, password = c->password;
	struct sockaddr_storage sa;
	socklen_t len;

	*c = (struct raw_client){ .transport = transport, .user = user, .password = password };
	len = sockaddr_from_addr(server, &sa);
	c->fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	if (local != NULL && local->family != ADDR_NONE) {
		struct sockaddr_storage from;
		socklen_t from_len = sockaddr_from_addr(local, &from);

		if (bind(c->fd, (struct sockaddr *)&from, from_len) != 0)
			return false;
	}
	return connect(c->fd, (struct sockaddr *)&sa, len) == 0;
}

void raw_close(struct raw_client *c)
{
	stun_key_wipe(&c->key);
	close(c->fd);
	c->fd = -1;
}

static struct stun_builder *begin(struct raw_client *c, uint16_t method, enum stun_class class)
{
	uint8_t random[12];
	struct stun_tid tid;

	raw_random(random, sizeof(random));
	tid = stun_tid_make(random);
	c->b = stun_build(c->request, sizeof(c->request), method, class, &tid);
	return &c->b;
}

struct stun_builder *raw_request(struct raw_client *c, uint16_t method)
{
	return begin(c, method, STUN_REQUEST);
}

struct stun_builder *raw_indication(struct raw_client *c, uint16_t method)
{
	return begin(c, method, STUN_INDICATION);
}

void raw_sign(struct raw_client *c)
{
	if (!c->challenged)
		return;
	(void)stun_attr_put_bytes(&c->b, STUN_ATTR_USERNAME, c->user);
	(void)stun_attr_put_bytes(&c->b, STUN_ATTR_REALM, bytes_of(c->realm, c->realm_len));
	(void)stun_attr_put_bytes(&c->b, STUN_ATTR_NONCE, bytes_of(c->nonce, c->nonce_len));
	(void)stun_auth_put_integrity(&c->b, &c->key);
}

bool raw_send(struct raw_client *c, struct bytes data)
{
	return send(c->fd, data.data, data.len, MSG_NOSIGNAL) == (ssize_t)data.len;
}

bool raw_send_built(struct raw_client *c)
{
	struct bytes data;

	return stun_build_finish(&c->b, &data) == STUN_OK && raw_send(c, data);
}

static bool is_readable(int fd, uint64_t until_ms)
{
	uint64_t now_ms = clock_ms();
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, now_ms < until_ms ? (int)(until_ms - now_ms) : 0) == 1;
}

/* Lets go of the message heard last, and shows the next one if it is here. */
static bool cut_frame(struct raw_client *c)
{
	memmove(c->in, c->in + c->taken, c->in_len - c->taken);
	c->in_len -= c->taken;
	c->taken = 0;
	return stun_stream_next(bytes_of(c->in, c->in_len), sizeof(c->in), &c->heard, &c->taken) ==
	       STUN_OK;
}

static bool hear_until(struct raw_client *c, uint64_t until_ms)
{
	bool is_stream = c->transport != STUN_UDP;
	ssize_t got;

	while (!is_stream || !cut_frame(c)) {
		if (!is_readable(c->fd, until_ms))
			return false;
		got = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
		if (got < 0 || (is_stream && got == 0))
			return false;
		if (!is_stream) {
			c->heard = bytes_of(c->in, (size_t)got);
			return true;
		}
		c->in_len += (size_t)got;
	}
	return true;
}

bool raw_hear(struct raw_client *c, int wait_ms)
{
	return hear_until(c, clock_ms() + (uint64_t)wait_ms);
}

static bool is_answer(struct raw_client *c)
{
	return stun_msg_parse(c->heard, &c->answer) == STUN_OK &&
	       (c->answer.class == STUN_SUCCESS || c->answer.class == STUN_ERROR) &&
	       stun_tid_equal(&c->answer.tid, &c->b.tid);
}

static uint16_t code_of(const struct raw_client *c)
{
	struct stun_error error = { 0 };
	struct bytes value;

	if (c->answer.class == STUN_SUCCESS)
		return 0;
	if (stun_msg_find(&c->answer, STUN_ATTR_ERROR_CODE, &value))
		(void)stun_attr_get_error(value, &error);
	return error.code;
}

uint16_t raw_ask_unsigned(struct raw_client *c)
{
	int sends = c->transport == STUN_UDP ? RAW_SENDS : 1;
	uint64_t wait_ms = c->transport == STUN_UDP ? RTO_MS : STREAM_MS;

	for (c->sends = 1; c->sends <= sends; c->sends++) {
		uint64_t until_ms = clock_ms() + wait_ms;

		if (!raw_send_built(c))
			return RAW_NOTHING;
		while (hear_until(c, until_ms)) {
			if (is_answer(c))
				return code_of(c);
		}
	}
	return RAW_NOTHING;
}

uint16_t raw_ask(struct raw_client *c)
{
	raw_sign(c);
	return raw_ask_unsigned(c);
}

static size_t copy_text(const struct raw_client *c, uint16_t type, uint8_t out[static RAW_TEXT_MAX])
{
	struct bytes value;

	if (!stun_msg_find(&c->answer, type, &value) || value.len > RAW_TEXT_MAX)
		return 0;
	memcpy(out, value.data, value.len);
	return value.len;
}

void raw_become(struct raw_client *c, struct bytes user, struct bytes password)
{
	c->user = user;
	c->password = password;
	c->challenged = stun_key_long_term(&c->key, STUN_PASSWORD_MD5, user,
					   bytes_of(c->realm, c->realm_len), password);
}

uint16_t raw_challenge(struct raw_client *c)
{
	uint16_t code;

	(void)stun_attr_put_u8(raw_request(c, TURN_ALLOCATE), STUN_ATTR_REQUESTED_TRANSPORT, 17);
	code = raw_ask_unsigned(c);
	if (code != 401 && code != 438)
		return code;
	c->realm_len = copy_text(c, STUN_ATTR_REALM, c->realm);
	c->nonce_len = copy_text(c, STUN_ATTR_NONCE, c->nonce);
	raw_become(c, c->user, c->password);
	return code;
}

uint16_t raw_allocate(struct raw_client *c, uint8_t transport)
{
	struct bytes value;
	uint16_t code;

	(void)stun_attr_put_u8(raw_request(c, TURN_ALLOCATE), STUN_ATTR_REQUESTED_TRANSPORT,
			       transport);
	code = raw_ask(c);
	if (code == 0 && stun_msg_find(&c->answer, STUN_ATTR_XOR_RELAYED_ADDRESS, &value))
		(void)stun_attr_get_xor_addr(value, &c->answer.tid, &c->relayed);
	return code;
}

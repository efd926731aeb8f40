/* Many DTLS clients of one server, and the limits on them. */
#include "dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "dtls_net.h"

/* Clients of one server; datagrams go to and fro at once. */
struct crowd {
	struct dtls *server;
	struct net_client *clients;
	int count;
};

static struct crowd crowd;

static void on_crowd_write(struct bytes datagram, void *arg)
{
	struct net_client *c = arg;
	uint8_t copy[NET_DGRAM_MAX];

	memcpy(copy, datagram.data, datagram.len);
	dtls_input(crowd.server, bytes_of(copy, datagram.len), &c->at, &net_server_at, net_now_us);
}

/* A client takes in what the server sends when it is stepped next. */
struct mailbox {
	struct net_packet mail[8];
	int count;
};

static struct mailbox *mailboxes;

static void on_crowd_datagram(struct bytes datagram, const struct addr *to,
			      const struct addr *local, void *arg)
{
	struct mailbox *m = &mailboxes[to->ip[2] * 256 + to->ip[3] + to->port - 4000];

	assert_true(m->count < 8);
	m->mail[m->count].len = datagram.len;
	memcpy(m->mail[m->count++].data, datagram.data, datagram.len);
}

static void on_crowd_data(struct dtls_session *s, struct bytes data, void *arg)
{
	assert_true(dtls_send(s, data));
}

static void crowd_open(int count, struct dtls_limits limits)
{
	struct dtls_events events = { on_crowd_datagram, on_crowd_data, NULL };

	crowd.count = count;
	crowd.clients = calloc((size_t)count, sizeof(*crowd.clients));
	mailboxes = calloc((size_t)count, sizeof(*mailboxes));
	crowd.server = dtls_new(net_server_ctx, &limits, &events, NULL, net_now_us);
	assert_non_null(crowd.clients);
	assert_non_null(mailboxes);
	assert_non_null(crowd.server);
	for (int i = 0; i < count; i++) {
		struct net_client *c = &crowd.clients[i];

		c->at = addr_ipv4(10, 0, (uint8_t)(i / 256), (uint8_t)i, 4000);
		net_client_open(c, NET_MTU, on_crowd_write);
	}
}

static void crowd_close(void)
{
	for (int i = 0; i < crowd.count; i++)
		SSL_free(crowd.clients[i].ssl);
	dtls_free(crowd.server);
	free(crowd.clients);
	free(mailboxes);
	ERR_clear_error();
}

/* One step of one client: takes in its mail, or begins. */
static void crowd_step(int i)
{
	struct mailbox mail = mailboxes[i];

	mailboxes[i].count = 0;
	if (mail.count == 0)
		net_client_step(&crowd.clients[i]);
	for (int k = 0; k < mail.count; k++) {
		crowd.clients[i].end.in = bytes_of(mail.mail[k].data, mail.mail[k].len);
		net_client_step(&crowd.clients[i]);
		crowd.clients[i].end.in = (struct bytes){ 0 };
	}
}

static void a_thousand_clients_share_a_socket(void **state)
{
	enum { CLIENTS = 1000 };

	crowd_open(CLIENTS,
		   (struct dtls_limits){ .max_sessions = CLIENTS, .max_half_open = CLIENTS });
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < CLIENTS; i++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->established, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		struct net_client *c = &crowd.clients[i];
		char text[32];

		assert_true(c->connected);
		snprintf(text, sizeof(text), "client %d", i);
		SSL_write(c->ssl, text, (int)strlen(text));
		crowd_step(i);
		assert_string_equal(c->got, text);
	}
	crowd_close();
}

static void half_open_sessions_make_room_for_new_ones(void **state)
{
	crowd_open(6, (struct dtls_limits){ .max_sessions = 5, .max_half_open = 3 });
	for (int round = 0; round < 2; round++) { /* up to the cookie, no further */
		for (int i = 0; i < 6; i++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->half_open, 3);
	assert_int_equal(dtls_stats(crowd.server)->ended[DTLS_END_HANDSHAKE], 3);
	assert_int_equal(dtls_stats(crowd.server)->refused, 0);
	for (int i = 0; i < 6; i++)
		crowd_step(i);
	for (int i = 0; i < 6; i++)
		crowd_step(i);
	assert_false(crowd.clients[2].connected);
	assert_true(crowd.clients[3].connected);
	assert_true(crowd.clients[5].connected);
	assert_int_equal(dtls_stats(crowd.server)->sessions, 3);
	crowd_close();
}

static void a_full_house_refuses(void **state)
{
	crowd_open(4, (struct dtls_limits){ .max_sessions = 3, .max_half_open = 3 });
	for (int i = 0; i < 4; i++) {
		for (int round = 0; round < 4; round++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->established, 3);
	assert_true(dtls_stats(crowd.server)->refused > 0);
	assert_false(crowd.clients[3].connected);
	crowd_close();
}

static void a_source_has_its_most(void **state)
{
	crowd_open(4, (struct dtls_limits){ .max_per_source = 2 });
	for (int i = 0; i < 4; i++) /* one host, other ports */
		crowd.clients[i].at = addr_ipv4(10, 0, 0, 0, (uint16_t)(4000 + i));
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 4; i++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->established, 2);
	assert_true(dtls_stats(crowd.server)->refused >= 2);
	crowd_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_clients_share_a_socket),
		cmocka_unit_test(half_open_sessions_make_room_for_new_ones),
		cmocka_unit_test(a_full_house_refuses),
		cmocka_unit_test(a_source_has_its_most),
	};

	return cmocka_run_group_tests(tests, net_set_up, net_tear_down);
}

/* One MQTT broker, by libmosquitto without its threads: its socket is watched by libevent. */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "carrier_link.h"
#include "carrier_lookup.h"
#include "carrier_queue.h"
#include "carrier_tls.h"
#include "clock.h"
#include "natprobe/net/await.h"

#define PREFIX        "natkit/v1/rendezvous/"
#define TOPICS_MAX    16
#define EXPIRY_S      120 /* what nobody fetched by then is of no use (MQTT 5) */
#define KEEPALIVE_S   30
#define CONNECT_S     10
#define TICK_S        1
#define PAUSE_MIN_MS  500
#define PAUSE_MAX_MS  15000
#define NO_MESSAGE    (-1)
#define REFUSED_LEVEL 1 /* of MQTT 3.1.1: "unacceptable protocol version" */

struct mqtt {
	struct event_base *base;
	struct carrier_uri uri;
	struct carrier_hooks hooks;
	SSL_CTX *tls; /* NULL: plain */
	struct carrier_lookup *lookup;
	struct addr addrs[CARRIER_LOOKUP_MAX];
	size_t count, at;
	unsigned failures;
	int version; /* of the protocol: 5, or what is older */
	struct mosquitto *mosq;
	struct event *readable, *writable, *tick, *again;
	uint64_t since_us; /* of the attempt to connect */
	bool is_up;
	bool has_stood; /* TCP has */
	bool is_lost;   /* to be cleared away outside of libmosquitto's callbacks */
	const char *why;
	const char *certificate; /* what is wrong with it, NULL: nothing */
	int sent;                /* the number of the message that is under way */
	size_t topic_count;
	char topics[TOPICS_MAX][MEET_TOPIC_MAX];
	struct carrier_queue queue;
};

static void begin(struct mqtt *m);

/* --- the connection ends --- */

static void clear(struct mqtt *m)
{
	await_no_more(&m->readable);
	await_no_more(&m->writable);
	mosquitto_destroy(m->mosq);
	m->mosq = NULL;
	m->is_up = false;
	m->is_lost = false;
	m->sent = NO_MESSAGE;
	ERR_clear_error();
}

static void lose(struct mqtt *m, const char *why)
{
	if (m->is_lost)
		return;
	m->is_lost = true;
	m->why = why;
}

/* Clears away what was lost, and tries again after a while. */
static void settle(struct mqtt *m)
{
	bool was_up = m->is_up;
	uint64_t pause_ms = PAUSE_MIN_MS;

	if (!m->is_lost)
		return;
	clear(m);
	m->at++;
	for (unsigned i = 0; i < m->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	if (!was_up && m->at >= m->count) {
		m->failures++;
		m->hooks.on_state(m->hooks.arg, false,
				  m->certificate != NULL ? m->certificate : m->why);
	}
	await_moment(m->again, clock_us() + pause_ms * 1000);
}

static void on_again(evutil_socket_t fd, short events, void *arg)
{
	begin(arg);
}

/* --- what libmosquitto wants of the socket --- */

static void watch(struct mqtt *m)
{
	if (m->is_lost || m->mosq == NULL)
		return;
	if (mosquitto_socket(m->mosq) < 0)
		lose(m, "it closes the connection");
	else if (mosquitto_want_write(m->mosq))
		event_add(m->writable, NULL);
}

static void check(struct mqtt *m, int rc)
{
	if (rc == MOSQ_ERR_SUCCESS)
		return;
	if (m->is_up)
		lose(m, "the connection is lost");
	else if (m->tls != NULL && (m->has_stood || rc == MOSQ_ERR_TLS))
		lose(m, "TLS fails; is it the port for it? mqtt:// is without");
	else if (m->tls != NULL)
		lose(m,
		     "it cannot be reached by TLS; is it the right host and port, is it running, "
		     "and is that its port for TLS?");
	else if (!m->has_stood)
		lose(m, "it cannot be reached; is it the right host and port, and is it running?");
	else
		lose(m, "it ends the connection; is it an MQTT broker, and the port without TLS?");
}

/*
 * The socket has something to say, so TCP has connected or failed; libmosquitto takes a failure for a
 * TLS handshake that goes on, and may have eaten SO_ERROR.
 */
static bool stands(struct mqtt *m, evutil_socket_t fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
		m->has_stood = true;
	else
		check(m, MOSQ_ERR_ERRNO);
	return !m->is_lost;
}

static void on_ready(evutil_socket_t fd, short events, void *arg)
{
	struct mqtt *m = arg;

	if (stands(m, fd))
		check(m, (events & EV_READ) != 0 ? mosquitto_loop_read(m->mosq, 1)
						 : mosquitto_loop_write(m->mosq, 1));
	watch(m);
	settle(m);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct mqtt *m = arg;

	if (m->mosq == NULL)
		return;
	check(m, mosquitto_loop_misc(m->mosq));
	if (!m->is_up && clock_us() - m->since_us > CONNECT_S * 1000000ull)
		lose(m, "it does not answer; is it the right host and port, and is there no "
			"firewall between?");
	watch(m);
	settle(m);
}

/* --- messages --- */

static void send_first(struct mqtt *m)
{
	const struct carrier_letter *l = carrier_queue_first(&m->queue, clock_us());
	mosquitto_property *properties = NULL;
	char topic[sizeof(PREFIX) + MEET_TOPIC_MAX];
	int rc;

	if (l == NULL || !m->is_up || m->sent != NO_MESSAGE)
		return;
	(void)snprintf(topic, sizeof(topic), PREFIX "%s", l->topic);
	if (m->version == MQTT_PROTOCOL_V5)
		(void)mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
						   EXPIRY_S);
	rc = mosquitto_publish_v5(m->mosq, &m->sent, topic, (int)l->len, l->data, 1, false,
				  properties);
	mosquitto_property_free_all(&properties);
	check(m, rc);
}

static void on_published(struct mosquitto *mosq, void *arg, int number)
{
	struct mqtt *m = arg;

	if (number != m->sent)
		return;
	m->sent = NO_MESSAGE;
	if (m->queue.count > 0)
		carrier_queue_drop_first(&m->queue);
	send_first(m);
}

static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *message)
{
	struct mqtt *m = arg;
	const size_t prefix = sizeof(PREFIX) - 1;

	if (strncmp(message->topic, PREFIX, prefix) != 0 || message->payloadlen <= 0 ||
	    message->payloadlen > MEET_ENVELOPE_MAX)
		return;
	for (size_t i = 0; i < m->topic_count; i++) {
		if (strcmp(message->topic + prefix, m->topics[i]) == 0)
			m->hooks.on_message(m->hooks.arg, m->topics[i],
					    bytes_of(message->payload, (size_t)message->payloadlen),
					    clock_us());
	}
}

static void subscribe_to(struct mqtt *m, const char *name)
{
	char topic[sizeof(PREFIX) + MEET_TOPIC_MAX];

	(void)snprintf(topic, sizeof(topic), PREFIX "%s", name);
	check(m, mosquitto_subscribe(m->mosq, NULL, topic, 1));
}

/* --- the connection begins --- */

/* Codes of MQTT 3.1.1 below 128, of MQTT 5 above. */
static const char *refusal(int code)
{
	switch (code) {
	case 4:
	case 5:
	case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
	case MQTT_RC_NOT_AUTHORIZED:
		return "it wants a user and a password; write them as mqtts://USER:PASSWORD@HOST";
	default:
		return "it takes no connection now; try again later, or another broker";
	}
}

static void on_connect(struct mosquitto *mosq, void *arg, int code)
{
	struct mqtt *m = arg;

	if (m->version == MQTT_PROTOCOL_V5 &&
	    (code == REFUSED_LEVEL || code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION)) {
		m->version = MQTT_PROTOCOL_V311;
		m->at--; /* the same address once more */
		lose(m, "it speaks another version of MQTT");
		return;
	}
	if (code != 0) {
		lose(m, refusal(code));
		return;
	}
	m->is_up = true;
	m->failures = 0;
	for (size_t i = 0; i < m->topic_count; i++)
		subscribe_to(m, m->topics[i]);
	send_first(m);
	m->hooks.on_state(m->hooks.arg, true, NULL);
}

/* libmosquitto asks for the address that it was given; the server is to hear its name. */
static void on_tls(const SSL *ssl, int where, int ret)
{
	struct mqtt *m = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if ((where & SSL_CB_HANDSHAKE_START) != 0 && m->uri.at.ip.family == ADDR_NONE)
		(void)carrier_tls_set_name((SSL *)(uintptr_t)ssl, &m->uri);
	if ((where & SSL_CB_EXIT) != 0 && ret <= 0)
		m->certificate = carrier_tls_problem(ssl);
}

static bool set_options(struct mqtt *m)
{
	const char *password = m->uri.password[0] != '\0' ? m->uri.password : NULL;

	mosquitto_connect_callback_set(m->mosq, on_connect);
	mosquitto_publish_callback_set(m->mosq, on_published);
	mosquitto_message_callback_set(m->mosq, on_message);
	if (mosquitto_int_option(m->mosq, MOSQ_OPT_PROTOCOL_VERSION, m->version) !=
		    MOSQ_ERR_SUCCESS ||
	    mosquitto_int_option(m->mosq, MOSQ_OPT_TCP_NODELAY, 1) != MOSQ_ERR_SUCCESS)
		return false;
	if (m->uri.user[0] != '\0' &&
	    mosquitto_username_pw_set(m->mosq, m->uri.user, password) != MOSQ_ERR_SUCCESS)
		return false;
	return m->tls == NULL ||
	       (mosquitto_void_option(m->mosq, MOSQ_OPT_SSL_CTX, m->tls) == MOSQ_ERR_SUCCESS &&
		mosquitto_int_option(m->mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) ==
			MOSQ_ERR_SUCCESS);
}

static void connect_to(struct mqtt *m, const struct addr *to)
{
	char ip[ADDR_TEXT_MAX];
	int fd;

	m->certificate = NULL;
	m->has_stood = false;
	m->since_us = clock_us();
	m->mosq = mosquitto_new(NULL, true, m);
	if (m->mosq == NULL || !set_options(m)) {
		lose(m, "this host is out of memory");
		return;
	}
	check(m, mosquitto_connect_async(m->mosq, addr_print_ip(to, ip), to->port, KEEPALIVE_S));
	fd = mosquitto_socket(m->mosq);
	if (m->is_lost)
		return;
	if (fd < 0 || !await_fd(&m->readable, m->base, fd, EV_READ | EV_PERSIST, on_ready, m) ||
	    !await_fd(&m->writable, m->base, fd, EV_WRITE, on_ready, m))
		lose(m, "this host is out of memory");
}

static void on_found(void *arg, const struct addr *list, size_t count, const char *why)
{
	struct mqtt *m = arg;

	carrier_lookup_free(m->lookup);
	m->lookup = NULL;
	m->count = count;
	m->at = 0;
	if (count > 0) {
		memcpy(m->addrs, list, count * sizeof(list[0]));
		begin(m);
		return;
	}
	lose(m, why);
	settle(m);
}

static void begin(struct mqtt *m)
{
	if (m->mosq != NULL || m->lookup != NULL)
		return;
	if (m->at < m->count) {
		connect_to(m, &m->addrs[m->at]);
	} else {
		m->lookup = carrier_lookup_new(m->base, &m->uri, on_found, m);
		if (m->lookup == NULL)
			lose(m, "this host is out of memory");
	}
	settle(m);
}

/* --- the carrier's side --- */

static unsigned users; /* of libmosquitto */

static void mqtt_close(void *link)
{
	struct mqtt *m = link;

	if (m == NULL)
		return;
	carrier_lookup_free(m->lookup);
	if (m->is_up)
		(void)mosquitto_disconnect(m->mosq);
	clear(m);
	await_no_more(&m->tick);
	await_no_more(&m->again);
	carrier_queue_clear(&m->queue);
	SSL_CTX_free(m->tls);
	OPENSSL_cleanse(m->uri.password, sizeof(m->uri.password));
	free(m);
	if (--users == 0)
		mosquitto_lib_cleanup();
}

static bool open_tls(struct mqtt *m)
{
	if (!m->uri.is_secure)
		return true;
	m->tls = carrier_tls_context(&m->uri);
	if (m->tls == NULL)
		return false;
	SSL_CTX_set_app_data(m->tls, m);
	SSL_CTX_set_info_callback(m->tls, on_tls);
	return true;
}

static void *mqtt_open(struct event_base *base, const struct carrier_uri *uri,
		       const struct carrier_hooks *hooks)
{
	static const struct timeval now = { 0 }, tick = { .tv_sec = TICK_S };
	struct mqtt *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if (users++ == 0)
		mosquitto_lib_init();
	m->base = base;
	m->uri = *uri;
	m->hooks = *hooks;
	m->version = MQTT_PROTOCOL_V5;
	m->sent = NO_MESSAGE;
	carrier_queue_init(&m->queue);
	m->tick = event_new(base, -1, EV_PERSIST, on_tick, m);
	m->again = evtimer_new(base, on_again, m);
	if (m->tick != NULL && m->again != NULL && open_tls(m) && event_add(m->tick, &tick) == 0 &&
	    event_add(m->again, &now) == 0)
		return m;
	mqtt_close(m);
	return NULL;
}

static bool mqtt_subscribe(void *link, const char *topic)
{
	struct mqtt *m = link;
	size_t len = strlen(topic);

	for (size_t i = 0; i < m->topic_count; i++) {
		if (strcmp(m->topics[i], topic) == 0)
			return true;
	}
	if (m->topic_count == TOPICS_MAX || len >= MEET_TOPIC_MAX)
		return false;
	memcpy(m->topics[m->topic_count], topic, len + 1);
	if (m->is_up)
		subscribe_to(m, m->topics[m->topic_count]);
	m->topic_count++;
	watch(m);
	return true;
}

static bool mqtt_publish(void *link, const char *topic, struct bytes data)
{
	struct mqtt *m = link;

	if (m->queue.count == CARRIER_QUEUE_MAX)
		m->sent = NO_MESSAGE; /* the oldest goes, under way or not */
	if (!carrier_queue_add(&m->queue, topic, data, clock_us()))
		return false;
	send_first(m);
	watch(m);
	return true;
}

static void mqtt_refresh(void *link)
{
	struct mqtt *m = link;

	if (m->mosq == NULL)
		return;
	lose(m, "the network was away");
	m->at = m->at > 0 ? m->at - 1 : 0; /* the same address is as good as it was */
	settle(m);
}

static const struct carrier_link_ops ops = {
	.open = mqtt_open,
	.subscribe = mqtt_subscribe,
	.publish = mqtt_publish,
	.refresh = mqtt_refresh,
	.close = mqtt_close,
};

const struct carrier_link_ops *carrier_mqtt_ops(void)
{
	return &ops;
}

/* What a listener does for clients that it cooperates with: what is due, when it is due. */
#include "listen_parts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "coop_packet.h"
#include "coop_raw.h"
#include "coop_try.h"
#include "log.h"

/* Then clients get their turn. */
#define ACTIONS_PER_WAKEUP 64

#define NOT_SET UINT64_MAX

struct listen_coop {
	struct listen *owner;
	struct coop *coop;
	struct coop_try *tries;
	struct event *timer;
	uint64_t due_us; /* what the timer is set to */
	struct coop_udp udp;
	uint8_t work[COOP_SIZE_MAX];
};

/* The server's clock as clients are told it. */
static uint64_t wall_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) != 0 || t.tv_sec < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct listen_socket *socket_of(const struct listen_coop *lc, const struct coop_action *a)
{
	/* Sites of ours are the first members of what the layout has. */
	const struct layout_site *site = (const struct layout_site *)(const void *)a->site;

	return &lc->owner->sockets[site->first_socket + a->socket];
}

/* Where it is to leave from; on a wildcard socket, the address that the order came to. */
static struct addr local_of(const struct listen_socket *s, const struct coop_action *a)
{
	struct addr local = s->at->local;

	if (s->site->any && a->local.family == local.family)
		local = addr_with_port(&a->local, local.port);
	return local;
}

static int send_plain(int fd, const struct coop_action *a, const struct addr *local)
{
	struct udp_dgram d = { .data = a->msg, .peer = a->to };
	enum coop_df df = (a->flags & COOP_DF) != 0 ? COOP_DF_ALWAYS : COOP_DF_NEVER;
	bool is_usual = df == COOP_DF_NEVER && a->msg.len <= LISTEN_ANSWER_MAX;
	bool has_errors = false;
	int rc;

	if (local != NULL)
		d.local = *local;
	rc = is_usual ? 0 : coop_raw_set_df(fd, a->to.family, df);
	if (rc == 0)
		rc = udp_send_one(fd, &d, &has_errors);
	if (!is_usual)
		(void)coop_raw_set_df(fd, a->to.family, COOP_DF_USUAL);
	return rc;
}

static int send_fragments(struct listen_coop *lc, const struct coop_action *a,
			  const struct addr *local)
{
	int fd = lc->owner->common->coop.raw[a->to.family];
	uint8_t buf[COOP_PACKET_MAX];
	unsigned int count;
	uint32_t id;
	int rc = 0;

	if (fd < 0 || RAND_bytes((unsigned char *)&id, sizeof(id)) != 1)
		return -EOPNOTSUPP;
	if (!coop_udp_make(&lc->udp, local, &a->to, a->msg))
		return -EINVAL;
	count = coop_fragment_count(&lc->udp);
	for (unsigned int i = 0; i < count && rc == 0; i++) {
		unsigned int at = (a->flags & COOP_REVERSED) != 0 ? count - 1 - i : i;

		rc = coop_raw_send(fd, &a->to, coop_fragment(&lc->udp, at, id, buf));
	}
	return rc;
}

static int send_from(struct listen_coop *lc, int fd, const struct coop_action *a,
		     const struct addr *local, bool tells_local)
{
	if ((a->flags & COOP_FRAGMENTS) != 0)
		return send_fragments(lc, a, local);
	return send_plain(fd, a, tells_local ? local : NULL);
}

/* From a port that the client cannot have seen before. */
static int send_fresh(struct listen_coop *lc, const struct coop_action *a, const struct addr *local)
{
	static const struct udp_options options = { 0 };
	struct addr fresh = addr_with_port(local, 0);
	int fd = udp_open(&fresh, &options, &fresh), rc;

	if (fd < 0)
		return fd;
	rc = send_from(lc, fd, a, &fresh, false);
	close(fd);
	return rc;
}

/* The same, with an eye on what comes back. */
static int send_watched(struct listen_coop *lc, const struct coop_action *a,
			const struct addr *local)
{
	enum coop_df df = (a->flags & COOP_DF) != 0 ? COOP_DF_ALWAYS : COOP_DF_NEVER;

	return coop_try_datagram(lc->tries, local, &a->to, a->msg, df, a->wait_ms, a->handle);
}

static int do_send(struct listen_coop *lc, const struct coop_action *a)
{
	struct listen_socket *s = socket_of(lc, a);
	struct addr local = local_of(s, a);
	int rc;

	if (a->fresh_port && a->wait_ms > 0)
		rc = send_watched(lc, a, &local);
	else if (a->fresh_port)
		rc = send_fresh(lc, a, &local);
	else if (s->fd < 0)
		rc = -EADDRNOTAVAIL;
	else
		rc = send_from(lc, s->fd, a, &local, s->site->any);
	counter_add(rc == 0 ? &lc->owner->stats.sent_bytes : &lc->owner->stats.send_errors,
		    rc == 0 ? a->msg.len : 1);
	return rc;
}

static int do_connect(struct listen_coop *lc, const struct coop_action *a)
{
	struct listen_socket *s = socket_of(lc, a);
	struct addr local = local_of(s, a);

	if (!a->bind_port)
		local.port = 0;
	return coop_try_connect(lc->tries, &local, &a->to, a->wait_ms, a->handle);
}

static int do_icmp(struct listen_coop *lc, const struct coop_action *a)
{
	int fd = lc->owner->common->coop.raw[a->to.family];
	struct addr local = local_of(socket_of(lc, a), a);
	uint8_t buf[COOP_PACKET_MAX];

	if (fd < 0)
		return -EOPNOTSUPP;
	if (!coop_udp_make(&lc->udp, &a->to, &local, a->msg))
		return -EINVAL;
	return coop_raw_send(fd, &a->to, coop_icmp(&lc->udp, buf));
}

static void carry_out(struct listen_coop *lc, const struct coop_action *a, uint64_t now_us)
{
	int rc = 0;

	switch ((enum coop_action_kind)a->kind) {
	case COOP_ACT_SEND:
		rc = do_send(lc, a);
		break;
	case COOP_ACT_CONNECT:
		rc = do_connect(lc, a);
		break;
	case COOP_ACT_ICMP:
		rc = do_icmp(lc, a);
		break;
	case COOP_ACT_NONE:
		break;
	}
	if (rc != 0)
		coop_on_failed(lc->coop, a->handle, now_us);
}

static void rearm(struct listen_coop *lc, uint64_t now_us)
{
	uint64_t due_us = coop_deadline_us(lc->coop);
	uint64_t in_us = due_us > now_us ? due_us - now_us : 0;
	struct timeval wait = { .tv_sec = (time_t)(in_us / 1000000),
				.tv_usec = (suseconds_t)(in_us % 1000000) };

	if (due_us == lc->due_us)
		return;
	lc->due_us = due_us;
	if (due_us == NOT_SET)
		(void)event_del(lc->timer);
	else if (event_add(lc->timer, &wait) != 0)
		lc->due_us = NOT_SET; /* out of memory: the next request tries again */
}

void listen_coop_run(struct listen *l)
{
	struct listen_coop *lc = l->coop;
	uint64_t now_us = clock_us();
	struct coop_action a;

	for (int i = 0; i < ACTIONS_PER_WAKEUP; i++) {
		if (coop_next(lc->coop, now_us, wall_us(), lc->work, sizeof(lc->work), &a) ==
		    COOP_ACT_NONE)
			break;
		carry_out(lc, &a, now_us);
	}
	rearm(lc, now_us);
}

static void on_time(evutil_socket_t fd, short events, void *arg)
{
	struct listen_coop *lc = arg;

	lc->due_us = NOT_SET;
	listen_coop_run(lc->owner);
}

static void on_outcome(uint32_t handle, const struct coop_report *outcome, void *arg)
{
	struct listen_coop *lc = arg;

	coop_on_outcome(lc->coop, handle, outcome, clock_us());
	listen_coop_run(lc->owner);
}

bool listen_coop_answer(struct listen *l, const struct stun_query *q, uint64_t now_us, uint8_t *buf,
			size_t cap, struct stun_reply *out)
{
	return coop_on_request(l->coop->coop, q, now_us, wall_us(), buf, cap, out);
}

static struct coop_limits limits_of(const struct listen_common *c)
{
	const struct stund_conf *conf = c->conf;
	bool is_raw = true;

	for (uint8_t f = ADDR_IPV4; f <= ADDR_IPV6; f++) {
		if (layout_has_family(c->layout, f) && c->coop.raw[f] < 0)
			is_raw = false;
	}
	return (struct coop_limits){
		.orders = (uint32_t)conf->cooperate_orders,
		.orders_source = (uint32_t)conf->cooperate_orders_per_source,
		.bytes_per_s = (uint32_t)conf->cooperate_rate,
		.can_fragment = is_raw,
		.can_icmp = is_raw,
		.budget = c->coop.budget,
	};
}

static int open_common(struct listen_common *c)
{
	uint8_t key[16];
	struct coop_limits limits;

	if (RAND_bytes(key, sizeof(key)) != 1 ||
	    RAND_bytes(c->coop.key.bytes, sizeof(c->coop.key.bytes)) != 1)
		return -EIO;
	for (uint8_t f = ADDR_IPV4; f <= ADDR_IPV6; f++) {
		if (layout_has_family(c->layout, f))
			c->coop.raw[f] = coop_raw_open(f);
		if (c->coop.raw[f] < 0 && c->coop.raw_error == 0)
			c->coop.raw_error = -c->coop.raw[f];
	}
	limits = limits_of(c);
	c->coop.budget = coop_budget_new(&limits, key);
	return c->coop.budget != NULL ? 0 : -ENOMEM;
}

int listen_coop_common_open(struct listen_common *c)
{
	return c->conf->cooperate ? open_common(c) : 0;
}

void listen_coop_common_close(struct listen_common *c)
{
	if (c->conf == NULL)
		return; /* was never opened */
	for (size_t i = 0; i < ARRAY_LEN(c->coop.raw); i++) {
		if (c->coop.raw[i] >= 0)
			close(c->coop.raw[i]);
	}
	coop_budget_free(c->coop.budget);
	OPENSSL_cleanse(&c->coop.key, sizeof(c->coop.key));
}

static void tell(const struct listen_common *c)
{
	if (c->coop.raw_error == 0)
		log_event(LOG_LEVEL_INFO, "cooperate", "on");
	else
		log_event(LOG_LEVEL_WARN, "cooperate",
			  "on, but for fragments and ICMP errors: they take CAP_NET_RAW: %s",
			  strerror(c->coop.raw_error));
}

int listen_coop_open(struct listen *l)
{
	struct coop_limits limits = limits_of(l->common);
	struct listen_coop *lc = calloc(1, sizeof(*lc));

	if (l->tells)
		tell(l->common);
	if (lc == NULL)
		return -ENOMEM;
	l->coop = lc;
	lc->owner = l;
	lc->due_us = NOT_SET;
	lc->coop = coop_new(&limits, &l->common->coop.key);
	lc->tries = coop_try_new(l->base, on_outcome, lc);
	lc->timer = evtimer_new(l->base, on_time, lc);
	return lc->coop != NULL && lc->tries != NULL && lc->timer != NULL ? 0 : -ENOMEM;
}

void listen_coop_close(struct listen *l)
{
	struct listen_coop *lc = l->coop;

	if (lc == NULL)
		return;
	if (lc->timer != NULL)
		event_free(lc->timer);
	coop_try_free(lc->tries);
	coop_free(lc->coop);
	free(lc);
	l->coop = NULL;
}

const struct coop_stats *listen_coop_stats(const struct listen *l)
{
	return l->coop != NULL ? coop_stats(l->coop->coop) : NULL;
}

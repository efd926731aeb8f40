#include "partner_link.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "clock.h"
#include "counter.h"
#include "log.h"
#include "partner_check.h"
#include "udp.h"

/* Then clients get their turn. */
#define READS_PER_WAKEUP 256

/* What is sent for the partner, a second: in all, and to one address; no diagnosis takes more. */
#define RATE          1000
#define DEST_RATE     100
#define DEST_BURST    200
#define DEST_PLACES   16384
#define TELL_AFTER_MS 5000 /* there has been no partner yet */

struct partner_link {
	struct partner p;
	struct partner_board *board;
	struct partner_link_hooks hooks;
	struct partner_stats *stats;
	struct partner_check *check; /* NULL: not wanted */
	struct limit *limit;
	struct event *readable, *timer;
	struct partner_view told; /* to the board, and the log */
	uint64_t generation;      /* at that time */
	uint64_t opened_ms;
	bool is_there;       /* as the log has it */
	bool is_patient;     /* the log does not say yet that there is no partner */
	bool told_of_forged; /* since it was last live */
};

static const char *const faces[PARTNER_FACES] = { "IPv4", "IPv6", "IPv4, TLS ports",
						  "IPv6, TLS ports" };

static const char *why_text(enum partner_why why)
{
	switch (why) {
	case PARTNER_SILENT:
		return "nothing is heard of it";
	case PARTNER_DEAF:
		return "it does not hear us; does a firewall drop what we send?";
	case PARTNER_LEFT:
		return "it has been stopped";
	case PARTNER_RETIRED:
		return "it does not have our new key; reload it with the same partner-key-file";
	case PARTNER_NEW:
		return "it does not answer; does it run, has it us as its partner, and does a "
		       "firewall let partner-port through?";
	case PARTNER_UNTOLD:
	case PARTNER_LIVE:
		break;
	}
	return "it has not told its addresses yet";
}

static void tell_face(const struct partner_view *v, unsigned int i)
{
	char ip[ADDR_TEXT_MAX];
	const char *what;

	switch (v->fits[i]) {
	case PARTNER_FIT_ABSENT:
		return;
	case PARTNER_FIT_OK:
		log_event(LOG_LEVEL_INFO, "nat-discovery", "%s: on, with the partner at %s",
			  faces[i], addr_print_ip(&v->faces[i].seen[0], ip));
		return;
	case PARTNER_FIT_MISSING:
		what = "the partner has no address of the kind";
		break;
	case PARTNER_FIT_SAME:
		what = "the partner has the very same address";
		break;
	case PARTNER_FIT_PORTS:
		what = "the partner has other ports; set port and alternate-port alike";
		break;
	case PARTNER_FIT_SPECIAL:
	default:
		what = "the partner tells an address that clients of ours cannot reach; set public "
		       "there";
		break;
	}
	log_event(LOG_LEVEL_WARN, "nat-discovery", "%s: off: %s", faces[i], what);
}

static void tell_of_partner(struct partner_link *l, const struct partner_view *v)
{
	char peer[ADDR_TEXT_MAX];

	addr_print(&l->board->peer, peer);
	if (v->why != PARTNER_LIVE) {
		/* A session that came to nothing is none: that would be told again and again. */
		if (l->is_there)
			log_event(LOG_LEVEL_WARN, "partner", "%s is gone: %s; NAT discovery is off",
				  peer, why_text(v->why));
		l->is_there = false;
		return;
	}
	if (!l->is_there)
		log_event(LOG_LEVEL_INFO, "partner", "%s is there", peer);
	l->is_there = true;
	l->is_patient = false;
	l->told_of_forged = false;
	for (unsigned int i = 0; i < PARTNER_FACES; i++)
		tell_face(v, i);
	if (v->classic != l->p.setup.classic)
		log_event(LOG_LEVEL_WARN, "partner",
			  "rfc3489 is %s here, and %s there; set it alike",
			  l->p.setup.classic ? "on" : "off", v->classic ? "on" : "off");
}

static bool says_the_same(const struct partner_view *a, const struct partner_view *b)
{
	bool same = a->why == b->why && a->classic == b->classic;

	for (int i = 0; i < PARTNER_FACES; i++) {
		same = same && a->fits[i] == b->fits[i] &&
		       addr_equal(&a->faces[i].seen[0], &b->faces[i].seen[0]);
	}
	return same;
}

/* A session may be new, and say what the one before did: its keys are news all the same. */
static void publish(struct partner_link *l)
{
	struct partner_view v;
	bool same;

	partner_view(&l->p, &v);
	same = says_the_same(&v, &l->told);
	if (same && l->generation == l->p.generation)
		return;
	counter_add(&l->stats->sessions, l->p.generation - l->generation);
	l->generation = l->p.generation;
	atomic_store_explicit(&l->stats->is_live, v.why == PARTNER_LIVE, memory_order_relaxed);
	partner_board_post(l->board, &v);
	if (!same && v.why != PARTNER_UNTOLD)
		tell_of_partner(l, &v);
	if (!same && l->check != NULL)
		partner_check_start(l->check, &v);
	l->told = v;
}

static void send_to_partner(struct partner_link *l, struct bytes datagram)
{
	struct udp_dgram d = { .data = datagram, .peer = l->board->peer };
	bool has_errors = false;

	/* What is lost here is lost like anything on the way: it is said again. */
	(void)udp_send_one(l->board->fd, &d, &has_errors);
}

/* At the start nobody is missed for a while; both may have been started at once. */
static void tell_of_absence(struct partner_link *l, uint64_t now_ms)
{
	char peer[ADDR_TEXT_MAX];

	if (!l->is_patient || now_ms - l->opened_ms < TELL_AFTER_MS)
		return;
	l->is_patient = false;
	log_event(LOG_LEVEL_WARN, "partner", "%s: %s", addr_print(&l->board->peer, peer),
		  why_text(PARTNER_NEW));
}

static void run(struct partner_link *l)
{
	uint64_t now_ms = clock_ms(), due_ms, in_ms;
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct timeval wait;
	struct bytes d;

	while ((d = partner_next(&l->p, now_ms, buf)).len > 0)
		send_to_partner(l, d);
	publish(l);
	tell_of_absence(l, now_ms);
	due_ms = partner_deadline(&l->p);
	in_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	wait = (struct timeval){ .tv_sec = (time_t)(in_ms / 1000),
				 .tv_usec = (suseconds_t)(in_ms % 1000 * 1000) };
	if (event_add(l->timer, &wait) != 0)
		log_event(LOG_LEVEL_ERROR, "partner", "out of memory: the partner is lost");
}

static void on_time(evutil_socket_t fd, short events, void *arg)
{
	run(arg);
}

static void tell_of_forged(struct partner_link *l)
{
	char peer[ADDR_TEXT_MAX];

	if (l->told_of_forged || l->told.why == PARTNER_LIVE)
		return;
	l->told_of_forged = true;
	log_event(LOG_LEVEL_WARN, "partner",
		  "what comes from %s is not signed with our key; is partner-key-file the same "
		  "there?",
		  addr_print(&l->board->peer, peer));
}

/* Returns false where only what was handed over came: it changes nothing about the session. */
static bool take(struct partner_link *l, const struct udp_dgram *in, uint64_t now_ms)
{
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;
	enum partner_took took = partner_input(&l->p, in->data, &in->peer, now_ms, buf, &out);

	counter_add(&l->stats->took[took], 1);
	if (took == PARTNER_REPLY)
		send_to_partner(l, out.datagram);
	if (took == PARTNER_FORGED)
		tell_of_forged(l);
	if (took == PARTNER_SEND && !l->hooks.send(&out.hand, l->hooks.arg))
		counter_add(&l->stats->send_errors, 1);
	return took == PARTNER_TAKEN;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct partner_link *l = arg;
	uint8_t buf[PARTNER_DATAGRAM_MAX + 1];
	uint64_t now_ms = clock_ms();
	bool changed = false;
	struct udp_dgram in;

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		if (udp_recv_one(fd, buf, sizeof(buf), &in) != 1)
			break;
		changed |= take(l, &in, now_ms);
	}
	if (changed)
		run(l);
}

static bool open_parts(struct partner_link *l, struct event_base *base,
		       const struct partner_setup *setup, bool self_check)
{
	struct partner_setup s = *setup;
	uint8_t key[16];
	bool ok = RAND_bytes(key, sizeof(key)) == 1 && RAND_bytes(s.random, sizeof(s.random)) == 1;

	l->limit = ok ? limit_new(DEST_RATE, DEST_BURST, DEST_PLACES, key) : NULL;
	s.rate = RATE;
	s.limit = l->limit;
	partner_init(&l->p, &s, clock_ms());
	OPENSSL_cleanse(&s, sizeof(s));
	l->readable = event_new(base, l->board->fd, EV_READ | EV_PERSIST, on_readable, l);
	l->timer = evtimer_new(base, on_time, l);
	if (self_check)
		l->check = partner_check_new(base, l->board, setup->own);
	return l->limit != NULL && l->readable != NULL && l->timer != NULL &&
	       (l->check != NULL || !self_check) && event_add(l->readable, NULL) == 0;
}

struct partner_link *partner_link_open(struct event_base *base, struct partner_board *board,
				       const struct partner_setup *setup,
				       const struct partner_link_hooks *hooks,
				       struct partner_stats *stats, bool self_check)
{
	struct partner_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->board = board;
	l->hooks = *hooks;
	l->stats = stats;
	l->opened_ms = clock_ms();
	l->is_patient = true;
	if (!open_parts(l, base, setup, self_check)) {
		partner_link_close(l);
		return NULL;
	}
	run(l);
	return l;
}

void partner_link_close(struct partner_link *l)
{
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct bytes bye;

	if (l == NULL)
		return;
	bye = partner_bye(&l->p, buf);
	if (bye.len > 0)
		send_to_partner(l, bye);
	partner_check_free(l->check);
	if (l->readable != NULL)
		event_free(l->readable);
	if (l->timer != NULL)
		event_free(l->timer);
	limit_free(l->limit);
	partner_wipe(&l->p);
	OPENSSL_cleanse(&l->told, sizeof(l->told));
	free(l);
}

void partner_link_use(struct partner_link *l, const uint8_t key[static PARTNER_KEY_LEN],
		      bool classic)
{
	l->p.setup.classic = classic;
	partner_use_key(&l->p, key, clock_ms());
	l->told_of_forged = false;
	run(l);
}

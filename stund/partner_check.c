#include "partner_check.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "log.h"
#include "stun_attr.h"

/* Each is asked for so often, so far apart; then it counts as lost. The first time waits too: the
 * partner may not have heard of the session yet. */
#define ROUNDS   4
#define ROUND_MS 250

struct partner_check {
	struct partner_board *board;
	struct event *timer;
	struct partner_face own[PARTNER_FACES];
	struct partner_view view;
	int round;
};

static bool is_asked(const struct partner_check *c, unsigned int bit)
{
	return c->view.faces[bit / PARTNER_PORTS].seen[0].family != ADDR_NONE;
}

static void ask_for(struct partner_check *c, unsigned int bit)
{
	struct stun_tid tid;
	struct partner_hand h = { .face = (uint8_t)(bit / PARTNER_PORTS),
				  .port = (uint8_t)(bit % PARTNER_PORTS) };
	uint8_t random[PARTNER_CHECK_TAG_LEN + 1], buf[64];
	struct stun_builder b;

	memcpy(random, c->board->check_tag, PARTNER_CHECK_TAG_LEN);
	random[PARTNER_CHECK_TAG_LEN] = (uint8_t)bit;
	tid = stun_tid_make(random);
	h.to = c->own[h.face].seen[0];
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &h.to);
	if (stun_build_finish(&b, &h.msg) == STUN_OK)
		(void)partner_board_hand_over(c->board, &c->view, &h);
}

static void report(const struct partner_check *c)
{
	uint32_t checked = atomic_load(&c->board->checked), astray = atomic_load(&c->board->astray);
	size_t asked = 0, good = 0;

	for (unsigned int bit = 0; bit < PARTNER_FACES * PARTNER_PORTS; bit++) {
		const struct addr *from =
			&c->view.faces[bit / PARTNER_PORTS].seen[bit % PARTNER_PORTS];
		char text[ADDR_TEXT_MAX];

		if (!is_asked(c, bit))
			continue;
		asked++;
		if ((checked >> bit & 1) != 0)
			good++;
		else
			log_event(
				LOG_LEVEL_WARN, "selfcheck", "the partner's %s: %s",
				addr_print(from, text),
				(astray >> bit & 1) != 0
					? "the answer came from elsewhere; is public right there? "
					  "Clients would get false verdicts"
					: "no answer came; does a firewall drop what leaves there "
					  "unasked, or comes in here?");
	}
	log_event(LOG_LEVEL_INFO, "selfcheck",
		  "%zu of %zu answers that the partner was to send came from where they should",
		  good, asked);
}

static void on_time(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval wait = { .tv_usec = ROUND_MS * 1000 };
	struct partner_check *c = arg;
	uint32_t checked = atomic_load(&c->board->checked);
	bool is_open = false;

	for (unsigned int bit = 0; bit < PARTNER_FACES * PARTNER_PORTS; bit++) {
		if (!is_asked(c, bit) || (checked >> bit & 1) != 0)
			continue;
		is_open = true;
		if (c->round < ROUNDS)
			ask_for(c, bit);
	}
	if (!is_open || c->round++ == ROUNDS)
		report(c);
	else
		(void)evtimer_add(c->timer, &wait);
}

struct partner_check *partner_check_new(struct event_base *base, struct partner_board *board,
					const struct partner_face own[static PARTNER_FACES])
{
	struct partner_check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->board = board;
	memcpy(c->own, own, sizeof(c->own));
	c->timer = evtimer_new(base, on_time, c);
	if (c->timer == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void partner_check_free(struct partner_check *c)
{
	if (c == NULL)
		return;
	event_free(c->timer);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

void partner_check_start(struct partner_check *c, const struct partner_view *view)
{
	static const struct timeval wait = { .tv_usec = ROUND_MS * 1000 };
	bool is_any = false;

	c->view = *view;
	c->round = 0;
	atomic_store(&c->board->checked, 0);
	atomic_store(&c->board->astray, 0);
	for (unsigned int bit = 0; bit < PARTNER_FACES * PARTNER_PORTS; bit++)
		is_any = is_any || is_asked(c, bit);
	if (is_any)
		(void)evtimer_add(c->timer, &wait);
	else
		(void)evtimer_del(c->timer);
}

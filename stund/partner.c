#include "partner.h"

#include <assert.h>
#include <openssl/crypto.h>

static bool is_at_least(uint64_t now_ms, uint64_t since_ms, uint64_t ms)
{
	return now_ms > since_ms && now_ms - since_ms >= ms;
}

/* A nonce that nobody can foretell: of this run's randomness, a label and what it is for. */
static void draw(const struct partner *p, uint8_t label, uint64_t count, const uint8_t *of,
		 uint8_t out[static PARTNER_NONCE_LEN])
{
	uint8_t buf[1 + 8 + PARTNER_NONCE_LEN], hash[STUN_SHA256_FULL];
	struct wire_out w = wire_write(buf, sizeof(buf));

	wire_put_u8(&w, label);
	wire_put_u64(&w, count);
	wire_put_mem(&w, of, of != NULL ? PARTNER_NONCE_LEN : 0);
	stun_key_hmac_sha256(&p->draw, wire_written(&w), hash);
	memcpy(out, hash, PARTNER_NONCE_LEN);
}

/*
 * Our nonce in a session that the partner asks for. Until there is a session, all who ask with
 * one nonce get one answer, and nothing is kept; with each session all answers before are void.
 */
static void draw_asked(const struct partner *p, struct partner_nonces *n)
{
	draw(p, 'a', p->generation, n->asker, n->asked);
}

static void ask(struct partner *p, uint64_t now_ms)
{
	p->asks = true;
	p->tries = 0;
	p->ask_ms = now_ms;
	memset(&p->asking, 0, sizeof(p->asking));
	draw(p, 'i', p->drawn++, NULL, p->asking.asker);
}

void partner_init(struct partner *p, const struct partner_setup *setup, uint64_t now_ms)
{
	memset(p, 0, sizeof(*p));
	p->setup = *setup;
	p->retire_ms = UINT64_MAX;
	p->budget_ms = now_ms;
	stun_key_make(&p->draw, bytes_of(setup->random, sizeof(setup->random)));
	partner_keys_root(setup->key, &p->hello, &p->root);
	ask(p, now_ms);
}

void partner_wipe(struct partner *p)
{
	OPENSSL_cleanse(p, sizeof(*p));
}

static void end_session(struct partner *p, enum partner_why why)
{
	OPENSSL_cleanse(&p->session, sizeof(p->session));
	p->told = false;
	p->why = why;
	p->retire_ms = UINT64_MAX;
}

void partner_use_key(struct partner *p, const uint8_t key[static PARTNER_KEY_LEN], uint64_t now_ms)
{
	if (CRYPTO_memcmp(p->setup.key, key, PARTNER_KEY_LEN) == 0)
		return;
	memcpy(p->setup.key, key, PARTNER_KEY_LEN);
	partner_keys_root(key, &p->hello, &p->root);
	if (p->session.up)
		p->retire_ms = now_ms + PARTNER_RETIRE_MS;
	ask(p, now_ms);
}

/* Both have shown that they know the key, and the other's fresh nonce. */
static void begin_session(struct partner *p, const struct partner_nonces *n, bool is_asker,
			  const struct partner_keys *keys, uint64_t now_ms)
{
	bool was_up = p->session.up;

	OPENSSL_cleanse(&p->session, sizeof(p->session));
	p->session = (struct partner_session){
		.up = true,
		.is_asker = is_asker,
		.nonces = *n,
		.keys = *keys,
		.beat_ms = now_ms,
		.heard_ms = now_ms,
		.acked_ms = now_ms,
	};
	p->generation++;
	p->asks = false;
	p->retire_ms = UINT64_MAX;
	if (!was_up) {
		p->told = false;
		p->why = PARTNER_UNTOLD;
	}
}

static enum partner_took on_init(struct partner *p, struct bytes in,
				 uint8_t buf[static PARTNER_CONTROL_MAX], struct partner_out *out)
{
	static const uint8_t none[PARTNER_NONCE_LEN];
	struct partner_nonces n;
	int order;

	if (!partner_wire_is_signed(in, &p->hello) || !partner_get_hello(in, &n) ||
	    memcmp(n.asked, none, sizeof(none)) != 0)
		return PARTNER_FORGED;
	order = memcmp(n.asker, p->asking.asker, PARTNER_NONCE_LEN);
	if (p->asks && order == 0)
		return PARTNER_REPLAYED; /* our own, thrown back */
	/* Both ask: one of them has to answer, and the other to wait for it. */
	if (p->asks && order > 0)
		return PARTNER_TAKEN;
	draw_asked(p, &n);
	out->datagram = partner_put_hello(buf, PARTNER_CONTROL_MAX, &p->hello, PARTNER_RESP, &n);
	return PARTNER_REPLY;
}

static enum partner_took on_resp(struct partner *p, struct bytes in, uint64_t now_ms)
{
	struct partner_nonces n;
	struct partner_keys keys;

	if (!partner_wire_is_signed(in, &p->hello) || !partner_get_hello(in, &n))
		return PARTNER_FORGED;
	if (!p->asks || memcmp(n.asker, p->asking.asker, PARTNER_NONCE_LEN) != 0)
		return PARTNER_STALE;
	partner_keys_make(&p->root, &n, true, &keys);
	begin_session(p, &n, true, &keys, now_ms);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return PARTNER_TAKEN;
}

/* What the partner heard of us: the newest of it tells how long it has not been deaf. */
static void note_heard(struct partner_session *s, uint64_t heard)
{
	for (size_t i = 0; i < PARTNER_SENT; i++) {
		if (s->sent[i].number != 0 && s->sent[i].number <= heard &&
		    s->sent[i].at_ms > s->acked_ms)
			s->acked_ms = s->sent[i].at_ms;
	}
}

static enum partner_took take_state(struct partner *p, const struct partner_state *st,
				    uint64_t number, uint64_t now_ms)
{
	struct partner_session *s = &p->session;
	bool is_newest = number > s->control.top;

	if (st->heard > s->number)
		return PARTNER_FORGED;
	if (!partner_window_take(&s->control, number))
		return PARTNER_REPLAYED;
	s->confirmed = true;
	s->heard_ms = now_ms;
	note_heard(s, st->heard);
	if (is_newest) { /* one that was overtaken knows less */
		p->theirs = *st;
		p->told = true;
		p->why = PARTNER_LIVE;
	}
	return PARTNER_TAKEN;
}

static enum partner_took on_beat(struct partner *p, struct bytes in, uint64_t now_ms)
{
	struct partner_state st;
	uint64_t number;

	if (!p->session.up)
		return PARTNER_STALE;
	if (!partner_wire_is_signed(in, &p->session.keys.control_in))
		return PARTNER_FORGED;
	if (!partner_get_beat(in, &number, &st))
		return PARTNER_FORGED;
	return take_state(p, &st, number, now_ms);
}

/* The session that these nonces ask for begins, if we gave one of them, and `in` is signed so. */
static enum partner_took join_session(struct partner *p, const struct partner_nonces *n,
				      struct bytes in, uint64_t now_ms)
{
	enum partner_took took = PARTNER_TAKEN;
	struct partner_nonces mine = *n;
	struct partner_keys keys;

	draw_asked(p, &mine);
	if (CRYPTO_memcmp(&mine, n, sizeof(mine)) != 0)
		return PARTNER_STALE;
	partner_keys_make(&p->root, n, false, &keys);
	if (partner_wire_is_signed(in, &keys.control_in))
		begin_session(p, n, false, &keys, now_ms);
	else
		took = PARTNER_FORGED;
	OPENSSL_cleanse(&keys, sizeof(keys));
	return took;
}

/* The asker's first words in a session, said again until it hears ours. */
static enum partner_took on_confirm(struct partner *p, struct bytes in, uint64_t now_ms)
{
	struct partner_session *s = &p->session;
	enum partner_took took = PARTNER_TAKEN;
	struct partner_nonces n;
	struct partner_state st;
	uint64_t number;

	if (!partner_get_confirm_nonces(in, &n) || !partner_get_confirm(in, &number, &st))
		return PARTNER_FORGED;
	if (!s->up || s->is_asker || memcmp(&n, &s->nonces, sizeof(n)) != 0)
		took = join_session(p, &n, in, now_ms);
	else if (!partner_wire_is_signed(in, &s->keys.control_in))
		took = PARTNER_FORGED;
	return took == PARTNER_TAKEN ? take_state(p, &st, number, now_ms) : took;
}

static enum partner_took on_bye(struct partner *p, struct bytes in, uint64_t now_ms)
{
	uint64_t number;

	if (!p->session.up)
		return PARTNER_STALE;
	if (!partner_wire_is_signed(in, &p->session.keys.control_in) ||
	    !partner_get_bye(in, &number))
		return PARTNER_FORGED;
	if (!partner_window_take(&p->session.control, number))
		return PARTNER_REPLAYED;
	end_session(p, PARTNER_LEFT);
	ask(p, now_ms + PARTNER_ASK_MS);
	return PARTNER_TAKEN;
}

/* A bucket that holds a second's worth, as the time up to which it is paid. */
static bool is_within_rate(struct partner *p, uint64_t now_ms)
{
	uint64_t cost_ms = 1000 / p->setup.rate;

	if (cost_ms == 0)
		cost_ms = 1;
	if (p->budget_ms + 1000 < now_ms)
		p->budget_ms = now_ms - 1000;
	if (p->budget_ms + cost_ms > now_ms)
		return false;
	p->budget_ms += cost_ms;
	return true;
}

static bool is_live(const struct partner *p)
{
	return p->session.up && p->told;
}

static enum partner_took on_hand(struct partner *p, struct bytes in, uint64_t now_ms,
				 struct partner_hand *out)
{
	const struct partner_face *own;
	uint64_t number;

	if (!is_live(p))
		return PARTNER_STALE;
	if (!partner_wire_is_signed(in, &p->session.keys.hand_in) ||
	    !partner_get_hand(in, &number, out))
		return PARTNER_FORGED;
	if (!partner_window_take(&p->session.hand, number))
		return PARTNER_REPLAYED;
	own = &p->setup.own[out->face];
	if (own->seen[0].family == ADDR_NONE || !partner_may_reach(&own->seen[0], &out->to) ||
	    !partner_is_answer(out->msg, &out->to, p->setup.classic))
		return PARTNER_REFUSED;
	if (!is_within_rate(p, now_ms))
		return PARTNER_LIMITED;
	if (p->setup.limit != NULL && !limit_allows(p->setup.limit, &out->to, now_ms))
		return PARTNER_LIMITED;
	return PARTNER_SEND;
}

/* Ends the session where its time is over. */
static void expire(struct partner *p, uint64_t now_ms)
{
	const struct partner_session *s = &p->session;
	enum partner_why why = PARTNER_LIVE;

	if (!s->up)
		return;
	if (is_at_least(now_ms, s->heard_ms, PARTNER_DEAD_MS) ||
	    is_at_least(now_ms, s->acked_ms, PARTNER_DEAD_MS))
		why = is_at_least(now_ms, s->heard_ms, PARTNER_DEAD_MS / 2) ? PARTNER_SILENT
									    : PARTNER_DEAF;
	else if (now_ms >= p->retire_ms)
		why = PARTNER_RETIRED;
	if (why == PARTNER_LIVE)
		return;
	end_session(p, why);
	if (!p->asks)
		ask(p, now_ms);
}

enum partner_took partner_input(struct partner *p, struct bytes datagram, const struct addr *from,
				uint64_t now_ms, uint8_t buf[static PARTNER_CONTROL_MAX],
				struct partner_out *out)
{
	if (!addr_equal(from, &p->setup.peer))
		return PARTNER_STRANGER;
	expire(p, now_ms);
	switch (partner_wire_type(datagram)) {
	case PARTNER_INIT:
		return on_init(p, datagram, buf, out);
	case PARTNER_RESP:
		return on_resp(p, datagram, now_ms);
	case PARTNER_CONFIRM:
		return on_confirm(p, datagram, now_ms);
	case PARTNER_BEAT:
		return on_beat(p, datagram, now_ms);
	case PARTNER_BYE:
		return on_bye(p, datagram, now_ms);
	case PARTNER_HAND:
		return on_hand(p, datagram, now_ms, &out->hand);
	default:
		return PARTNER_FORGED;
	}
}

static struct bytes put_init(struct partner *p, uint64_t now_ms,
			     uint8_t buf[static PARTNER_CONTROL_MAX])
{
	uint64_t pause = (uint64_t)PARTNER_ASK_MS << (p->tries < 3 ? p->tries : 3);

	p->tries++;
	p->ask_ms = now_ms + (pause < PARTNER_ASK_MAX_MS ? pause : PARTNER_ASK_MAX_MS);
	return partner_put_hello(buf, PARTNER_CONTROL_MAX, &p->hello, PARTNER_INIT, &p->asking);
}

static struct bytes put_beat(struct partner *p, uint64_t now_ms,
			     uint8_t buf[static PARTNER_CONTROL_MAX])
{
	struct partner_session *s = &p->session;
	const struct stun_key *key = &s->keys.control_out;
	struct partner_state st = { .classic = p->setup.classic, .heard = s->control.top };

	memcpy(st.faces, p->setup.own, sizeof(st.faces));
	s->beat_ms = now_ms + PARTNER_BEAT_MS;
	s->number++;
	s->sent[s->number % PARTNER_SENT] =
		(struct partner_sent){ .number = s->number, .at_ms = now_ms };
	if (s->is_asker && !s->confirmed)
		return partner_put_confirm(buf, PARTNER_CONTROL_MAX, key, &s->nonces, s->number,
					   &st);
	return partner_put_beat(buf, PARTNER_CONTROL_MAX, key, s->number, &st);
}

struct bytes partner_next(struct partner *p, uint64_t now_ms,
			  uint8_t buf[static PARTNER_CONTROL_MAX])
{
	expire(p, now_ms);
	if (p->asks && now_ms >= p->ask_ms)
		return put_init(p, now_ms, buf);
	if (p->session.up && now_ms >= p->session.beat_ms)
		return put_beat(p, now_ms, buf);
	return (struct bytes){ 0 };
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t partner_deadline(const struct partner *p)
{
	const struct partner_session *s = &p->session;
	uint64_t due = p->asks ? p->ask_ms : UINT64_MAX;

	if (!s->up)
		return due;
	due = sooner(sooner(due, s->beat_ms), p->retire_ms);
	return sooner(due, sooner(s->heard_ms, s->acked_ms) + PARTNER_DEAD_MS);
}

struct bytes partner_bye(struct partner *p, uint8_t buf[static PARTNER_CONTROL_MAX])
{
	struct partner_session *s = &p->session;

	if (!s->up)
		return (struct bytes){ 0 };
	return partner_put_bye(buf, PARTNER_CONTROL_MAX, &s->keys.control_out, ++s->number);
}

void partner_view(const struct partner *p, struct partner_view *out)
{
	memset(out, 0, sizeof(*out));
	out->why = p->why;
	if (!is_live(p))
		return;
	out->classic = p->theirs.classic;
	out->hand_out = p->session.keys.hand_out;
	for (int i = 0; i < PARTNER_FACES; i++) {
		out->fits[i] = partner_fit(&p->setup.own[i], &p->theirs.faces[i]);
		if (out->fits[i] == PARTNER_FIT_OK)
			out->faces[i] = p->theirs.faces[i];
	}
}

struct bytes partner_hand_over(const struct partner_view *v, const struct partner_hand *h,
			       uint64_t number, uint8_t buf[static PARTNER_DATAGRAM_MAX])
{
	const struct addr *face = &v->faces[h->face].seen[0];

	assert(h->face < PARTNER_FACES && h->port < PARTNER_PORTS);
	if (face->family == ADDR_NONE || !partner_may_reach(face, &h->to) ||
	    !partner_is_answer(h->msg, &h->to, v->classic))
		return (struct bytes){ 0 };
	return partner_put_hand(buf, PARTNER_DATAGRAM_MAX, &v->hand_out, number, h);
}

const char *partner_took_name(enum partner_took t)
{
	static const char *const names[PARTNER_TOOKS] = {
		[PARTNER_TAKEN] = "taken",     [PARTNER_REPLY] = "answered",
		[PARTNER_SEND] = "sent",       [PARTNER_STRANGER] = "stranger",
		[PARTNER_FORGED] = "forged",   [PARTNER_REPLAYED] = "replayed",
		[PARTNER_STALE] = "stale",     [PARTNER_REFUSED] = "refused",
		[PARTNER_LIMITED] = "limited",
	};

	return (unsigned int)t < PARTNER_TOOKS ? names[t] : "unknown";
}

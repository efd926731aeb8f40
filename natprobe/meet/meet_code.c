/*
 * From a code to keys: hello, share, reply, confirmation (doc/rendezvous.md).
 *
 * Side A answers every hello with a share of its own, which tells nothing. Side B says with its
 * confirmation whether the other one guessed right, so it says it to one share, once. Side A hears
 * one confirmation. So one guess is what a code has, whoever carries the messages.
 */
#include <openssl/crypto.h>

#include "meet_state.h"

#define SALT             "natkit meet 1"
#define SHARE_SLOWEST_US 8000000
#define SHARE_TIMES      10
#define HELLO_SLOWEST_US 20000000
#define REPLY_SLOWEST_US 4000000

static bool read_code(struct meet *m, const char *code, uint8_t stretch)
{
	uint8_t stretched[KDF_STRETCHED];
	bool done = kdf_stretch(bytes_of_str(code), BYTES(SALT),
				stretch > 0 ? stretch : KDF_STRETCH_LOG, stretched) &&
		    spake2_number(stretched, m->code.w);

	if (done)
		code_topic(code, stretched, m->topics[0], sizeof(m->topics[0]));
	OPENSSL_cleanse(stretched, sizeof(stretched));
	return done;
}

bool meet_code_init(struct meet *m, struct bytes code, uint8_t stretch, uint64_t now_us)
{
	char typed[CODE_MAX] = "", normal[CODE_MAX];
	const char *why;
	bool done;

	if (code.len >= sizeof(typed))
		return false;
	if (code.len > 0)
		memcpy(typed, code.data, code.len);
	done = code_normalise(typed, normal, &why) && read_code(m, normal, stretch);
	OPENSSL_cleanse(typed, sizeof(typed));
	OPENSSL_cleanse(normal, sizeof(normal));
	m->random(m->random_arg, m->code.nonce, sizeof(m->code.nonce));
	m->random(m->random_arg, m->code.seed, sizeof(m->code.seed));
	m->listens = 1;
	meet_timer_start(&m->code.hello, now_us);
	m->code.reply.due_us = UINT64_MAX;
	return done;
}

/* Our side of a run with the other one's hello: its number is for this run and this side alone. */
static bool start_run(const struct meet *m, bool is_a, const uint8_t *nonce, struct spake2 *out)
{
	uint8_t wide[2 * KDF_LEN], x[SPAKE2_NUMBER_LEN];
	struct bytes theirs = bytes_of(nonce, MEET_NONCE_LEN);
	const char *labels[2] = { is_a ? "x 1" : "y 1", is_a ? "x 2" : "y 2" };
	bool done = kdf_expand(m->code.seed, labels[0], theirs, wide, KDF_LEN) &&
		    kdf_expand(m->code.seed, labels[1], theirs, wide + KDF_LEN, KDF_LEN) &&
		    spake2_number(wide, x) && spake2_start(out, is_a, m->code.w, x);

	OPENSSL_cleanse(wide, sizeof(wide));
	OPENSSL_cleanse(x, sizeof(x));
	return done;
}

static enum spake2_result finish_run(struct meet *m, bool is_a, const uint8_t *nonce,
				     const uint8_t *their_share)
{
	struct bytes ours = bytes_of(m->code.nonce, MEET_NONCE_LEN);
	struct bytes theirs = bytes_of(nonce, MEET_NONCE_LEN);
	struct spake2_context context = {
		.a = is_a ? ours : theirs,
		.b = is_a ? theirs : ours,
		.aad = bytes_of_str(m->topics[0]),
	};
	enum spake2_result result = SPAKE2_FAILED;
	struct spake2 run;

	if (start_run(m, is_a, nonce, &run))
		result = spake2_finish(&run, &context, their_share, &m->code.keys);
	memcpy(m->code.share, run.share, sizeof(run.share));
	OPENSSL_cleanse(&run, sizeof(run));
	return result;
}

/* Keys of a run that came to its end, in both directions. */
static bool make_keys(struct meet *m, bool is_a)
{
	struct bytes none = { 0 };
	uint8_t nonces[2 * MEET_NONCE_LEN];
	bool done;

	memcpy(nonces, is_a ? m->code.nonce : m->code.theirs, MEET_NONCE_LEN);
	memcpy(nonces + MEET_NONCE_LEN, is_a ? m->code.theirs : m->code.nonce, MEET_NONCE_LEN);
	done = meet_seal_root("natkit meet 1 code", bytes_of(m->code.keys.key, SPAKE2_KEY_LEN),
			      bytes_of(nonces, sizeof(nonces)), m->root) &&
	       meet_seal_way(m->root, is_a, none, &m->ours) &&
	       meet_seal_way(m->root, !is_a, none, &m->theirs);
	OPENSSL_cleanse(m->code.keys.key, SPAKE2_KEY_LEN); /* the confirmations are still to come */
	return done;
}

static void forget_password(struct meet *m)
{
	OPENSSL_cleanse(m->code.w, sizeof(m->code.w));
	OPENSSL_cleanse(m->code.seed, sizeof(m->code.seed));
	m->code.hello.due_us = UINT64_MAX;
	m->code.reply.due_us = UINT64_MAX;
	memset(m->code.candidates, 0, sizeof(m->code.candidates));
}

static struct meet_candidate *find_candidate(struct meet *m, const uint8_t *nonce)
{
	for (size_t i = 0; i < MEET_CANDIDATES; i++) {
		struct meet_candidate *c = &m->code.candidates[i];

		if (c->used && memcmp(c->nonce, nonce, MEET_NONCE_LEN) == 0)
			return c;
	}
	return NULL;
}

/* A place for one more: a free one, or that of whom we heard nothing for longest. */
static struct meet_candidate *oldest_candidate(struct meet *m)
{
	struct meet_candidate *oldest = &m->code.candidates[0];

	for (size_t i = 0; i < MEET_CANDIDATES; i++) {
		struct meet_candidate *c = &m->code.candidates[i];

		if (!c->used)
			return c;
		if (c->heard_us < oldest->heard_us)
			oldest = c;
	}
	return oldest;
}

/* The hello of a side B. */
static void on_larger(struct meet *m, const uint8_t *nonce, uint64_t now_us)
{
	struct meet_candidate *c = find_candidate(m, nonce);

	if (c == NULL) {
		if (!meet_allows(m, now_us))
			return;
		c = oldest_candidate(m);
		*c = (struct meet_candidate){ .used = true };
		memcpy(c->nonce, nonce, MEET_NONCE_LEN);
		meet_timer_start(&c->timer, now_us);
	} else if (c->timer.tries >= SHARE_TIMES && meet_allows(m, now_us)) {
		meet_timer_start(&c->timer, now_us); /* it lives */
	}
	c->heard_us = now_us;
}

/* The hello of a side A: it may have come after ours was sent. */
static void on_smaller(struct meet *m, const uint8_t *nonce, uint64_t now_us)
{
	struct meet_code *c = &m->code;

	for (size_t i = 0; i < MEET_CANDIDATES && i < c->seen_count; i++) {
		if (memcmp(c->seen[i], nonce, MEET_NONCE_LEN) == 0)
			return;
	}
	if (!meet_allows(m, now_us))
		return;
	memcpy(c->seen[c->seen_count % MEET_CANDIDATES], nonce, MEET_NONCE_LEN);
	c->seen_count = c->seen_count + 1 < 2 * MEET_CANDIDATES ? (uint8_t)(c->seen_count + 1)
								: MEET_CANDIDATES;
	meet_timer_start(&c->hello, now_us);
}

static bool is_run(const struct meet *m, const uint8_t *theirs)
{
	return memcmp(m->code.theirs, theirs, MEET_NONCE_LEN) == 0;
}

/* Somebody else begins a meeting with our code: the other side, perhaps, that was started again. */
static void on_stranger(struct meet *m, const uint8_t *nonce, uint64_t now_us)
{
	if (memcmp(nonce, m->code.nonce, MEET_NONCE_LEN) != 0 && !is_run(m, nonce) &&
	    meet_allows(m, now_us))
		m->knocks++;
}

static void on_hello(struct meet *m, struct wire *in, uint64_t now_us)
{
	uint8_t nonce[MEET_NONCE_LEN] = { 0 };
	int order;

	wire_get_mem(in, nonce, sizeof(nonce));
	order = memcmp(nonce, m->code.nonce, sizeof(nonce));
	if (!wire_done(in))
		return;
	if (m->stage == MEET_SHARING)
		on_stranger(m, nonce, now_us);
	if (m->stage != MEET_SEARCHING)
		return;
	if (order > 0)
		on_larger(m, nonce, now_us);
	else if (order < 0)
		on_smaller(m, nonce, now_us);
}

/* Reads the hellos of a run; true where we are the side that it is for, *theirs the other one's. */
static bool get_run(const struct meet *m, bool is_a, struct wire *in, uint8_t *theirs)
{
	uint8_t nonces[2][MEET_NONCE_LEN] = { { 0 } };

	wire_get_mem(in, nonces, sizeof(nonces));
	memcpy(theirs, nonces[is_a ? 1 : 0], MEET_NONCE_LEN);
	return !in->failed && memcmp(nonces[0], nonces[1], MEET_NONCE_LEN) < 0 &&
	       memcmp(nonces[is_a ? 0 : 1], m->code.nonce, MEET_NONCE_LEN) == 0;
}

/* Side B spends its one confirmation. */
static void commit(struct meet *m, const uint8_t *nonce, const uint8_t *share, uint64_t now_us)
{
	memcpy(m->code.theirs, nonce, MEET_NONCE_LEN);
	memcpy(m->code.their_share, share, SPAKE2_SHARE_LEN);
	if (!make_keys(m, false))
		return;
	forget_password(m);
	m->stage = MEET_REPLIED;
	m->code.replied_us = now_us;
	meet_timer_start(&m->code.reply, now_us);
}

static void on_share(struct meet *m, struct wire *in, uint64_t now_us)
{
	uint8_t nonce[MEET_NONCE_LEN], share[SPAKE2_SHARE_LEN] = { 0 };
	bool is_ours = get_run(m, false, in, nonce);

	wire_get_mem(in, share, sizeof(share));
	if (!is_ours || !wire_done(in))
		return;
	if (m->stage == MEET_REPLIED && is_run(m, nonce) && m->code.reply.tries > 1) {
		meet_timer_within(&m->code.reply, now_us, CHANNEL_FIRST_US); /* it was lost */
		return;
	}
	if (m->stage != MEET_SEARCHING || !meet_allows(m, now_us))
		return;
	if (finish_run(m, false, nonce, share) == SPAKE2_OK)
		commit(m, nonce, share, now_us);
}

static void on_reply(struct meet *m, struct wire *in, uint64_t now_us)
{
	uint8_t nonce[MEET_NONCE_LEN], share[SPAKE2_SHARE_LEN] = { 0 }, mac[SPAKE2_MAC_LEN] = { 0 };
	bool is_ours = get_run(m, true, in, nonce);

	wire_get_mem(in, share, sizeof(share));
	wire_get_mem(in, mac, sizeof(mac));
	if (!is_ours || !wire_done(in) || m->stage != MEET_SEARCHING || !meet_allows(m, now_us))
		return;
	if (finish_run(m, true, nonce, share) != SPAKE2_OK)
		return;
	memcpy(m->code.theirs, nonce, MEET_NONCE_LEN);
	if (spake2_is_right(&m->code.keys, mac)) {
		if (make_keys(m, true))
			meet_start_sharing(m, true, now_us);
	} else {
		m->stage = MEET_REFUSING;
		meet_timer_start(&m->code.reply, now_us);
		m->code.hello.due_us = UINT64_MAX;
		return;
	}
	forget_password(m);
}

static void on_confirm(struct meet *m, struct bytes whole, struct wire *in, uint64_t now_us)
{
	uint8_t nonce[MEET_NONCE_LEN], mac[SPAKE2_MAC_LEN] = { 0 };
	bool is_ours = get_run(m, false, in, nonce);

	wire_get_mem(in, mac, sizeof(mac));
	if (!is_ours || in->failed || !is_run(m, nonce))
		return;
	if (m->stage == MEET_REPLIED) {
		if (!spake2_is_right(&m->code.keys, mac)) {
			meet_fail(m, MEET_WRONG_CODE);
			return;
		}
		forget_password(m);
		meet_start_sharing(m, false, now_us);
	}
	if (m->stage == MEET_SHARING && !m->is_a)
		(void)meet_open_envelope(m, whole, in, now_us);
}

void meet_code_take(struct meet *m, enum meet_type type, struct bytes whole, struct wire *in,
		    uint64_t now_us)
{
	switch (type) {
	case MEET_HELLO:
		on_hello(m, in, now_us);
		break;
	case MEET_SHARE:
		on_share(m, in, now_us);
		break;
	case MEET_REPLY:
		on_reply(m, in, now_us);
		break;
	case MEET_CONFIRM:
		on_confirm(m, whole, in, now_us);
		break;
	default:
		break;
	}
}

static void put_run(const struct meet *m, struct wire_out *w, bool is_a, const uint8_t *theirs)
{
	wire_put_mem(w, is_a ? m->code.nonce : theirs, MEET_NONCE_LEN);
	wire_put_mem(w, is_a ? theirs : m->code.nonce, MEET_NONCE_LEN);
}

static struct bytes put_hello(struct meet *m, uint64_t now_us)
{
	struct wire_out w = wire_write(m->buf, sizeof(m->buf));

	meet_put_head(&w, MEET_HELLO);
	wire_put_mem(&w, m->code.nonce, MEET_NONCE_LEN);
	meet_timer_sent(&m->code.hello, now_us, HELLO_SLOWEST_US);
	return wire_written(&w);
}

static struct bytes put_share(struct meet *m, struct meet_candidate *c, uint64_t now_us)
{
	struct wire_out w = wire_write(m->buf, sizeof(m->buf));
	struct spake2 run;
	bool done = start_run(m, true, c->nonce, &run);

	meet_put_head(&w, MEET_SHARE);
	put_run(m, &w, true, c->nonce);
	wire_put_mem(&w, run.share, sizeof(run.share));
	OPENSSL_cleanse(&run, sizeof(run));
	meet_timer_sent(&c->timer, now_us, SHARE_SLOWEST_US);
	if (c->timer.tries >= SHARE_TIMES)
		c->timer.due_us = UINT64_MAX;
	return done ? wire_written(&w) : (struct bytes){ 0 };
}

/* Our share with our confirmation; or, where theirs was wrong, our confirmation alone. */
static struct bytes put_reply(struct meet *m, uint64_t now_us)
{
	struct wire_out w = wire_write(m->buf, sizeof(m->buf));
	bool refuses = m->stage == MEET_REFUSING;

	meet_put_head(&w, refuses ? MEET_CONFIRM : MEET_REPLY);
	put_run(m, &w, refuses, m->code.theirs);
	if (!refuses)
		wire_put_mem(&w, m->code.share, SPAKE2_SHARE_LEN);
	wire_put_mem(&w, m->code.keys.ours, SPAKE2_MAC_LEN);
	meet_timer_sent(&m->code.reply, now_us, REPLY_SLOWEST_US);
	if (refuses && m->code.reply.tries >= MEET_WRONG_TIMES)
		meet_fail(m, MEET_WRONG_CODE);
	return wire_written(&w);
}

struct bytes meet_code_put(struct meet *m, uint64_t now_us)
{
	struct meet_code *c = &m->code;

	if (c->reply.due_us <= now_us)
		return put_reply(m, now_us);
	if (m->stage != MEET_SEARCHING)
		return (struct bytes){ 0 };
	for (size_t i = 0; i < MEET_CANDIDATES; i++) {
		if (c->candidates[i].used && c->candidates[i].timer.due_us <= now_us)
			return put_share(m, &c->candidates[i], now_us);
	}
	return c->hello.due_us <= now_us ? put_hello(m, now_us) : (struct bytes){ 0 };
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t meet_code_due(const struct meet *m)
{
	const struct meet_code *c = &m->code;
	uint64_t due = earlier(c->reply.due_us, c->hello.due_us);

	if (m->stage == MEET_REPLIED)
		return earlier(due, c->replied_us + MEET_CODE_PATIENCE);
	for (size_t i = 0; i < MEET_CANDIDATES && m->stage == MEET_SEARCHING; i++) {
		if (c->candidates[i].used)
			due = earlier(due, c->candidates[i].timer.due_us);
	}
	return due;
}

void meet_code_tick(struct meet *m, uint64_t now_us)
{
	if (m->stage == MEET_REPLIED && now_us >= m->code.replied_us + MEET_CODE_PATIENCE)
		meet_fail(m, MEET_GONE);
}

#include "parting.h"

#include <string.h>

#define AGAIN_MIN_US  100000 /* from one question to the next: two round trips, within these */
#define AGAIN_MAX_US  2000000
#define SILENCE       6     /* questions that may be lost until A takes silence for a good-bye */
#define DRAIN_US      10000 /* for what the network held back a little */
#define BYES          2
#define RTT_US        150000 /* where none is known */
#define FLAG_SERVES   1u
#define TID_HEAD      4 /* kind, flags, number */
#define TID_RANDOM_AT 4 /* the cookie is before it */

enum kind {
	KIND_ASK = 1,
	KIND_GO,
	KIND_BYE,
};

static void make_key(struct stun_key *out, const struct stun_key *root, bool of_a)
{
	uint8_t secret[STUN_SHA256_FULL];

	stun_key_hmac_sha256(root, bytes_of_str(of_a ? "natkit parting A" : "natkit parting B"),
			     secret);
	stun_key_make(out, bytes_of(secret, sizeof(secret)));
	explicit_bzero(secret, sizeof(secret));
}

static void set_round_trip(struct parting *p, uint64_t rtt_us)
{
	p->rtt_us = rtt_us < AGAIN_MAX_US ? rtt_us : AGAIN_MAX_US;
	p->again_us = 2 * p->rtt_us;
	if (p->again_us < AGAIN_MIN_US)
		p->again_us = AGAIN_MIN_US;
	if (p->again_us > AGAIN_MAX_US)
		p->again_us = AGAIN_MAX_US;
}

void parting_start(struct parting *p, const struct parting_config *config, uint64_t now_us)
{
	struct stun_key root;

	*p = (struct parting){ .is_a = config->is_a, .serves = config->serves, .next_us = now_us };
	memcpy(p->random, config->random, sizeof(p->random));
	stun_key_make(&root, bytes_of(config->key, sizeof(config->key)));
	make_key(&p->ours, &root, config->is_a);
	make_key(&p->theirs, &root, !config->is_a);
	stun_key_wipe(&root);
	set_round_trip(p, config->rtt_us != 0 ? config->rtt_us : RTT_US);
	p->until_us = now_us + (config->limit_us != 0 ? config->limit_us : PARTING_LIMIT_US);
}

void parting_clear(struct parting *p)
{
	explicit_bzero(p, sizeof(*p));
}

static struct bytes make(const struct parting *p, enum kind kind,
			 uint8_t buf[static PARTING_BYTES_MAX])
{
	uint8_t id[TID_HEAD + sizeof(p->random)];
	struct wire_out w = wire_write(id, sizeof(id));
	struct bytes out = { 0 };
	struct stun_builder b;
	struct stun_tid tid;

	wire_put_u8(&w, (uint8_t)kind);
	wire_put_u8(&w, p->serves ? FLAG_SERVES : 0);
	wire_put_u16(&w, p->number);
	wire_put_mem(&w, p->random, sizeof(p->random));
	tid = stun_tid_make(id);
	b = stun_build(buf, PARTING_BYTES_MAX, STUN_BINDING, STUN_INDICATION, &tid);
	(void)stun_auth_put_integrity(&b, &p->ours);
	(void)stun_auth_put_fingerprint(&b);
	(void)stun_build_finish(&b, &out);
	return out;
}

static void end(struct parting *p)
{
	p->is_starved = !p->is_heard;
	p->phase = PARTING_OVER;
	p->due = 0;
}

/* A starts when it hears this; B's packets take as long as it waits here. */
static struct bytes say_bye(struct parting *p, uint64_t now_us,
			    uint8_t buf[static PARTING_BYTES_MAX])
{
	if (p->phase == PARTING_SETTLES) {
		p->phase = PARTING_LEAVES;
		p->until_us = now_us + p->rtt_us / 2 + DRAIN_US;
		p->due = BYES;
	}
	p->due--;
	return make(p, KIND_BYE, buf);
}

static struct bytes ask(struct parting *p, uint64_t now_us, uint8_t buf[static PARTING_BYTES_MAX])
{
	p->number++;
	p->asked_us = now_us;
	p->next_us = now_us + p->again_us;
	return make(p, KIND_ASK, buf);
}

struct bytes parting_next(struct parting *p, uint64_t now_us, uint8_t buf[static PARTING_BYTES_MAX],
			  uint64_t *deadline_us)
{
	if (p->phase != PARTING_OVER && p->due == 0 && now_us >= p->until_us) {
		if (p->phase == PARTING_SETTLES)
			return say_bye(p, now_us, buf);
		end(p); /* A, who heard questions: the good-bye was lost */
	}
	*deadline_us = p->phase == PARTING_OVER ? UINT64_MAX : p->until_us;
	if (p->due > 0 && p->is_a) {
		p->due--;
		return make(p, KIND_GO, buf);
	}
	if (p->due > 0)
		return say_bye(p, now_us, buf);
	if (p->is_a || p->phase != PARTING_TALKS)
		return bytes_of(NULL, 0);
	if (now_us >= p->next_us)
		return ask(p, now_us, buf);
	if (p->next_us < *deadline_us)
		*deadline_us = p->next_us;
	return bytes_of(NULL, 0);
}

/* A: B goes on asking until it hears us. */
static void hear_ask(struct parting *p, uint16_t number, uint64_t now_us)
{
	if (p->phase != PARTING_TALKS)
		return;
	p->is_heard = true;
	p->number = number;
	p->due = 1;
	p->until_us = now_us + SILENCE * p->again_us;
}

/* B: answers to earlier questions may be behind this one; none shall meet a program. */
static void hear_go(struct parting *p, uint16_t number, uint64_t now_us)
{
	uint64_t since_us = (uint64_t)(p->number - number) * p->again_us, rtt_us;

	if (number == 0 || number > p->number || p->phase > PARTING_SETTLES)
		return;
	if (p->phase == PARTING_TALKS) {
		rtt_us = now_us - p->asked_us + since_us;
		p->until_us = p->asked_us + rtt_us + rtt_us / 4 + DRAIN_US;
		p->rtt_us = rtt_us < AGAIN_MAX_US ? rtt_us : AGAIN_MAX_US;
	}
	if (number == p->number)
		p->until_us = now_us;
	p->is_heard = true;
	p->phase = PARTING_SETTLES;
}

static void hear_bye(struct parting *p, uint64_t now_us)
{
	if (p->phase != PARTING_TALKS)
		return;
	p->is_heard = true;
	p->due = 0;
	p->phase = PARTING_LEAVES;
	p->until_us = now_us + DRAIN_US;
}

static bool is_authentic(const struct parting *p, const struct stun_msg *msg)
{
	return msg->method == STUN_BINDING && msg->class == STUN_INDICATION &&
	       !stun_tid_is_classic(&msg->tid) &&
	       stun_auth_check_fingerprint(msg) == STUN_AUTH_OK &&
	       stun_auth_check_integrity(msg, &p->theirs) == STUN_AUTH_OK;
}

static void take(struct parting *p, const struct stun_tid *tid, uint64_t now_us)
{
	struct wire in = wire_read(bytes_of(tid->bytes + TID_RANDOM_AT, TID_HEAD));
	uint8_t kind = wire_get_u8(&in);
	uint8_t flags = wire_get_u8(&in);
	uint16_t number = wire_get_u16(&in);

	p->they_serve = (flags & FLAG_SERVES) != 0;
	if (p->is_a && kind == KIND_ASK)
		hear_ask(p, number, now_us);
	else if (p->is_a && kind == KIND_BYE)
		hear_bye(p, now_us);
	else if (!p->is_a && kind == KIND_GO)
		hear_go(p, number, now_us);
}

enum parting_heard parting_hear(struct parting *p, struct bytes datagram, uint64_t now_us)
{
	struct stun_msg msg;

	if (stun_msg_parse(datagram, &msg) != STUN_OK || stun_tid_is_classic(&msg.tid)) {
		if (p->is_heard || !p->is_a)
			end(p);
		return PARTING_FOREIGN;
	}
	if (!is_authentic(p, &msg))
		return PARTING_FOREIGN;
	take(p, &msg.tid, now_us);
	return PARTING_OURS;
}

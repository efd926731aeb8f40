/*
 * A meeting, with anything on its topics: at every stage, from strangers and from a peer who is
 * authentic and lies. It never stays busy, tells READY before any message and nothing after FAILED,
 * and keeps no more than it may.
 *
 * Input: a byte, whose lowest bit says how they meet (a code, an address) and whose second which side
 * is fuzzed, then steps. The lower three bits of a step say what it is: 0 a message as it is, with its
 * length (1 byte); 1 the same with a head, whose type the upper bits are; 2 the next message of the
 * other side, with that byte (upper bits) of its first 32 changed by the next one, where it is not 0;
 * 3 the other side's message that was carried last, once more; 4 time passes (a byte, in 50 ms); 5 an
 * envelope that the other side sealed, with any content; 6 both say something; 7 by the upper bits:
 * we leave (0), the other side starts anew (1), it tells a server's clock (2).
 */
#include "natprobe/meet/meet_door.h"
#include "natprobe/meet/meet_state.h"
#include "fuzz_check.h"
#include "rng.h"

#define STEPS_MAX   100
#define ACTIONS_MAX 400
#define CARRIED     8

struct side {
	struct meet *m;
	bool is_ready, is_over;
	char topic[MEET_TOPIC_MAX];
};

struct carried {
	char topic[MEET_TOPIC_MAX];
	size_t len;
	uint8_t bytes[MEET_ENVELOPE_MAX];
};

struct rig {
	struct rng rng;
	uint64_t now_us;
	bool by_address, we_invite;
	struct side us, other;
	struct carried out[CARRIED]; /* of the other side: waits to be carried */
	uint32_t out_count;
	struct carried last;
};

static void draw(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static struct meet *make(struct rig *r, bool us)
{
	struct meet_config c = { .mode = MEET_CODE,
				 .code = BYTES("1-oak-larch-elm"),
				 .stretch = 1 };

	if (r->by_address)
		c.mode = r->we_invite == us ? MEET_INVITE : MEET_ACCEPT;
	memset(c.private_key, 7, sizeof(c.private_key));
	FUZZ_CHECK(meet_curve_public(c.private_key, c.public_key));
	c.first = BYTES("first");
	c.random = draw;
	c.random_arg = &r->rng;
	return meet_new(&c, r->now_us);
}

static void keep(struct carried *to, const char *topic, struct bytes data)
{
	FUZZ_CHECK(data.len > 0 && data.len <= sizeof(to->bytes));
	(void)snprintf(to->topic, sizeof(to->topic), "%s", topic);
	to->len = data.len;
	memcpy(to->bytes, data.data, data.len);
}

static void published(struct rig *r, struct side *s, const struct meet_action *a)
{
	FUZZ_CHECK(strlen(a->topic) > 0 && strlen(a->topic) < MEET_TOPIC_MAX);
	if (s == &r->us) {
		if (r->other.m != NULL)
			meet_on_message(r->other.m, a->topic, a->data, r->now_us);
		return;
	}
	keep(&r->out[r->out_count++ % CARRIED], a->topic, a->data);
}

/* Whatever a side has to do now. */
static void act(struct rig *r, struct side *s)
{
	struct meet_action a;

	for (int i = 0; s->m != NULL; i++) {
		enum meet_kind kind = meet_next(s->m, r->now_us, &a);

		FUZZ_CHECK(i < ACTIONS_MAX && (!s->is_over || kind == MEET_WAIT));
		if (kind == MEET_WAIT) {
			FUZZ_CHECK(a.deadline_us > r->now_us);
			return;
		}
		if (kind == MEET_SUBSCRIBE)
			(void)snprintf(s->topic, sizeof(s->topic), "%s", a.topic);
		else if (kind == MEET_PUBLISH)
			published(r, s, &a);
		else if (kind == MEET_READY)
			s->is_ready = true;
		else if (kind == MEET_MESSAGE)
			FUZZ_CHECK(s->is_ready && a.data.len <= MEET_MESSAGE_MAX);
		else
			s->is_over = true;
	}
}

static void check(const struct rig *r)
{
	const struct meet_channel *c = &r->us.m->channel;
	int64_t offset;
	uint64_t error, round_trip;

	FUZZ_CHECK(c->in.count <= CHANNEL_QUEUE_MAX && c->in.bytes <= CHANNEL_BYTES_MAX);
	FUZZ_CHECK(c->out.count <= CHANNEL_QUEUE_MAX && c->out.bytes <= CHANNEL_BYTES_MAX);
	(void)meet_clock(r->us.m, &offset, &error, &round_trip);
}

static void to_us(struct rig *r, const char *topic, struct bytes data)
{
	meet_on_message(r->us.m, topic, data, r->now_us);
}

static void carry(struct rig *r, size_t place, uint8_t change)
{
	if (r->out_count == 0)
		return;
	r->last = r->out[(r->out_count - 1) % CARRIED];
	if (place < r->last.len)
		r->last.bytes[place] ^= change;
	to_us(r, r->last.topic, bytes_of(r->last.bytes, r->last.len));
}

static void say_with_head(struct rig *r, uint8_t type, struct bytes body)
{
	uint8_t buf[512];
	struct wire_out w = wire_write(buf, sizeof(buf));

	meet_put_head(&w, (enum meet_type)type);
	wire_put_mem(&w, body.data, body.len);
	to_us(r, r->us.topic, wire_written(&w));
}

/* By somebody who has the keys: the channel believes who says it, and not what. */
static void say_sealed(struct rig *r, struct bytes plain)
{
	uint8_t buf[512];
	struct wire_out w = wire_write(buf, sizeof(buf));
	struct meet *m = r->other.m;
	uint64_t counter;
	size_t aad;

	if (m == NULL || m->stage != MEET_SHARING || r->us.m->stage != MEET_SHARING)
		return;
	counter = m->counter++;
	meet_put_head(&w, m->mode == MEET_ACCEPT ? MEET_ANSWER : MEET_CHANNEL);
	wire_put_mem(&w, m->ours.tag, MEET_TAG_LEN);
	if (m->mode == MEET_ACCEPT)
		wire_put_mem(&w, m->invite.salt, MEET_SALT_LEN);
	wire_put_u64(&w, counter);
	aad = w.len;
	FUZZ_CHECK(meet_seal_put(&m->ours, counter, bytes_of(buf, aad), plain,
				 wire_room(&w, plain.len + MEET_SEAL_MORE)));
	to_us(r, r->us.m->topics[m->mode == MEET_CODE ? 0 : 1], wire_written(&w));
}

static void special(struct rig *r, uint8_t what)
{
	switch (what % 3) {
	case 0:
		meet_leave(r->us.m, r->now_us);
		break;
	case 1:
		meet_free(r->other.m);
		r->other = (struct side){ .m = make(r, false) };
		break;
	default:
		if (r->other.m != NULL)
			meet_set_server_clock(r->other.m, "time.example", -5, 7);
		break;
	}
}

static void step(struct rig *r, struct wire *in)
{
	uint8_t kind = wire_get_u8(in), up = kind >> 3, len;

	switch (kind & 7) {
	case 0:
	case 1:
	case 5:
		len = wire_get_u8(in);
		{
			struct bytes body = wire_get_bytes(in, len < in->left ? len : in->left);

			if ((kind & 7) == 0)
				to_us(r, r->us.topic, body);
			else if ((kind & 7) == 1)
				say_with_head(r, up, body);
			else
				say_sealed(r, body);
		}
		break;
	case 2:
		carry(r, up, wire_get_u8(in));
		break;
	case 3:
		to_us(r, r->last.topic, bytes_of(r->last.bytes, r->last.len));
		break;
	case 4:
		r->now_us += (uint64_t)wire_get_u8(in) * 50000;
		break;
	case 6:
		(void)meet_send(r->us.m, BYTES("to them"), r->now_us);
		if (r->other.m != NULL)
			(void)meet_send(r->other.m, BYTES("to us"), r->now_us);
		break;
	default:
		special(r, up);
		break;
	}
}

/* The same message at a door, which admits it once or never. */
static void at_the_door(struct rig *r)
{
	uint8_t key[32];
	struct meet_door *d;
	struct meet *m;

	memset(key, 7, sizeof(key));
	d = meet_door_new(key, draw, &r->rng, r->now_us);
	FUZZ_CHECK(d != NULL);
	m = meet_door_admit(d, bytes_of(r->last.bytes, r->last.len), r->now_us);
	FUZZ_CHECK(m == NULL ||
		   meet_door_admit(d, bytes_of(r->last.bytes, r->last.len), r->now_us) == NULL);
	meet_free(m);
	meet_door_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rig r;
	struct wire in = wire_read(bytes_of(data, len));
	uint8_t how = wire_get_u8(&in);

	memset(&r, 0, sizeof(r));
	r.rng = rng_seed(how >> 2);
	r.now_us = 1000000;
	r.by_address = (how & 1) != 0;
	r.we_invite = (how & 2) != 0;
	r.us.m = make(&r, true);
	r.other.m = make(&r, false);
	FUZZ_CHECK(r.us.m != NULL && r.other.m != NULL);
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
		act(&r, &r.us);
		act(&r, &r.other);
		step(&r, &in);
		check(&r);
	}
	act(&r, &r.us);
	if (r.by_address && !r.we_invite && r.last.len > 0)
		at_the_door(&r);
	meet_free(r.us.m);
	meet_free(r.other.m);
	return 0;
}

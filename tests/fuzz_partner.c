/*
 * A partner, in a session with another one: any datagrams, messages that are signed rightly with
 * any content, time, restarts and new keys. What is sent is what may be sent; no answer is longer
 * than what asked for it; it never stays busy.
 *
 * Input: steps. The lower bits of a byte say what it is: 0 a datagram as it is, with its length (1
 * byte); 1 to 6 the same with the head and the signature of that type of message, in the session; 7
 * by the bits above: the partner speaks (0), time passes (1, and a byte: in 50 ms), the partner
 * restarts (2), we have a new key (3), somebody looks at what there is (4).
 */
#include "stund/partner.h"
#include "fuzz_check.h"

#define STEPS_MAX 200

static const struct addr address = { .family = ADDR_IPV4, .port = 3480, .ip = { 84, 20, 3, 1 } };

struct rig {
	struct partner us, other;
	uint64_t now_ms;
	uint8_t key;
};

static struct partner_setup setup(const struct rig *r, uint8_t side, uint8_t run)
{
	struct partner_setup s = { .peer = address, .rate = 1000, .classic = true };

	memset(s.key, r->key, sizeof(s.key));
	memset(s.random, side, sizeof(s.random));
	s.random[0] = run;
	for (uint16_t port = 0; port < PARTNER_PORTS; port++) {
		s.own[0].seen[port] = addr_ipv4(84, 20, 3, side, (uint16_t)(3478 + port));
		s.own[1].seen[port] = (struct addr){ .family = ADDR_IPV6,
						     .port = (uint16_t)(3478 + port),
						     .ip = { 0x2a, 6, [15] = side } };
	}
	return s;
}

static void check_hand(const struct rig *r, const struct partner_hand *h)
{
	const struct addr *own;

	FUZZ_CHECK(h->face < 2 && h->port < PARTNER_PORTS);
	own = &r->us.setup.own[h->face].seen[0];
	FUZZ_CHECK(h->to.family == own->family && h->to.port != 0);
	FUZZ_CHECK(partner_may_reach(own, &h->to));
	FUZZ_CHECK(h->msg.len >= 20 && h->msg.len <= PARTNER_MSG_MAX);
	FUZZ_CHECK(h->msg.data[0] == 1 && h->msg.data[1] == 1);
	FUZZ_CHECK(partner_is_answer(h->msg, &h->to, true));
}

static void to_other(struct rig *r, struct bytes d);

static void to_us(struct rig *r, struct bytes d)
{
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;
	enum partner_took took = partner_input(&r->us, d, &address, r->now_ms, buf, &out);

	FUZZ_CHECK((unsigned int)took < PARTNER_TOOKS);
	if (took == PARTNER_SEND)
		check_hand(r, &out.hand);
	if (took != PARTNER_REPLY)
		return;
	FUZZ_CHECK(out.datagram.len > 0 && out.datagram.len <= d.len);
	to_other(r, out.datagram);
}

static void to_other(struct rig *r, struct bytes d)
{
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;

	if (partner_input(&r->other, d, &address, r->now_ms, buf, &out) == PARTNER_REPLY)
		to_us(r, out.datagram);
}

/* What is due on both sides, and what comes of it. */
static void talk(struct rig *r)
{
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct bytes d;
	int said = 0;

	while ((d = partner_next(&r->us, r->now_ms, buf)).len > 0) {
		to_other(r, d);
		FUZZ_CHECK(++said < 8);
	}
	FUZZ_CHECK(partner_deadline(&r->us) > r->now_ms);
	while ((d = partner_next(&r->other, r->now_ms, buf)).len > 0)
		to_us(r, d);
}

static void say_signed(struct rig *r, uint8_t type, struct bytes body)
{
	uint8_t buf[512], mac[STUN_SHA256_FULL];
	struct wire_out w = wire_write(buf, sizeof(buf));
	const struct stun_key *key = &r->other.session.keys.control_out;

	if (type == PARTNER_INIT || type == PARTNER_RESP)
		key = &r->other.hello;
	else if (type == PARTNER_HAND)
		key = &r->other.session.keys.hand_out;
	wire_put_u8(&w, 0x4e);
	wire_put_u8(&w, 1);
	wire_put_u8(&w, type);
	wire_put_u8(&w, 0);
	wire_put_mem(&w, body.data, body.len);
	stun_key_hmac_sha256(key, wire_written(&w), mac);
	wire_put_mem(&w, mac, PARTNER_MAC_LEN);
	to_us(r, wire_written(&w));
}

static void special(struct rig *r, struct wire *in, uint8_t what)
{
	struct partner_setup s = setup(r, 2, (uint8_t)r->now_ms);
	struct partner_view v;

	switch (what % 5) {
	case 0:
		talk(r);
		break;
	case 1:
		r->now_ms += (uint64_t)wire_get_u8(in) * 50;
		break;
	case 2:
		partner_init(&r->other, &s, r->now_ms);
		break;
	case 3:
		r->key++;
		s = setup(r, 1, 0);
		partner_use_key(&r->us, s.key, r->now_ms);
		break;
	default:
		partner_view(&r->us, &v);
		FUZZ_CHECK(v.why == PARTNER_LIVE || v.faces[0].seen[0].family == ADDR_NONE);
		break;
	}
}

static void step(struct rig *r, struct wire *in)
{
	uint8_t kind = wire_get_u8(in);
	uint8_t type = kind % 8, len;
	struct bytes body;

	if (type == 7) {
		special(r, in, kind / 8);
		return;
	}
	len = wire_get_u8(in);
	body = wire_get_bytes(in, len < in->left ? len : in->left);
	if (type == 0)
		to_us(r, body);
	else
		say_signed(r, type, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rig r;
	struct wire in = wire_read(bytes_of(data, len));
	struct partner_setup ours, theirs;

	memset(&r, 0, sizeof(r));
	r.now_ms = 1000;
	ours = setup(&r, 1, 0);
	theirs = setup(&r, 2, 0);
	partner_init(&r.us, &ours, r.now_ms);
	partner_init(&r.other, &theirs, r.now_ms);
	for (int i = 0; i < 3; i++)
		talk(&r);
	FUZZ_CHECK(r.us.session.up && r.us.told);
	r.now_ms += 2000;
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
		step(&r, &in);
	return 0;
}

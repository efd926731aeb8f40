#include "partner_wire.h"

#include <openssl/crypto.h>

#define MAGIC        0x4e
#define VERSION      1
#define HEAD_LEN     4
#define FLAG_CLASSIC 1

static struct bytes text_and(uint8_t *buf, size_t cap, const char *text,
			     const struct partner_nonces *n)
{
	struct wire_out w = wire_write(buf, cap);

	wire_put_mem(&w, text, strlen(text));
	if (n != NULL) {
		wire_put_mem(&w, n->asker, PARTNER_NONCE_LEN);
		wire_put_mem(&w, n->asked, PARTNER_NONCE_LEN);
	}
	return wire_written(&w);
}

/* A key from a key: HMAC of a label, and perhaps of the nonces of a session. */
static void derive(const struct stun_key *from, const char *label, const struct partner_nonces *n,
		   struct stun_key *out)
{
	uint8_t buf[64 + 2 * PARTNER_NONCE_LEN], raw[STUN_SHA256_FULL];

	stun_key_hmac_sha256(from, text_and(buf, sizeof(buf), label, n), raw);
	stun_key_make(out, bytes_of(raw, sizeof(raw)));
	OPENSSL_cleanse(raw, sizeof(raw));
}

void partner_keys_root(const uint8_t key[static PARTNER_KEY_LEN], struct stun_key *hello,
		       struct stun_key *root)
{
	struct stun_key shared;

	stun_key_make(&shared, bytes_of(key, PARTNER_KEY_LEN));
	derive(&shared, "natkit partner hello", NULL, hello);
	derive(&shared, "natkit partner session", NULL, root);
	stun_key_wipe(&shared);
}

void partner_keys_make(const struct stun_key *root, const struct partner_nonces *n, bool is_asker,
		       struct partner_keys *out)
{
	derive(root, "control of the asker", n, is_asker ? &out->control_out : &out->control_in);
	derive(root, "control of the asked", n, is_asker ? &out->control_in : &out->control_out);
	derive(root, "hand of the asker", n, is_asker ? &out->hand_out : &out->hand_in);
	derive(root, "hand of the asked", n, is_asker ? &out->hand_in : &out->hand_out);
}

uint8_t partner_face_family(unsigned int face)
{
	return face % 2 == 0 ? ADDR_IPV4 : ADDR_IPV6;
}

uint8_t partner_wire_type(struct bytes datagram)
{
	struct wire in = wire_read(datagram);
	uint8_t magic = wire_get_u8(&in), version = wire_get_u8(&in);
	uint8_t type = wire_get_u8(&in), zero = wire_get_u8(&in);

	if (datagram.len < HEAD_LEN + PARTNER_MAC_LEN || datagram.len > PARTNER_DATAGRAM_MAX)
		return 0;
	if (magic != MAGIC || version != VERSION || zero != 0 || type >= PARTNER_TYPES)
		return 0;
	return type;
}

bool partner_wire_is_signed(struct bytes datagram, const struct stun_key *key)
{
	uint8_t mac[STUN_SHA256_FULL];
	size_t len = datagram.len - PARTNER_MAC_LEN;

	if (datagram.len < PARTNER_MAC_LEN)
		return false;
	stun_key_hmac_sha256(key, bytes_of(datagram.data, len), mac);
	return CRYPTO_memcmp(mac, datagram.data + len, PARTNER_MAC_LEN) == 0;
}

static struct wire_out start(uint8_t *buf, size_t cap, enum partner_type type)
{
	struct wire_out w = wire_write(buf, cap);

	wire_put_u8(&w, MAGIC);
	wire_put_u8(&w, VERSION);
	wire_put_u8(&w, (uint8_t)type);
	wire_put_u8(&w, 0);
	return w;
}

static struct bytes sign(struct wire_out *w, const struct stun_key *key)
{
	uint8_t mac[STUN_SHA256_FULL];

	stun_key_hmac_sha256(key, wire_written(w), mac);
	wire_put_mem(w, mac, PARTNER_MAC_LEN);
	return w->failed ? (struct bytes){ 0 } : wire_written(w);
}

static void put_nonces(struct wire_out *w, const struct partner_nonces *n)
{
	wire_put_mem(w, n->asker, PARTNER_NONCE_LEN);
	wire_put_mem(w, n->asked, PARTNER_NONCE_LEN);
}

static void put_face(struct wire_out *w, unsigned int i, const struct partner_face *f)
{
	wire_put_u8(w, (uint8_t)i);
	wire_put_u8(w, 0);
	wire_put_u16(w, f->seen[0].port);
	wire_put_u16(w, f->seen[1].port);
	wire_put_mem(w, f->seen[0].ip, addr_ip_len(partner_face_family(i)));
}

static void put_state(struct wire_out *w, const struct partner_state *s)
{
	wire_put_u64(w, s->heard);
	wire_put_u8(w, s->classic ? FLAG_CLASSIC : 0);
	for (unsigned int i = 0; i < PARTNER_FACES; i++) {
		if (s->faces[i].seen[0].family != ADDR_NONE)
			put_face(w, i, &s->faces[i]);
	}
}

struct bytes partner_put_hello(uint8_t *buf, size_t cap, const struct stun_key *hello,
			       enum partner_type type, const struct partner_nonces *n)
{
	struct wire_out w = start(buf, cap, type);

	put_nonces(&w, n);
	return sign(&w, hello);
}

struct bytes partner_put_confirm(uint8_t *buf, size_t cap, const struct stun_key *key,
				 const struct partner_nonces *n, uint64_t number,
				 const struct partner_state *s)
{
	struct wire_out w = start(buf, cap, PARTNER_CONFIRM);

	put_nonces(&w, n);
	wire_put_u64(&w, number);
	put_state(&w, s);
	return sign(&w, key);
}

struct bytes partner_put_beat(uint8_t *buf, size_t cap, const struct stun_key *key, uint64_t number,
			      const struct partner_state *s)
{
	struct wire_out w = start(buf, cap, PARTNER_BEAT);

	wire_put_u64(&w, number);
	put_state(&w, s);
	return sign(&w, key);
}

struct bytes partner_put_bye(uint8_t *buf, size_t cap, const struct stun_key *key, uint64_t number)
{
	struct wire_out w = start(buf, cap, PARTNER_BYE);

	wire_put_u64(&w, number);
	return sign(&w, key);
}

struct bytes partner_put_hand(uint8_t *buf, size_t cap, const struct stun_key *key, uint64_t number,
			      const struct partner_hand *h)
{
	struct wire_out w = start(buf, cap, PARTNER_HAND);

	wire_put_u64(&w, number);
	wire_put_u8(&w, h->face);
	wire_put_u8(&w, h->port);
	wire_put_u16(&w, h->to.port);
	wire_put_mem(&w, h->to.ip, addr_ip_len(h->to.family));
	wire_put_mem(&w, h->msg.data, h->msg.len);
	return sign(&w, key);
}

/* What is between the head and the signature. */
static struct wire body(struct bytes datagram)
{
	if (datagram.len < HEAD_LEN + PARTNER_MAC_LEN)
		return (struct wire){ .failed = true };
	return wire_read(
		bytes_of(datagram.data + HEAD_LEN, datagram.len - HEAD_LEN - PARTNER_MAC_LEN));
}

static void get_nonces(struct wire *in, struct partner_nonces *n)
{
	wire_get_mem(in, n->asker, PARTNER_NONCE_LEN);
	wire_get_mem(in, n->asked, PARTNER_NONCE_LEN);
}

/* False for a face that is not known, or there already, or no address. */
static bool get_face(struct wire *in, struct partner_face faces[static PARTNER_FACES])
{
	uint8_t i = wire_get_u8(in), zero = wire_get_u8(in);
	uint16_t first = wire_get_u16(in), second = wire_get_u16(in);
	struct addr a = { 0 };

	if (i >= PARTNER_FACES || zero != 0 || faces[i].seen[0].family != ADDR_NONE)
		return false;
	a.family = partner_face_family(i);
	wire_get_mem(in, a.ip, addr_ip_len(a.family));
	if (in->failed || addr_is_any(&a) || first == 0 || second == 0 || first == second)
		return false;
	faces[i].seen[0] = addr_with_port(&a, first);
	faces[i].seen[1] = addr_with_port(&a, second);
	return true;
}

static bool get_state(struct wire *in, struct partner_state *s)
{
	uint8_t flags;

	*s = (struct partner_state){ .heard = wire_get_u64(in) };
	flags = wire_get_u8(in);
	s->classic = flags == FLAG_CLASSIC;
	if (in->failed || flags > FLAG_CLASSIC)
		return false;
	while (in->left > 0) {
		if (!get_face(in, s->faces))
			return false;
	}
	return true;
}

bool partner_get_hello(struct bytes datagram, struct partner_nonces *n)
{
	struct wire in = body(datagram);

	get_nonces(&in, n);
	return wire_done(&in);
}

bool partner_get_confirm_nonces(struct bytes datagram, struct partner_nonces *n)
{
	struct wire in = body(datagram);

	get_nonces(&in, n);
	return !in.failed;
}

bool partner_get_confirm(struct bytes datagram, uint64_t *number, struct partner_state *s)
{
	struct wire in = body(datagram);

	wire_skip(&in, 2 * PARTNER_NONCE_LEN);
	*number = wire_get_u64(&in);
	return get_state(&in, s);
}

bool partner_get_beat(struct bytes datagram, uint64_t *number, struct partner_state *s)
{
	struct wire in = body(datagram);

	*number = wire_get_u64(&in);
	return get_state(&in, s);
}

bool partner_get_bye(struct bytes datagram, uint64_t *number)
{
	struct wire in = body(datagram);

	*number = wire_get_u64(&in);
	return wire_done(&in);
}

bool partner_get_hand(struct bytes datagram, uint64_t *number, struct partner_hand *h)
{
	struct wire in = body(datagram);

	*number = wire_get_u64(&in);
	*h = (struct partner_hand){ 0 };
	h->face = wire_get_u8(&in);
	h->port = wire_get_u8(&in);
	h->to.port = wire_get_u16(&in);
	if (h->face >= PARTNER_FACES || h->port >= PARTNER_PORTS)
		return false;
	h->to.family = partner_face_family(h->face);
	wire_get_mem(&in, h->to.ip, addr_ip_len(h->to.family));
	h->msg = wire_get_bytes(&in, in.left);
	return wire_done(&in);
}

#include "talk.h"

#include "natprobe/peer/peer_wire.h"

#define VERSION    1
#define FLAG_RELAY 1u

/* Behind the fields of the profile and of their shape: whoever does not know it skips it. */
#define TAG_FINGERPRINT 64

static size_t length(const struct wire_out *out)
{
	return out->failed ? 0 : out->len;
}

static void put_fingerprint(struct wire_out *out, const struct talk_terms *terms)
{
	if (!terms->has_fingerprint)
		return;
	wire_put_u8(out, TAG_FINGERPRINT);
	wire_put_u16(out, sizeof(terms->fingerprint));
	wire_put_mem(out, terms->fingerprint, sizeof(terms->fingerprint));
}

size_t talk_write_terms(const struct talk_terms *terms, const struct peer_profile *profile,
			uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);
	size_t len;

	wire_put_u8(&out, TALK_TERMS);
	wire_put_u8(&out, VERSION);
	wire_put_u32(&out, terms->only);
	wire_put_u32(&out, terms->trials);
	wire_put_u32(&out, terms->hold_s);
	wire_put_u16(&out, terms->sockets_max);
	wire_put_u8(&out, terms->has_relay ? FLAG_RELAY : 0);
	if (out.failed)
		return 0;
	len = peer_profile_write(profile, buf + out.len, cap - out.len);
	if (len == 0)
		return 0;
	(void)wire_room(&out, len);
	put_fingerprint(&out, terms);
	return length(&out);
}

size_t talk_write_tell(uint32_t trial, struct bytes data, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	wire_put_u8(&out, TALK_TELL);
	wire_put_u32(&out, trial);
	wire_put_mem(&out, data.data, data.len);
	return length(&out);
}

static size_t write_trial(enum talk_kind kind, uint32_t trial, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	wire_put_u8(&out, (uint8_t)kind);
	wire_put_u32(&out, trial);
	return length(&out);
}

size_t talk_write_done(uint32_t trial, uint8_t *buf, size_t cap)
{
	return write_trial(TALK_DONE, trial, buf, cap);
}

size_t talk_write_started(uint32_t trial, uint8_t *buf, size_t cap)
{
	return write_trial(TALK_STARTED, trial, buf, cap);
}

size_t talk_write_again(uint32_t trial, uint8_t *buf, size_t cap)
{
	return write_trial(TALK_AGAIN, trial, buf, cap);
}

static void find_fingerprint(struct bytes profile, struct talk_terms *t)
{
	struct wire in = wire_read(profile);

	wire_skip(&in, 1); /* its version */
	while (in.left > 0 && !in.failed && !t->has_fingerprint) {
		uint8_t tag = wire_get_u8(&in);
		struct bytes value = wire_get_bytes(&in, wire_get_u16(&in));

		if (tag != TAG_FINGERPRINT || value.len != sizeof(t->fingerprint))
			continue;
		memcpy(t->fingerprint, value.data, sizeof(t->fingerprint));
		t->has_fingerprint = true;
	}
}

static bool read_terms(struct wire *in, struct talk *out)
{
	struct talk_terms *t = &out->terms;
	struct bytes profile;

	if (wire_get_u8(in) != VERSION)
		return false;
	t->only = wire_get_u32(in);
	t->trials = wire_get_u32(in);
	t->hold_s = wire_get_u32(in);
	t->sockets_max = wire_get_u16(in);
	t->has_relay = (wire_get_u8(in) & FLAG_RELAY) != 0;
	profile = wire_get_bytes(in, in->left);
	find_fingerprint(profile, t);
	return !in->failed && t->trials > 0 && t->trials <= TALK_TRIALS_MAX &&
	       t->hold_s <= TALK_HOLD_MAX_S && peer_profile_read(profile, &out->profile);
}

static bool read_trial(struct wire *in, struct talk *out)
{
	out->trial = wire_get_u32(in);
	out->data = wire_get_bytes(in, in->left);
	return !in->failed;
}

void talk_read(struct bytes bytes, struct talk *out)
{
	struct wire in = wire_read(bytes);
	uint8_t kind = wire_get_u8(&in);
	bool ok = false;

	*out = (struct talk){ 0 };
	if (kind == TALK_TERMS)
		ok = read_terms(&in, out);
	else if (kind == TALK_TELL || kind == TALK_DONE || kind == TALK_STARTED ||
		 kind == TALK_AGAIN)
		ok = read_trial(&in, out);
	out->kind = ok ? kind : TALK_FOREIGN;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

bool talk_agree(const struct talk_terms *a, const struct talk_terms *b, struct talk_terms *out)
{
	*out = (struct talk_terms){
		.only = a->only == 0   ? b->only
			: b->only == 0 ? a->only
				       : a->only & b->only,
		.trials = larger(a->trials, b->trials),
		.hold_s = larger(a->hold_s, b->hold_s),
		.sockets_max = a->sockets_max == 0               ? b->sockets_max
			       : b->sockets_max == 0             ? a->sockets_max
			       : a->sockets_max < b->sockets_max ? a->sockets_max
								 : b->sockets_max,
		.has_relay = a->has_relay || b->has_relay,
	};
	return out->only != 0 || a->only == 0 || b->only == 0;
}

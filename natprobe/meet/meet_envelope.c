#include <openssl/crypto.h>

#include "meet_state.h"

void meet_put_head(struct wire_out *w, enum meet_type type)
{
	wire_put_u16(w, MEET_MAGIC);
	wire_put_u8(w, MEET_VERSION);
	wire_put_u8(w, (uint8_t)type);
}

enum meet_type meet_get_head(struct wire *in)
{
	uint16_t magic = wire_get_u16(in);
	uint8_t version = wire_get_u8(in), type = wire_get_u8(in);

	if (in->failed || magic != MEET_MAGIC || version == 0)
		return 0;
	if (version != MEET_VERSION)
		return MEET_TYPES;
	return type < MEET_TYPES ? (enum meet_type)type : 0;
}

/* Seals the next envelope behind what is in `w`, which is authenticated with it. */
static struct bytes seal_envelope(struct meet *m, struct wire_out *w, uint64_t now_us)
{
	uint8_t plain[MEET_ENVELOPE_MAX];
	struct wire_out inside;
	struct bytes aad;
	uint8_t *sealed;
	bool done;

	wire_put_u64(w, m->counter);
	aad = wire_written(w);
	inside = wire_write(plain, w->cap - w->len - MEET_SEAL_MORE);
	channel_put(&m->channel, now_us, &inside);
	sealed = wire_room(w, inside.len + MEET_SEAL_MORE);
	done = sealed != NULL && !inside.failed &&
	       meet_seal_put(&m->ours, m->counter, aad, wire_written(&inside), sealed);
	m->counter++; /* whatever came of it: never again */
	OPENSSL_cleanse(plain, inside.len);
	return done ? wire_written(w) : (struct bytes){ 0 };
}

bool meet_open_envelope(struct meet *m, struct bytes whole, struct wire *in, uint64_t now_us)
{
	uint64_t counter = wire_get_u64(in);
	struct bytes aad = bytes_of(whole.data, whole.len - in->left);
	struct bytes sealed = bytes_of(in->at, in->left);
	uint8_t plain[MEET_ENVELOPE_MAX];
	size_t len;
	bool is_whole;

	if (in->failed || sealed.len < MEET_SEAL_MORE || sealed.len > sizeof(plain) ||
	    !channel_is_new(&m->channel, counter) ||
	    !meet_seal_get(&m->theirs, counter, aad, sealed, plain))
		return false;
	len = sealed.len - MEET_SEAL_MORE;
	is_whole = channel_take(&m->channel, counter, bytes_of(plain, len), now_us);
	OPENSSL_cleanse(plain, len);
	if (!is_whole)
		meet_fail(m, MEET_BROKEN);
	return true;
}

static void put_start(const struct meet *m, struct wire_out *w)
{
	bool is_heard = m->channel.is_heard;

	if (m->mode == MEET_CODE && m->is_a && !is_heard) {
		meet_put_head(w, MEET_CONFIRM);
		wire_put_mem(w, m->code.nonce, MEET_NONCE_LEN);
		wire_put_mem(w, m->code.theirs, MEET_NONCE_LEN);
		wire_put_mem(w, m->code.keys.ours, SPAKE2_MAC_LEN);
	} else if (m->mode == MEET_INVITE && !is_heard) {
		meet_put_head(w, MEET_INVITATION);
		wire_put_mem(w, m->invite.ephemeral, MEET_CURVE_LEN);
	} else if (m->mode == MEET_ACCEPT) {
		meet_put_head(w, MEET_ANSWER);
		wire_put_mem(w, m->ours.tag, MEET_TAG_LEN);
		wire_put_mem(w, m->invite.salt, MEET_SALT_LEN);
	} else {
		meet_put_head(w, MEET_CHANNEL);
		wire_put_mem(w, m->ours.tag, MEET_TAG_LEN);
	}
}

struct bytes meet_put_channel(struct meet *m, uint64_t now_us)
{
	struct wire_out w = wire_write(m->buf, sizeof(m->buf));

	put_start(m, &w);
	return seal_envelope(m, &w, now_us);
}

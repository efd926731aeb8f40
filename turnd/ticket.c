#include "ticket.h"

#include <openssl/crypto.h>

#define PLAIN_LEN (TICKET_LEN - 1 - SEAL_TAG_LEN)

_Static_assert(PLAIN_LEN == 8 + 4 + 2 + 1, "what ticket_make writes");
_Static_assert(TICKET_KEY_LEN == SEAL_SIV_KEY_LEN, "what seals it");

void ticket_keys_init(struct ticket_keys *k, const uint8_t key[static TICKET_KEY_LEN])
{
	*k = (struct ticket_keys){ .number = 1 };
	memcpy(k->current, key, TICKET_KEY_LEN);
}

void ticket_keys_rotate(struct ticket_keys *k, const uint8_t key[static TICKET_KEY_LEN])
{
	memcpy(k->previous, k->current, TICKET_KEY_LEN);
	memcpy(k->current, key, TICKET_KEY_LEN);
	k->has_previous = true;
	k->number = k->number == UINT8_MAX ? 1 : (uint8_t)(k->number + 1);
}

void ticket_keys_wipe(struct ticket_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

bool ticket_make(const struct ticket_keys *k, const struct ticket *t,
		 uint8_t out[static TICKET_LEN])
{
	uint8_t plain[PLAIN_LEN];
	struct wire_out w = wire_write(plain, sizeof(plain));

	wire_put_u64(&w, t->alloc);
	wire_put_u32(&w, t->sequence);
	wire_put_u16(&w, t->worker);
	wire_put_u8(&w, 0);
	out[0] = k->number;
	/* Eight of nine have no NUL at the first try, as many of the rest at the next. */
	for (unsigned i = 0; i <= UINT8_MAX; i++) {
		plain[PLAIN_LEN - 1] = (uint8_t)i;
		if (!seal_siv_put(k->current, bytes_of(out, 1), wire_written(&w), out + 1))
			return false;
		if (memchr(out, 0, TICKET_LEN) == NULL)
			return true;
	}
	return false;
}

static uint8_t number_before(const struct ticket_keys *k)
{
	return k->number == 1 ? UINT8_MAX : (uint8_t)(k->number - 1);
}

/* The key of that number, NULL when it is gone. */
static const uint8_t *key_of(const struct ticket_keys *k, uint8_t number)
{
	if (number == k->number)
		return k->current;
	return k->has_previous && number == number_before(k) ? k->previous : NULL;
}

static struct ticket read_plain(const uint8_t plain[static PLAIN_LEN])
{
	struct wire in = wire_read(bytes_of(plain, PLAIN_LEN));
	struct ticket t = { 0 };

	t.alloc = wire_get_u64(&in);
	t.sequence = wire_get_u32(&in);
	t.worker = wire_get_u16(&in);
	return t;
}

enum ticket_verdict ticket_open(const struct ticket_keys *k, struct bytes value, struct ticket *out)
{
	uint8_t plain[PLAIN_LEN];
	const uint8_t *key;

	if (value.len == 0)
		return TICKET_EMPTY;
	if (value.len != TICKET_LEN)
		return TICKET_MALFORMED;
	key = key_of(k, value.data[0]);
	if (key == NULL)
		return TICKET_NO_KEY;
	if (!seal_siv_get(key, bytes_of(value.data, 1), bytes_of(value.data + 1, value.len - 1),
			  plain))
		return TICKET_FORGED;
	*out = read_plain(plain);
	return TICKET_GOOD;
}

enum ticket_use ticket_judge(const struct ticket *t, const struct ticket *held,
			     uint64_t replaced_ms, uint64_t now_ms)
{
	if (t->worker != held->worker || t->alloc != held->alloc)
		return TICKET_OTHER_OBJECT;
	if (t->user != held->user || t->realm != held->realm)
		return TICKET_OTHER_OWNER;
	if (t->sequence == held->sequence)
		return TICKET_MOVES;
	if (held->sequence == 0 || t->sequence != held->sequence - 1)
		return TICKET_DEAD;
	return now_ms - replaced_ms <= TICKET_OLD_MS ? TICKET_REPEATS : TICKET_DEAD;
}

const char *ticket_why(enum ticket_verdict verdict)
{
	switch (verdict) {
	case TICKET_GOOD:
		return "good ticket";
	case TICKET_EMPTY:
		return "empty ticket";
	case TICKET_MALFORMED:
		return "ticket of a wrong length";
	case TICKET_NO_KEY:
		return "ticket of a key that is gone";
	case TICKET_FORGED:
		return "ticket that is not ours";
	}
	return "ticket without a verdict";
}

const char *ticket_use_text(enum ticket_use use)
{
	switch (use) {
	case TICKET_MOVES:
		return "newest ticket";
	case TICKET_REPEATS:
		return "ticket that was just replaced";
	case TICKET_DEAD:
		return "ticket that was replaced long ago";
	case TICKET_OTHER_OWNER:
		return "ticket of another user";
	case TICKET_OTHER_OBJECT:
		return "ticket of another allocation";
	}
	return "ticket without a use";
}

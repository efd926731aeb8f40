/* parting: whatever a peer with the key says, and strangers without it, it ends in time, speaks little,
 * and is heard by strangers never. Input: our side, then events of four bytes: what, its number, time. */
#include "natprobe/pair/parting.h"

#include "fuzz_check.h"

#define LIMIT_US  1000000
#define SENT_MAX  3 /* for each word of theirs, and besides ten questions and two good-byes */
#define FOREIGN   0x80u
#define LATEST_US (LIMIT_US + 15000000)

static struct bytes say(const struct stun_key *key, uint8_t what, uint16_t number,
			uint8_t buf[static PARTING_BYTES_MAX])
{
	uint8_t id[12] = { (uint8_t)(what & 3), (uint8_t)(what >> 2 & 1), (uint8_t)(number >> 8),
			   (uint8_t)number };
	struct stun_tid tid = stun_tid_make(id);
	struct stun_builder b =
		stun_build(buf, PARTING_BYTES_MAX, STUN_BINDING, STUN_INDICATION, &tid);
	struct bytes out = { 0 };

	(void)stun_auth_put_integrity(&b, key);
	(void)stun_auth_put_fingerprint(&b);
	(void)stun_build_finish(&b, &out);
	return out;
}

static int drive(struct parting *p, uint64_t now_us)
{
	uint8_t buf[PARTING_BYTES_MAX];
	uint64_t deadline_us;
	int sent = 0;

	while (parting_next(p, now_us, buf, &deadline_us).len > 0)
		FUZZ_CHECK(++sent <= SENT_MAX);
	FUZZ_CHECK(deadline_us > now_us);
	FUZZ_CHECK((deadline_us == UINT64_MAX) == (p->phase == PARTING_OVER));
	return sent;
}

static void hear(struct parting *p, const struct stun_key *key, const uint8_t *event,
		 uint64_t now_us)
{
	uint8_t buf[PARTING_BYTES_MAX];
	struct bytes data = say(key, event[0], (uint16_t)(event[1] << 8 | event[2]), buf);
	bool was_heard = p->is_heard;

	if ((event[0] & FOREIGN) == 0) {
		FUZZ_CHECK(parting_hear(p, data, now_us) == PARTING_OURS);
		return;
	}
	buf[event[1] % data.len] ^= (uint8_t)(event[2] | 1);
	FUZZ_CHECK(parting_hear(p, data, now_us) == PARTING_FOREIGN);
	FUZZ_CHECK(p->is_heard == was_heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct parting_config c = { .limit_us = LIMIT_US, .rtt_us = 20000 };
	struct parting p;
	struct stun_key theirs;
	uint64_t now_us = 1;
	int sent = 0, heard = 0;

	if (len == 0)
		return 0;
	c.is_a = (data[0] & 1) != 0;
	parting_start(&p, &c, now_us);
	theirs = p.theirs;
	for (size_t at = 1; at + 4 <= len && p.phase != PARTING_OVER; at += 4) {
		sent += drive(&p, now_us);
		now_us += data[at + 3] * UINT64_C(1000);
		hear(&p, &theirs, data + at, now_us);
		heard++;
	}
	while (p.phase != PARTING_OVER && now_us < p.until_us + LATEST_US) {
		sent += drive(&p, now_us);
		now_us += 10000;
	}
	FUZZ_CHECK(p.phase == PARTING_OVER);
	FUZZ_CHECK(sent <= 16 + heard);
	parting_clear(&p);
	return 0;
}

/*
 * A path in use, and an other side that has the keys and no manners: whatever arrives and whenever, what
 * is sent stays within its length and its number, time never stands still, and it breaks once.
 *
 * Input: steps of a byte. 0: time passes (a byte: units of 10 ms); 1: bytes of a frame (length, bytes);
 * 2: a request (length / 8); 3: an answer to what we asked last (0) or before; 4: sent; 5: heard; 6: doubt;
 * 7: doubt of the width.
 */
#include "natprobe/link/link_path.h"

#include "fuzz_check.h"
#include "rng.h"

#define LAST 8

struct world {
	struct link_path *path;
	struct check_keys theirs;
	struct rng rng;
	uint64_t now_us, began_us;
	struct stun_tid asked[LAST];
	unsigned int asks, sent, given, broken, identities;
};

static void on_output(void *arg, struct bytes frame, bool is_probe)
{
	struct world *w = arg;
	struct check c;

	FUZZ_CHECK(frame.len > 0 && frame.len <= LINK_PATH_FRAME_MAX);
	FUZZ_CHECK(is_probe || frame.len <= CHECK_BYTES_MAX);
	check_read_use(&w->theirs, frame, &c);
	FUZZ_CHECK(c.kind != CHECK_FOREIGN);
	if (c.kind == CHECK_REQUEST)
		w->asked[w->asks++ % LAST] = c.tid;
	w->sent++;
}

static void on_identity(void *arg, const uint8_t fingerprint[static LINK_FINGERPRINT_LEN])
{
	struct world *w = arg;

	FUZZ_CHECK(++w->identities == 1);
}

static void on_frame_max(void *arg, uint16_t frame_max)
{
	FUZZ_CHECK(frame_max >= LINK_PATH_FRAME_MIN && frame_max <= LINK_PATH_FRAME_MAX);
}

static void on_broken(void *arg, const char *why)
{
	struct world *w = arg;

	FUZZ_CHECK(why != NULL && ++w->broken == 1);
}

static void on_random(void *arg, void *buf, size_t len)
{
	struct world *w = arg;

	rng_fill(&w->rng, buf, len);
}

static void pass_time(struct world *w, uint64_t us)
{
	uint64_t end_us = w->now_us + us;
	unsigned int steps = 0;

	while (link_path_next_us(w->path) <= end_us) {
		FUZZ_CHECK(++steps < 100000);
		if (link_path_next_us(w->path) > w->now_us)
			w->now_us = link_path_next_us(w->path);
		link_path_on_time(w->path, w->now_us);
	}
	w->now_us = end_us;
}

static void give(struct world *w, struct bytes frame)
{
	w->given++;
	(void)link_path_input(w->path, frame, w->now_us);
}

static void give_request(struct world *w, uint8_t size)
{
	static const uint8_t identity[CHECK_IDENTITY_LEN] = { 7 };
	static uint8_t buf[2048];
	uint8_t random[12];
	struct stun_tid tid;
	size_t len;

	rng_fill(&w->rng, random, sizeof(random));
	tid = stun_tid_make(random);
	len = size == 1 ? check_write_request(&w->theirs, &tid, size, size, buf)
			: check_write_use(&w->theirs, &tid, identity, size * 8u, buf, sizeof(buf));
	give(w, bytes_of(buf, len));
}

static void give_answer(struct world *w, uint8_t back)
{
	const struct addr seen = addr_ipv4(192, 0, 2, back, 9);
	uint8_t buf[CHECK_BYTES_MAX];
	size_t len;

	if (w->asks == 0)
		return;
	len = check_write_answer(&w->theirs, &w->asked[(w->asks - 1 - back % LAST) % LAST], &seen,
				 buf);
	give(w, bytes_of(buf, len));
}

static void step(struct world *w, struct wire *in)
{
	switch (wire_get_u8(in) % 8) {
	case 0:
		pass_time(w, wire_get_u8(in) * UINT64_C(10000));
		break;
	case 1:
		give(w, wire_get_bytes(in, wire_get_u8(in)));
		break;
	case 2:
		give_request(w, wire_get_u8(in));
		break;
	case 3:
		give_answer(w, wire_get_u8(in));
		break;
	case 4:
		link_path_sent(w->path, w->now_us);
		break;
	case 5:
		link_path_heard(w->path, w->now_us);
		break;
	case 6:
		link_path_doubt(w->path, w->now_us);
		break;
	default:
		link_path_doubt_width(w->path, w->now_us);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t key[32] = { 1 };
	struct wire in = wire_read(bytes_of(data, len));
	struct world w = { .rng = rng_seed(len), .now_us = 1000000 };
	struct link_path_config c = { .on_output = on_output,
				      .on_identity = on_identity,
				      .on_frame_max = on_frame_max,
				      .on_broken = on_broken,
				      .random = on_random,
				      .arg = &w };
	uint8_t flags = wire_get_u8(&in);

	c.is_tcp = flags & 1;
	c.is_relayed = flags & 2;
	c.lifetime_s = flags >> 4;
	c.remote = addr_ipv4(192, 0, 2, 1, 1);
	check_keys_make(&c.keys, key, flags & 4);
	check_keys_make(&w.theirs, key, !(flags & 4));
	w.began_us = w.now_us;
	w.path = link_path_new(&c, w.now_us);
	while (w.path != NULL && in.left > 0 && !in.failed)
		step(&w, &in);
	/* A request each 200 ms, or two while it searches; an answer at most to each request. */
	FUZZ_CHECK(w.sent <= 8 + 3 * w.given + (w.now_us - w.began_us) / 80000);
	link_path_free(w.path);
	return 0;
}

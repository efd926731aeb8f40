/*
 * A whole message: parse, walk, read every attribute by its kind, write it again.
 */
#include "stun_attr.h"
#include "fuzz_check.h"

#include "attr_copy.h"

static uint8_t whole[STUN_MESSAGE_MAX];
static uint8_t first[STUN_MESSAGE_MAX];
static uint8_t second[STUN_MESSAGE_MAX];

static bool is_known(uint16_t type)
{
	return stun_attr_info(type) != NULL;
}

static void is_inside(const struct stun_msg *msg, const struct stun_attr *attr)
{
	const uint8_t *end = msg->raw.data + msg->raw.len;

	FUZZ_CHECK(attr->value.data >= msg->raw.data + STUN_HEADER_LEN);
	FUZZ_CHECK(attr->value.data <= end && attr->value.len <= (size_t)(end - attr->value.data));
}

/* What a getter made of the value, a putter writes, and a getter reads again. */
static void copies_as_it_reads(const struct stun_msg *msg, const struct stun_attr *attr)
{
	static const uint8_t zeros[12];
	struct stun_tid tid = stun_tid_make(zeros);
	struct stun_builder a = stun_build(first, sizeof(first), 1, STUN_REQUEST, &tid);
	struct stun_builder b = stun_build(second, sizeof(second), 1, STUN_REQUEST, &tid);
	struct stun_attr copy;
	struct stun_msg again;
	struct stun_walk walk;
	struct bytes built;

	if (attr_copy(&a, &msg->tid, attr) != ATTR_COPIED)
		return;
	FUZZ_CHECK(stun_build_finish(&a, &built) == STUN_OK);
	FUZZ_CHECK(stun_msg_parse(built, &again) == STUN_OK);
	walk = stun_msg_walk(&again);
	FUZZ_CHECK(stun_walk_next(&walk, &copy) && copy.type == attr->type);
	FUZZ_CHECK(attr_copy(&b, &again.tid, &copy) == ATTR_COPIED);
	FUZZ_CHECK(b.len == a.len && memcmp(first, second, a.len) == 0);
}

static void same_walk(const struct stun_msg *a, const struct stun_msg *b)
{
	struct stun_walk walk_a = stun_msg_walk(a);
	struct stun_walk walk_b = stun_msg_walk(b);
	struct stun_attr x;
	struct stun_attr y;

	while (stun_walk_next(&walk_a, &x)) {
		FUZZ_CHECK(stun_walk_next(&walk_b, &y));
		FUZZ_CHECK(x.type == y.type && bytes_equal(x.value, y.value));
	}
	FUZZ_CHECK(!stun_walk_next(&walk_b, &y));
}

/* All that counts, written as bytes, is the same message again. */
static void rebuilds_as_it_reads(const struct stun_msg *msg)
{
	struct stun_builder b =
		stun_build(whole, sizeof(whole), msg->method, msg->class, &msg->tid);
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;
	struct stun_msg again;
	struct bytes built;

	while (stun_walk_next(&walk, &attr)) {
		uint8_t *value = stun_build_attr(&b, attr.type, attr.value.len);

		FUZZ_CHECK(value != NULL);
		if (attr.value.len > 0)
			memcpy(value, attr.value.data, attr.value.len);
	}
	FUZZ_CHECK(stun_build_finish(&b, &built) == STUN_OK);
	FUZZ_CHECK(built.len <= msg->raw.len);
	FUZZ_CHECK(stun_msg_parse(built, &again) == STUN_OK);
	FUZZ_CHECK(again.method == msg->method && again.class == msg->class);
	FUZZ_CHECK(stun_tid_equal(&again.tid, &msg->tid));
	same_walk(msg, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint16_t unknown[8];
	struct stun_msg msg;
	struct stun_walk walk;
	struct stun_attr attr;
	struct bytes value;

	if (stun_msg_parse(bytes_of(data, len), &msg) != STUN_OK)
		return 0;
	walk = stun_msg_walk(&msg);
	for (int i = 0; i < 64 && stun_walk_next(&walk, &attr); i++) {
		is_inside(&msg, &attr);
		FUZZ_CHECK(stun_msg_find(&msg, attr.type, &value));
		FUZZ_CHECK(value.data <= attr.value.data);
		copies_as_it_reads(&msg, &attr);
	}
	FUZZ_CHECK(stun_msg_unknown(&msg, is_known, unknown, 8) <= 8);
	rebuilds_as_it_reads(&msg);
	return 0;
}

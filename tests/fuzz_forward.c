/* What natprobe forward is told, and what it hears: it has one form, which is read again alike. */
#include "natprobe/forward/forward_wire.h"

#include "fuzz_check.h"

static void check_target(const struct forward_target *t)
{
	struct forward_target again;
	char text[FORWARD_TARGET_MAX];

	FUZZ_CHECK(t->port != 0 && t->host[0] != '\0');
	(void)forward_target_print(t, text);
	FUZZ_CHECK(forward_target_read(bytes_of_str(text), &again) == NULL);
	FUZZ_CHECK(forward_target_equal(t, &again));
}

static void check_msg(struct bytes in, bool is_udp)
{
	static uint8_t buf[FORWARD_HEAD + FORWARD_MSG_MAX];
	struct forward_msg m;
	size_t len;

	if (!forward_msg_read(in, is_udp, &m))
		return;
	if (m.kind == FORWARD_OPEN)
		check_target(&m.target);
	len = forward_msg_write(&m, buf, sizeof(buf));
	FUZZ_CHECK(in.len > FORWARD_MSG_MAX || (len == FORWARD_HEAD + in.len &&
						memcmp(buf + FORWARD_HEAD, in.data, in.len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes in = bytes_of(data, len);
	struct forward_target target;
	struct forward_spec spec;

	if (forward_target_read(in, &target) == NULL)
		check_target(&target);
	if (forward_spec_read(in, &spec) == NULL) {
		check_target(&spec.target);
		FUZZ_CHECK(spec.listen.port != 0 && spec.listen.family != ADDR_NONE);
	}
	check_msg(in, false);
	check_msg(in, true);
	return 0;
}

/*
 * Text to expectations: what was taken can be judged on any verdict, and what is saved from a
 * verdict is read again and met by it.
 *
 * Input: 32 bytes that make a verdict, then a file.
 */
#include "natprobe/report/expect.h"
#include "fuzz_check.h"

static struct verdict make_verdict(struct wire *in)
{
	struct verdict v = { 0 };

	v.nat.value = wire_get_u8(in) & 3;
	v.firewall.value = wire_get_u8(in) & 3;
	v.udp_blocked.value = wire_get_u8(in) & 3;
	v.mapping.value = wire_get_u8(in);
	v.mapping.possible = wire_get_u8(in);
	v.filtering.value = wire_get_u8(in);
	v.filtering.possible = wire_get_u8(in);
	v.filtering.cause = wire_get_u8(in);
	v.ports.delta = wire_get_u8(in);
	v.ports.value = (int16_t)wire_get_u16(in);
	v.ports.preserved.low = wire_get_u8(in) / 512.0;
	v.ports.preserved.high = v.ports.preserved.low + wire_get_u8(in) / 512.0;
	v.ports.preserved.known = wire_get_u8(in) & 1;
	v.pooling.value = wire_get_u8(in);
	v.hairpin.value = wire_get_u8(in);
	v.hairpin.possible = wire_get_u8(in);
	v.loss = v.ports.preserved;
	v.loss.known = wire_get_u8(in) & 1;
	v.rtt_min_us = wire_get_u16(in);
	v.rtt_max_us = v.rtt_min_us + wire_get_u16(in);
	v.upnp.external = addr_ipv4(wire_get_u8(in), wire_get_u8(in), 1, 1, 0);
	v.geo.asn = wire_get_u8(in);
	return v;
}

static void check_line(const struct expect_line *line, const struct verdict *v)
{
	struct property_value got;
	enum expect_result r = expect_judge(line, v, &got);

	FUZZ_CHECK(r <= EXPECT_OPEN);
	FUZZ_CHECK(memchr(got.text, '\0', sizeof(got.text)) != NULL && got.text[0] != '\0');
	FUZZ_CHECK(got.known || got.cause != CAUSE_NONE);
	FUZZ_CHECK(line->line > 0 && line->wanted[0] != '\0');
	(void)expect_applies(line, "eth0", ADDR_IPV6);
}

static void check_saved(const struct verdict *v)
{
	struct expect_subject subjects[2] = { { "eth0", ADDR_IPV4, v }, { "eth0", ADDR_IPV6, v } };
	struct property_value got;
	struct expect_error err;
	struct expect e;
	char text[8192];
	size_t len = expect_save(subjects, 1 + (v->nat.value & 1), text, sizeof(text));

	FUZZ_CHECK(len < sizeof(text));
	FUZZ_CHECK(expect_parse(bytes_of(text, len), &e, &err));
	for (size_t i = 0; i < e.count; i++)
		FUZZ_CHECK(expect_judge(&e.lines[i], v, &got) == EXPECT_MET);
	expect_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));
	struct verdict v = make_verdict(&in);
	struct expect_error err;
	struct expect e;

	check_saved(&v);
	if (expect_parse(bytes_of(in.at, in.failed ? 0 : in.left), &e, &err)) {
		for (size_t i = 0; i < e.count; i++)
			check_line(&e.lines[i], &v);
	} else {
		FUZZ_CHECK(err.line > 0 && err.text[0] != '\0' && e.lines == NULL);
	}
	expect_free(&e);
	return 0;
}

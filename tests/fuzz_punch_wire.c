/* What the other side of a trial tells: what is understood is written as it was. */
#include <string.h>

#include "fuzz_check.h"
#include "natprobe/punch/punch_wire.h"

static struct punch_told_evidence evidence, again;
static uint8_t buf[PUNCH_TELL_MAX];

static void check_evidence(const struct punch_told *told)
{
	struct punch_told twice;
	size_t len;

	if (!punch_read_evidence(told->body, &evidence))
		return;
	len = punch_write_evidence(told->trial, &evidence, buf, sizeof(buf));
	FUZZ_CHECK(len > 0 && punch_read_told(bytes_of(buf, len), &twice));
	FUZZ_CHECK(punch_read_evidence(twice.body, &again));
	FUZZ_CHECK(memcmp(&evidence, &again, sizeof(evidence)) == 0);
}

static void check_start(const struct punch_told *told)
{
	struct punch_told_start s;
	size_t len;

	if (!punch_read_start(told->body, &s))
		return;
	len = punch_write_start(told->trial, &s, buf, sizeof(buf));
	FUZZ_CHECK(len == told->body.len + 6);
}

static void check_offer(const struct punch_told *told)
{
	struct punch_told_offer o;
	size_t len;

	if (!punch_read_offer(told->body, &o))
		return;
	len = punch_write_offer(told->trial, &o, buf, sizeof(buf));
	FUZZ_CHECK(len == told->body.len + 6 && memcmp(buf + 6, told->body.data, len - 6) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct punch_told told;

	if (!punch_read_told(bytes_of(data, len), &told))
		return 0;
	check_evidence(&told);
	check_start(&told);
	check_offer(&told);
	return 0;
}

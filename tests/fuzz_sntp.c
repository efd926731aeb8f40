/* Any bytes as answers of a time server: a sample is bounded by the round trip it came with. */
#include "natprobe/meet/sntp.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sntp_sample samples[16] = { 0 }, best;
	struct bytes in = bytes_of(data, len);
	size_t count = 0;

	for (; in.len >= 56 && count < 16; in = bytes_of(in.data + 56, in.len - 56)) {
		struct wire w = wire_read(in);
		uint64_t sent_us = wire_get_u32(&w), now_us = sent_us + wire_get_u32(&w);
		uint8_t answer[SNTP_LEN];

		wire_get_mem(&w, answer, sizeof(answer));
		memset(answer + 24, 7, 8); /* the origin that was asked for */
		if (sntp_answer(bytes_of(answer, sizeof(answer)), 0x0707070707070707, sent_us,
				now_us, &samples[count]) != SNTP_FINE)
			continue;
		FUZZ_CHECK(samples[count].error_us >= 4 && samples[count].error_us < 16000000);
		FUZZ_CHECK(samples[count].at_us == now_us);
		count++;
	}
	if (sntp_best(samples, count, UINT64_C(1) << 34, &best))
		FUZZ_CHECK(count > 0 && best.error_us >= 4);
	return 0;
}

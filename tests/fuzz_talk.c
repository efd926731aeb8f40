/* What the other side says in the channel: what is believed lies within bounds, and is written again
 * as it was read. */
#include "natprobe/pair/talk.h"

#include <string.h>

#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t buf[TALK_BYTES_MAX + 64];
	static struct talk t, again;
	size_t n;

	talk_read(bytes_of(data, len), &t);
	if (t.kind == TALK_TERMS) {
		FUZZ_CHECK(t.terms.trials > 0 && t.terms.trials <= TALK_TRIALS_MAX);
		FUZZ_CHECK(t.terms.hold_s <= TALK_HOLD_MAX_S);
		FUZZ_CHECK(t.profile.path_count <= PEER_PATHS_MAX);
		n = talk_write_terms(&t.terms, &t.profile, buf, sizeof(buf));
		FUZZ_CHECK(n > 0);
		talk_read(bytes_of(buf, n), &again);
		FUZZ_CHECK(again.kind == TALK_TERMS);
		FUZZ_CHECK(memcmp(&again.terms, &t.terms, sizeof(t.terms)) == 0);
	} else if (t.kind == TALK_TELL && len <= sizeof(buf)) {
		n = talk_write_tell(t.trial, t.data, buf, sizeof(buf));
		FUZZ_CHECK(n == len && memcmp(buf, data, n) == 0);
	}
	return 0;
}

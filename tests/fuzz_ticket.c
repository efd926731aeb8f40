/* Tickets from strangers: none opens but one of ours, and ours opens as it was made. */
#include "turnd/ticket.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t key[TICKET_KEY_LEN] = "a key that no seed was made with";
	struct ticket_keys keys;
	struct ticket t = { 0 }, got;
	uint8_t raw[TICKET_LEN];

	ticket_keys_init(&keys, key);
	FUZZ_CHECK(ticket_open(&keys, bytes_of(data, len), &got) != TICKET_GOOD);

	t.alloc = len;
	t.sequence = len > 0 ? data[0] : 0;
	FUZZ_CHECK(ticket_make(&keys, &t, raw));
	FUZZ_CHECK(ticket_open(&keys, bytes_of(raw, sizeof(raw)), &got) == TICKET_GOOD);
	FUZZ_CHECK(ticket_judge(&got, &t, 0, 0) == TICKET_MOVES);
	return 0;
}

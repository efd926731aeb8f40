/* Messages of a transfer: what is read is written again as it was. */
#include "natprobe/transfer/transfer_wire.h"

#include <string.h>

#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t buf[TRANSFER_FRAME_MAX];
	struct bytes in = bytes_of(data, len);
	struct transfer_msg m;

	while (in.len > 0) {
		size_t need = transfer_wire_need(in);

		if (need == 0 || need > in.len)
			break;
		FUZZ_CHECK(need <= TRANSFER_FRAME_MAX);
		if (transfer_wire_read(bytes_of(in.data, need), &m)) {
			size_t n = transfer_wire_write(&m, buf, sizeof(buf));

			/* A greeting of a later version may be longer. */
			FUZZ_CHECK(n == need || m.kind == TRANSFER_HELLO);
			FUZZ_CHECK(m.kind == TRANSFER_HELLO || memcmp(buf, in.data, n) == 0);
		}
		in.data += need;
		in.len -= need;
	}
	return 0;
}

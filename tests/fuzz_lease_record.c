/* What stands in the file of leases. What is read is sound, and survives being written again. */
#include "natprobe/map/lease_record.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lease_book book, again;
	char line[LEASE_RECORD_TEXT_MAX];

	lease_book_read(bytes_of(data, len), &book);
	FUZZ_CHECK(book.count <= LEASE_BOOK_MAX);
	for (size_t i = 0; i < book.count; i++) {
		size_t n = lease_record_print(&book.items[i], line);

		FUZZ_CHECK(n > 0 && n < sizeof(line));
		lease_book_read(bytes_of(line, n), &again);
		FUZZ_CHECK(again.count == 1);
		FUZZ_CHECK(addr_equal(&again.items[0].internal, &book.items[i].internal));
		FUZZ_CHECK(again.items[0].ends_unix_s == book.items[i].ends_unix_s);
	}
	lease_book_expire(&book, 1000);
	return 0;
}

/* Text to address and back: what is printed reads as the same address. */
#include "addr.h"
#include "fuzz_check.h"

#include <string.h>

#include "wire.h"

static void prints_as_it_reads(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];
	struct addr again;

	FUZZ_CHECK(addr_parse(addr_print(a, text), 0, &again));
	FUZZ_CHECK(addr_equal(a, &again));
	FUZZ_CHECK(addr_parse_ip(addr_print_ip(a, text), a->port, &again));
	FUZZ_CHECK(addr_equal(a, &again));
	(void)addr_is_any(a);
	(void)addr_is_loopback(a);
	(void)addr_is_private(a);
	(void)addr_unmap(a);
}

/* The input as a binary address: any address at all prints as something that reads. */
static void try_bytes(struct bytes in)
{
	struct wire w = wire_read(in);
	struct addr a = { .family = wire_get_u8(&w) & 1 ? ADDR_IPV4 : ADDR_IPV6 };

	a.port = wire_get_u16(&w);
	wire_get_mem(&w, a.ip, addr_ip_len(a.family));
	if (w.failed)
		return;
	if (a.family == ADDR_IPV6 && addr_is_link_local(&a))
		a.scope = wire_get_u32(&w);
	prints_as_it_reads(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct addr a;

	try_bytes(bytes_of(data, len));
	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	if (addr_parse(text, 3478, &a))
		prints_as_it_reads(&a);
	if (addr_parse_ip(text, 3478, &a))
		prints_as_it_reads(&a);
	free(text);
	return 0;
}

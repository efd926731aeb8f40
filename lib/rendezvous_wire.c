#include "rendezvous_wire.h"

#include <inttypes.h>
#include <stdio.h>

static const uint8_t magic[RENDEZVOUS_LIST_HEAD] = { 'n', 'k', 'r', '1' };

static bool is_topic_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '-';
}

bool rendezvous_is_topic(struct bytes text)
{
	if (text.len == 0 || text.len > RENDEZVOUS_TOPIC_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_topic_char(text.data[i]))
			return false;
	}
	return true;
}

void rendezvous_put_list(struct wire_out *out)
{
	wire_put_mem(out, magic, sizeof(magic));
}

void rendezvous_put_head(struct wire_out *out, uint64_t number, uint64_t at_us, size_t len)
{
	wire_put_u64(out, number);
	wire_put_u64(out, at_us);
	wire_put_u16(out, (uint16_t)len);
}

bool rendezvous_get_list(struct wire *in)
{
	return bytes_equal(wire_get_bytes(in, sizeof(magic)), bytes_of(magic, sizeof(magic)));
}

bool rendezvous_get_message(struct wire *in, struct rendezvous_message *out)
{
	struct rendezvous_message m;

	if (in->left == 0)
		return false;
	m.number = wire_get_u64(in);
	m.at_us = wire_get_u64(in);
	m.data = wire_get_bytes(in, wire_get_u16(in));
	if (in->failed || m.data.len == 0 || m.data.len > RENDEZVOUS_MESSAGE_MAX)
		return false;
	*out = m;
	return true;
}

void rendezvous_print_clock(const struct rendezvous_clock *clock,
			    char buf[static RENDEZVOUS_CLOCK_MAX])
{
	snprintf(buf, RENDEZVOUS_CLOCK_MAX,
		 "server=%016" PRIx64 "; received=%" PRIu64 "; sent=%" PRIu64, clock->server,
		 clock->received_us, clock->sent_us);
}

/* Takes `word` off the text. */
static bool skip(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* At least one digit, and nothing that 64 bits have no room for. */
static bool take_number(const char **at, unsigned base, uint64_t *out)
{
	const char *start = *at;
	uint64_t value = 0;

	for (; (unsigned)digit_of(**at) < base; ++*at) {
		unsigned digit = (unsigned)digit_of(**at);

		if (value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*out = value;
	return *at > start;
}

bool rendezvous_parse_clock(const char *text, struct rendezvous_clock *out)
{
	struct rendezvous_clock c;

	if (!skip(&text, "server=") || !take_number(&text, 16, &c.server) ||
	    !skip(&text, "; received=") || !take_number(&text, 10, &c.received_us) ||
	    !skip(&text, "; sent=") || !take_number(&text, 10, &c.sent_us))
		return false;
	if (*text != '\0' || c.sent_us < c.received_us || c.sent_us > INT64_MAX)
		return false;
	*out = c;
	return true;
}

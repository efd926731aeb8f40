#include "lease_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS    9
#define FIELD_MAX ADDR_TEXT_MAX

/* Cuts a line at single blanks. False where there are more or fewer fields, or a long one. */
static bool cut(struct bytes line, char fields[FIELDS][FIELD_MAX])
{
	size_t field = 0, at = 0;

	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (c == ' ') {
			fields[field++][at] = '\0';
			at = 0;
			if (field == FIELDS)
				return false;
			continue;
		}
		if (c < ' ' || c > '~' || at + 1 == FIELD_MAX)
			return false;
		fields[field][at++] = (char)c;
	}
	fields[field][at] = '\0';
	return field == FIELDS - 1;
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 19)
		return false;
	*out = strtoull(text, &end, 10);
	return *end == '\0' && *out <= max;
}

static bool read_by(const char *text, uint8_t *out)
{
	for (uint8_t by = 0; by < LEASE_BYS; by++) {
		if (strcmp(text, lease_by_word(by)) == 0) {
			*out = by;
			return true;
		}
	}
	return false;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_nonce(const char *text, uint8_t out[PORTMAP_NONCE_LEN])
{
	if (strlen(text) != 2 * PORTMAP_NONCE_LEN)
		return false;
	for (size_t i = 0; i < PORTMAP_NONCE_LEN; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool read_transport(const char *text, uint8_t *out)
{
	*out = strcmp(text, "tcp") == 0 ? PORTMAP_TCP : PORTMAP_UDP;
	return *out == PORTMAP_TCP || strcmp(text, "udp") == 0;
}

static bool read_external(const char *ip, const char *port, struct addr *out)
{
	uint64_t n;

	if (!read_number(port, UINT16_MAX, &n) || n == 0)
		return false;
	if (strcmp(ip, "none") == 0) {
		*out = (struct addr){ .port = (uint16_t)n };
		return true;
	}
	return addr_parse_ip(ip, (uint16_t)n, out);
}

static bool read_end(const char *text, uint64_t *out)
{
	if (strcmp(text, "never") == 0) {
		*out = LEASE_FOR_GOOD;
		return true;
	}
	return read_number(text, INT64_MAX, out);
}

static bool read_line(struct bytes line, struct lease_record *out)
{
	char f[FIELDS][FIELD_MAX];
	struct lease_record r = { 0 };
	uint64_t pinhole;

	if (!cut(line, f) || !read_by(f[0], &r.by) || !read_transport(f[1], &r.transport) ||
	    !addr_parse(f[2], 0, &r.internal) || r.internal.port == 0 ||
	    !addr_parse_ip(f[3], 0, &r.gateway) || !read_external(f[4], f[5], &r.external) ||
	    !read_nonce(f[6], r.nonce) || !read_number(f[7], UINT16_MAX, &pinhole) ||
	    !read_end(f[8], &r.ends_unix_s))
		return false;
	r.pinhole = (uint16_t)pinhole;
	*out = r;
	return true;
}

void lease_book_read(struct bytes text, struct lease_book *out)
{
	*out = (struct lease_book){ 0 };
	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
		size_t step = end != NULL ? len + 1 : len;
		struct lease_record r;

		if (read_line(bytes_of(text.data, len), &r))
			lease_book_put(out, &r);
		text = bytes_of(text.data + step, text.len - step);
	}
}

size_t lease_record_print(const struct lease_record *r, char out[static LEASE_RECORD_TEXT_MAX])
{
	char internal[ADDR_TEXT_MAX], gateway[ADDR_TEXT_MAX], external[ADDR_TEXT_MAX];
	char nonce[2 * PORTMAP_NONCE_LEN + 1], end[24] = "never";
	int len;

	for (size_t i = 0; i < PORTMAP_NONCE_LEN; i++)
		(void)snprintf(nonce + 2 * i, 3, "%02x", r->nonce[i]);
	if (r->ends_unix_s != LEASE_FOR_GOOD)
		(void)snprintf(end, sizeof(end), "%llu", (unsigned long long)r->ends_unix_s);
	len = snprintf(out, LEASE_RECORD_TEXT_MAX, "%s %s %s %s %s %u %s %u %s\n",
		       lease_by_word(r->by), lease_transport_word(r->transport),
		       addr_print(&r->internal, internal), addr_print_ip(&r->gateway, gateway),
		       addr_print_ip(&r->external, external), r->external.port, nonce, r->pinhole,
		       end);
	return (size_t)len;
}

static bool is_same(const struct lease_record *r, uint8_t transport, const struct addr *internal,
		    const struct addr *gateway)
{
	return r->transport == transport && addr_equal(&r->internal, internal) &&
	       addr_equal_ip(&r->gateway, gateway);
}

const struct lease_record *lease_book_find(const struct lease_book *b, uint8_t transport,
					   const struct addr *internal, const struct addr *gateway)
{
	for (size_t i = 0; i < b->count; i++) {
		if (is_same(&b->items[i], transport, internal, gateway))
			return &b->items[i];
	}
	return NULL;
}

static void remove_at(struct lease_book *b, size_t at)
{
	b->count--;
	memmove(&b->items[at], &b->items[at + 1], (b->count - at) * sizeof(b->items[0]));
}

void lease_book_drop(struct lease_book *b, const struct lease_record *r)
{
	for (size_t i = 0; i < b->count; i++) {
		if (is_same(&b->items[i], r->transport, &r->internal, &r->gateway)) {
			remove_at(b, i);
			return;
		}
	}
}

void lease_book_put(struct lease_book *b, const struct lease_record *r)
{
	const struct lease_record add = *r;

	lease_book_drop(b, &add);
	if (b->count == LEASE_BOOK_MAX)
		remove_at(b, 0);
	b->items[b->count++] = add;
}

void lease_book_expire(struct lease_book *b, uint64_t now_unix_s)
{
	for (size_t i = b->count; i > 0; i--) {
		if (b->items[i - 1].ends_unix_s <= now_unix_s)
			remove_at(b, i - 1);
	}
}

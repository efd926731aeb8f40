#include "mmdb_write.h"

#include <assert.h>
#include <string.h>

#include "wire.h"

#define NODES_MAX     1024
#define ADDRESS_BITS  128
#define SEPARATOR_LEN 16

/* Types of values, as they stand in a control byte. */
enum {
	TYPE_STRING = 2,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_UINT64 = 9,
	TYPE_ARRAY = 11
};

/* A record: 0 nothing is known, -1 - n row n, otherwise a node. The root is node 0. */
struct tree {
	int records[NODES_MAX][2];
	int count;
};

static void add_row(struct tree *t, const struct addr *net, size_t bits, int row)
{
	uint8_t ip[16] = { 0 };
	int node = 0;

	if (net->family == ADDR_IPV4) {
		memcpy(ip + 12, net->ip, 4);
		bits += 96;
	} else {
		memcpy(ip, net->ip, 16);
	}
	for (size_t i = 0; i < bits; i++) {
		int *record = &t->records[node][ip[i / 8] >> (7 - i % 8) & 1];

		if (i + 1 == bits) {
			*record = -1 - row;
		} else if (*record <= 0) {
			assert(*record == 0 && t->count < NODES_MAX);
			*record = t->count++;
		}
		node = *record;
	}
}

static void put_control(struct wire_out *out, unsigned int type, size_t size)
{
	uint8_t low = (uint8_t)(size < 29 ? size : 29);

	assert(size < 29 + 256);
	wire_put_u8(out, (uint8_t)((type < 8 ? type << 5 : 0) | low));
	if (type >= 8)
		wire_put_u8(out, (uint8_t)(type - 7));
	if (size >= 29)
		wire_put_u8(out, (uint8_t)(size - 29));
}

static void put_string(struct wire_out *out, const char *text)
{
	put_control(out, TYPE_STRING, strlen(text));
	wire_put_mem(out, text, strlen(text));
}

static void put_u32(struct wire_out *out, const char *key, uint32_t value)
{
	put_string(out, key);
	put_control(out, TYPE_UINT32, 4);
	wire_put_u32(out, value);
}

static void put_u16(struct wire_out *out, const char *key, uint16_t value)
{
	put_string(out, key);
	put_control(out, TYPE_UINT16, 2);
	wire_put_u16(out, value);
}

static void put_row(struct wire_out *out, const struct mmdb_row *row)
{
	size_t count = (row->country != NULL ? 1u : 0u) + (row->asn != 0 ? 1u : 0u) +
		       (row->organisation != NULL ? 1u : 0u);

	put_control(out, TYPE_MAP, count);
	if (row->country != NULL) {
		put_string(out, "country");
		put_control(out, TYPE_MAP, 1);
		put_string(out, "iso_code");
		put_string(out, row->country);
	}
	if (row->asn != 0)
		put_u32(out, "autonomous_system_number", row->asn);
	if (row->organisation != NULL) {
		put_string(out, "autonomous_system_organization");
		put_string(out, row->organisation);
	}
}

static void put_metadata(struct wire_out *out, uint32_t node_count)
{
	wire_put_mem(out, "\xab\xcd\xefMaxMind.com", 14);
	put_control(out, TYPE_MAP, 9);
	put_u16(out, "binary_format_major_version", 2);
	put_u16(out, "binary_format_minor_version", 0);
	put_u16(out, "ip_version", 6);
	put_u16(out, "record_size", 24);
	put_u32(out, "node_count", node_count);
	put_string(out, "build_epoch");
	put_control(out, TYPE_UINT64, 8);
	wire_put_u64(out, 1);
	put_string(out, "database_type");
	put_string(out, "Test");
	put_string(out, "languages");
	put_control(out, TYPE_ARRAY, 0);
	put_string(out, "description");
	put_control(out, TYPE_MAP, 0);
}

static void put_record(struct wire_out *out, uint32_t value)
{
	wire_put_u8(out, (uint8_t)(value >> 16));
	wire_put_u16(out, (uint16_t)value);
}

static void put_tree(struct wire_out *out, const struct tree *t, const uint32_t *row_at)
{
	uint32_t count = (uint32_t)t->count;

	for (int i = 0; i < t->count; i++) {
		for (int side = 0; side < 2; side++) {
			int record = t->records[i][side];

			put_record(out, record > 0 ? (uint32_t)record
					: record == 0
						? count
						: count + SEPARATOR_LEN + row_at[-1 - record]);
		}
	}
}

size_t mmdb_write(const struct mmdb_row *rows, size_t count, uint8_t out[static MMDB_WRITE_MAX])
{
	static const uint8_t separator[SEPARATOR_LEN];
	static struct tree t;
	uint8_t data[4096];
	struct wire_out rows_out = wire_write(data, sizeof(data));
	struct wire_out whole = wire_write(out, MMDB_WRITE_MAX);
	uint32_t row_at[64];

	assert(count <= ARRAY_LEN(row_at));
	t = (struct tree){ .count = 1 };
	for (size_t i = 0; i < count; i++) {
		struct addr net;
		bool is_address = addr_parse_ip(rows[i].net, 0, &net);

		assert(is_address);
		(void)is_address;
		row_at[i] = (uint32_t)rows_out.len;
		put_row(&rows_out, &rows[i]);
		add_row(&t, &net, rows[i].prefix_len, (int)i);
	}
	put_tree(&whole, &t, row_at);
	wire_put_mem(&whole, separator, sizeof(separator));
	wire_put_mem(&whole, data, rows_out.len);
	put_metadata(&whole, (uint32_t)t.count);
	assert(!rows_out.failed && !whole.failed);
	return whole.len;
}

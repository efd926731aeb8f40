#include "tests/natlab/names.h"

#include "nat64.h"

#define HEAD_LEN 12
#define NAME               \
	"\x08ipv4only\x04" \
	"arpa"
#define NAME_MAX  255
#define HERE      0xc000 /* a pointer to a name further up */
#define TTL_S     60
#define TYPE_A    1
#define TYPE_AAAA 28
#define CLASS_IN  1

#define FLAG_ANSWER    0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_WISHED    0x0100 /* recursion */
#define FLAG_DONE      0x0080
#define MASK_OPCODE    0x7800
#define NO_SUCH_NAME   3

struct question {
	uint16_t id, flags;
	struct bytes name; /* with its last, empty label */
	uint16_t type, class;
};

static char lower(uint8_t c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_known(struct bytes name)
{
	static const char known[] = NAME; /* its end is the empty label */

	if (name.len != sizeof(known))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (lower(name.data[i]) != known[i])
			return false;
	}
	return true;
}

static struct bytes read_name(struct wire *in)
{
	const uint8_t *start = in->at;
	size_t len = 0;
	uint8_t label;

	do {
		label = wire_get_u8(in);
		wire_skip(in, label);
		len += 1u + label;
	} while (!in->failed && label != 0 && label < 64 && len <= NAME_MAX);
	in->failed |= label != 0;
	return bytes_of(start, len);
}

static bool read_question(struct bytes data, struct question *out)
{
	struct wire in = wire_read(data);
	uint16_t count;

	out->id = wire_get_u16(&in);
	out->flags = wire_get_u16(&in);
	count = wire_get_u16(&in);
	wire_skip(&in, HEAD_LEN - 6);
	out->name = read_name(&in);
	out->type = wire_get_u16(&in);
	out->class = wire_get_u16(&in);
	return !in.failed && count == 1 &&
	       (out->flags & (FLAG_ANSWER | FLAG_TRUNCATED | MASK_OPCODE)) == 0;
}

static void put_record(struct wire_out *out, const struct addr *a)
{
	bool ipv6 = a->family == ADDR_IPV6;

	wire_put_u16(out, HERE | HEAD_LEN);
	wire_put_u16(out, ipv6 ? TYPE_AAAA : TYPE_A);
	wire_put_u16(out, CLASS_IN);
	wire_put_u32(out, TTL_S);
	wire_put_u16(out, (uint16_t)addr_ip_len(a->family));
	wire_put_mem(out, a->ip, addr_ip_len(a->family));
}

/* Returns how many there are. */
static uint16_t find(const struct question *q, const struct addr *prefix, uint8_t len,
		     struct addr found[static 2])
{
	uint16_t count = 0;

	if (!is_known(q->name) || q->class != CLASS_IN)
		return 0;
	for (uint8_t last = 170; last <= 171; last++) {
		struct addr known = addr_ipv4(192, 0, 0, last, 0);

		if (q->type == TYPE_A)
			found[count++] = known;
		else if (q->type == TYPE_AAAA && nat64_embed(prefix, len, &known, &found[count]))
			count++;
	}
	return count;
}

size_t names_answer(struct bytes question, const struct addr *prefix, uint8_t len,
		    uint8_t buf[static NAMES_MAX])
{
	struct wire_out out = wire_write(buf, NAMES_MAX);
	struct addr found[2];
	struct question q;
	uint16_t count;

	if (!read_question(question, &q))
		return 0;
	count = find(&q, prefix, len, found);
	wire_put_u16(&out, q.id);
	wire_put_u16(&out, (uint16_t)(FLAG_ANSWER | FLAG_DONE | (q.flags & FLAG_WISHED) |
				      (is_known(q.name) ? 0 : NO_SUCH_NAME)));
	wire_put_u16(&out, 1);
	wire_put_u16(&out, count);
	wire_put_u32(&out, 0);
	wire_put_mem(&out, q.name.data, q.name.len);
	wire_put_u16(&out, q.type);
	wire_put_u16(&out, q.class);
	for (uint16_t i = 0; i < count; i++)
		put_record(&out, &found[i]);
	return out.failed ? 0 : out.len;
}

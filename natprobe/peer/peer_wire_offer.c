/* Offers, as peer_wire.h declares them. */
#include "peer_wire.h"

#include "peer_field.h"

/* Of an offer. */
enum {
	TAG_TRIAL = 1,
	TAG_ENDPOINT,
	TAG_SAMPLES, /* path, then samples; one field for each path */
};

static void put_endpoint(struct wire_out *out, const struct peer_endpoint *e)
{
	struct peer_field f = peer_field_begin(out, TAG_ENDPOINT, true);

	wire_put_u8(out, e->kind);
	wire_put_u8(out, e->path);
	wire_put_u8(out, (uint8_t)(e->set << 1 | e->is_tcp));
	wire_put_u16(out, e->local_port);
	wire_put_u16(out, e->addr.port);
	peer_put_ip(out, &e->addr);
	peer_field_end(&f);
}

static void put_samples(struct wire_out *out, uint8_t path, const struct peer_sample *samples,
			uint8_t count)
{
	struct peer_field f = peer_field_begin(out, TAG_SAMPLES, true);

	wire_put_u8(out, path);
	for (uint8_t i = 0; i < count; i++) {
		wire_put_u16(out, samples[i].local_port);
		wire_put_u16(out, samples[i].external_port);
		wire_put_u32(out, samples[i].ago_us);
	}
	peer_field_end(&f);
}

size_t peer_offer_write(const struct peer_offer *o, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);
	struct peer_field f;

	wire_put_u8(&out, PEER_WIRE_VERSION);
	f = peer_field_begin(&out, TAG_TRIAL, true);
	wire_put_u32(&out, o->trial);
	peer_field_end(&f);
	for (uint8_t i = 0; i < o->endpoint_count; i++)
		put_endpoint(&out, &o->endpoints[i]);
	for (uint8_t i = 0; i < PEER_PATHS_MAX; i++) {
		if (o->sample_counts[i] > 0)
			put_samples(&out, i, o->samples[i], o->sample_counts[i]);
	}
	return out.failed ? 0 : out.len;
}

static bool get_endpoint(struct bytes value, struct peer_offer *o)
{
	struct wire in = wire_read(value);
	struct peer_endpoint *e = &o->endpoints[o->endpoint_count];
	uint16_t port;
	uint8_t flags;

	if (o->endpoint_count == PEER_ENDPOINTS_MAX)
		return false;
	o->endpoint_count++;
	e->kind = peer_get_word(&in, PEER_ENDPOINT_KINDS);
	e->path = peer_get_word(&in, PEER_PATHS_MAX);
	flags = peer_get_word(&in, PEER_SETS << 1);
	e->set = flags >> 1;
	e->is_tcp = (flags & 1) != 0;
	e->local_port = wire_get_u16(&in);
	port = wire_get_u16(&in);
	e->addr = peer_get_ip(&in);
	e->addr.port = port;
	/* What is relayed is on no port of the host. */
	return !in.failed && port != 0 && (e->local_port != 0 || e->kind == PEER_RELAYED);
}

static bool get_samples(struct bytes value, struct peer_offer *o)
{
	struct wire in = wire_read(value);
	uint8_t path = peer_get_word(&in, PEER_PATHS_MAX), count = 0;

	if (in.failed || o->sample_counts[path] != 0)
		return false;
	for (; in.left > 0 && count < PEER_SAMPLES_MAX; count++) {
		struct peer_sample *s = &o->samples[path][count];

		s->local_port = wire_get_u16(&in);
		s->external_port = wire_get_u16(&in);
		s->ago_us = wire_get_u32(&in);
		if (s->local_port == 0 || s->external_port == 0)
			return false;
	}
	o->sample_counts[path] = count;
	return wire_done(&in);
}

static bool get_offer_field(void *arg, uint8_t tag, struct bytes value)
{
	struct peer_offer *o = arg;
	struct wire in = wire_read(value);

	switch (tag) {
	case TAG_TRIAL:
		o->trial = wire_get_u32(&in);
		return !in.failed;
	case TAG_ENDPOINT:
		return get_endpoint(value, o);
	case TAG_SAMPLES:
		return get_samples(value, o);
	default:
		return true;
	}
}

bool peer_offer_read(struct bytes in, struct peer_offer *out)
{
	*out = (struct peer_offer){ 0 };
	return peer_fields_read(in, get_offer_field, out);
}

/*
 * A TURN client between a server that changes its habits, and a path that changes bytes: it keeps
 * to its contract, comes to rest, and ends when it is told to.
 */
#include "fuzz_check.h"
#include "turn_fake.h"

#define OPS_MAX 200

static void configure(struct fake *f, uint8_t a, uint8_t b)
{
	struct turn_client_options *o = &f->config.options;

	f->open = (a & 1) != 0;
	f->sha256 = (a & 2) != 0;
	f->userhash = (a & 4) != 0;
	f->config.reliable = (a & 8) != 0;
	o->tcp = (a & 0x18) == 0x18;
	o->mobile = (b & 1) != 0 && !o->tcp;
	o->dont_fragment = (b & 2) != 0 && !o->tcp;
	o->families = b >> 2 & 3;
	f->config.secure = (b & 16) != 0;
	f->loss = (b & 32) != 0 ? 10 : 0;
	f->duplicate = f->reorder = (b & 64) != 0 ? 20 : 0;
	f->alternate = addr_ipv4(91, 80, 7, 7, 3478);
	f->domain = "turn.example";
}

/* What is on its way to the client arrives changed. */
static void change(struct fake *f, struct wire *in)
{
	uint8_t which = wire_get_u8(in), where = wire_get_u8(in), what = wire_get_u8(in);
	unsigned int seen = 0;

	for (size_t i = 0; i < FAKE_PACKETS; i++) {
		struct fake_packet *p = &f->packets[i];

		if (!p->used || p->to_server || p->len == 0 || seen++ != which % 4)
			continue;
		p->data[where % p->len] = what;
		return;
	}
}

static void misbehave(struct fake *f, struct wire *in)
{
	static const uint16_t codes[] = { 300, 400, 401, 403, 405, 420, 437, 438, 440,
					  441, 442, 443, 446, 447, 486, 500, 508 };
	uint8_t method = wire_get_u8(in) % FAKE_METHODS;

	f->error[method] = codes[wire_get_u8(in) % ARRAY_LEN(codes)];
	f->errors[method] = wire_get_u8(in) % 4;
	f->alternate.ip[3] ^= method;
}

static void meet(struct fake *f, uint8_t v)
{
	struct addr peer = addr_ipv4(91, 80, 2, v & 0x1f, 7000);

	switch (v >> 5) {
	case 0:
	case 1:
		(void)turn_client_add_peer(f->client, &peer, (v & 32) != 0, f->now_us);
		break;
	case 2:
		turn_client_remove_peer(f->client, v & 0x1f, f->now_us);
		break;
	case 3:
		(void)turn_client_connect(f->client, &peer, f->now_us);
		break;
	case 4:
		turn_client_hang_up(f->client, v & 0x1f);
		break;
	case 5:
		turn_client_on_link_closed(f->client, v & 0x1f);
		break;
	case 6:
		fake_peer_calls(f, &peer, v);
		break;
	default:
		fake_peer_sends(f, &peer, BYTES("data"));
		(void)fake_send(f, v & 0x1f, BYTES("data"), false);
		break;
	}
}

static void inject(struct fake *f, struct wire *in)
{
	uint8_t len = wire_get_u8(in);

	fake_inject(f, wire_get_bytes(in, len < in->left ? len : in->left));
}

static void step(struct fake *f, struct wire *in)
{
	uint8_t op = wire_get_u8(in);

	switch (op % 10) {
	case 0:
	case 1:
		fake_run(f, (uint64_t)(op + 1) * FAKE_DELAY_US / 8);
		break;
	case 2:
		fake_run(f, op * FAKE_SECOND);
		break;
	case 3:
		change(f, in);
		break;
	case 4:
		misbehave(f, in);
		break;
	case 5:
	case 6:
		meet(f, wire_get_u8(in));
		break;
	case 7:
		inject(f, in);
		break;
	case 8:
		f->nonce++;
		if (op >= 128)
			(void)turn_client_move(f->client, f->now_us);
		break;
	default:
		f->exists = f->exists && op < 128;
		f->signs_nothing = op >= 230;
		if (op == 249)
			turn_client_on_disconnected(f->client, f->now_us);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fake f;
	struct wire in = wire_read(bytes_of(data, len));
	uint8_t a = wire_get_u8(&in), b = wire_get_u8(&in);

	fake_init(&f);
	configure(&f, a, b);
	fake_start(&f);
	for (int i = 0; i < OPS_MAX && in.left > 0 && !f.done; i++)
		step(&f, &in);
	turn_client_close(f.client, f.now_us);
	fake_run(&f, 3 * FAKE_SECOND);
	FUZZ_CHECK(f.done);
	FUZZ_CHECK(f.told[TURN_CLIENT_FAILED] <= 1);
	fake_end(&f);
	return 0;
}

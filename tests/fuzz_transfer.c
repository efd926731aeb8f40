/*
 * A whole stream of a sender, for a receiver that says yes to all: nothing is written beyond what was
 * told, files are opened one at a time and finished when they are whole.
 */
#include <string.h>

#include "fuzz_check.h"
#include "natprobe/transfer/transfer_receive.h"

static struct {
	bool is_open, is_writing;
	uint64_t at, size;
	uint8_t shape; /* of what is here: an input, too */
} world;

static int on_look(void *arg, const struct transfer_entry *e, enum transfer_found *found,
		   uint64_t *part)
{
	bool is_file = e->kind == ENTRY_FILE;

	FUZZ_CHECK(e->path.len > 0 && e->path.data[0] != '/' && e->path.data[0] != 0);
	if ((world.shape & 3) == 1 && is_file)
		*part = e->size / 2;
	*found = (world.shape & 3) == 2 && is_file ? FOUND_SAME : FOUND_NOTHING;
	return 0;
}

static int on_open_old(void *arg, const struct transfer_entry *e, bool is_part)
{
	FUZZ_CHECK(!world.is_open);
	world.is_open = true;
	world.is_writing = false;
	return 0;
}

static int64_t on_read(void *arg, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole)
{
	FUZZ_CHECK(world.is_open && !world.is_writing);
	*hole = TRANSFER_SIZE_MAX;
	return 0;
}

static int on_make_directory(void *arg, const struct transfer_entry *e)
{
	return 0;
}

static int on_open(void *arg, const struct transfer_entry *e, uint64_t at)
{
	FUZZ_CHECK(!world.is_open && at <= e->size);
	world.is_open = true;
	world.is_writing = true;
	world.at = at;
	world.size = e->size;
	return 0;
}

static int on_write(void *arg, uint64_t at, struct bytes data)
{
	FUZZ_CHECK(world.is_open && world.is_writing && data.len > 0);
	FUZZ_CHECK(at >= world.at && at <= world.size && data.len <= world.size - at);
	world.at = at + data.len;
	return 0;
}

static int on_finish(void *arg, const struct transfer_entry *e, bool replaces)
{
	FUZZ_CHECK(world.is_open && world.is_writing);
	return 0;
}

static void on_close(void *arg)
{
	FUZZ_CHECK(world.is_open);
	world.is_open = false;
}

static void on_drop(void *arg, const struct transfer_entry *e)
{
	on_close(arg);
}

static void digest_none(void *arg)
{
}

static void digest_no_data(void *arg, struct bytes data)
{
}

static void digest_no_zeros(void *arg, uint64_t n)
{
}

/* What the seeds say it is. */
static void digest_fixed(void *arg, uint8_t out[static TRANSFER_DIGEST_LEN])
{
	memset(out, 0x11, TRANSFER_DIGEST_LEN);
}

static void on_output(void *arg, struct bytes frame)
{
	struct transfer_msg m;

	FUZZ_CHECK(transfer_wire_read(frame, &m));
}

static void on_event(void *arg, const struct transfer_event *e)
{
}

static struct transfer_receive *begin(void)
{
	const struct transfer_digest digest = { .begin = digest_none,
						.add = digest_no_data,
						.add_zeros = digest_no_zeros,
						.so_far = digest_fixed };
	const struct transfer_receive_config config = {
		.target = { .look = on_look,
			    .open_old = on_open_old,
			    .read = on_read,
			    .make_directory = on_make_directory,
			    .open = on_open,
			    .write = on_write,
			    .finish = on_finish,
			    .finish_directory = on_make_directory,
			    .close = on_close,
			    .drop = on_drop },
		.digest = digest,
		.old_digest = digest,
		.force = (world.shape & 4) != 0,
		.on_output = on_output,
		.on_event = on_event,
	};

	return transfer_receive_new(&config);
}

/* No more than so many steps: a hole of 2^40 takes long, and is no fault. */
static void run_steps(struct transfer_receive *r)
{
	for (int i = 0; i < 64 && transfer_receive_step(r) == TRANSFER_MORE; i++)
		;
	transfer_receive_consent(r, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct transfer_receive *r;
	struct bytes in = bytes_of(data, len);
	struct transfer_msg m;

	memset(&world, 0, sizeof(world));
	if (len > 0) {
		world.shape = data[0];
		in = bytes_of(data + 1, len - 1);
	}
	r = begin();
	FUZZ_CHECK(r != NULL);
	while (in.len > 0 && transfer_receive_is_ready(r)) {
		size_t need = transfer_wire_need(in);

		if (need == 0 || need > in.len || !transfer_wire_read(bytes_of(in.data, need), &m))
			break;
		transfer_receive_input(r, &m);
		in.data += need;
		in.len -= need;
		run_steps(r);
		run_steps(r);
	}
	transfer_receive_lost(r);
	FUZZ_CHECK(transfer_receive_core(r)->is_over);
	transfer_receive_free(r);
	FUZZ_CHECK(!world.is_open);
	return 0;
}

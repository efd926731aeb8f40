#include "transfer_send.h"

#include <stdlib.h>

#define ENTRIES_PER_STEP 64

enum stage {
	SAYS_HELLO = 0,
	SAYS_ENTRIES,
	AWAITS_ANSWER, /* haves, and that it is accepted */
	LOOKS_FOR_FILE,
	VERIFIES, /* that the receiver has the beginning of this file right */
	SENDS_FILE,
	AWAITS_DONE,
};

struct transfer_send {
	struct transfer_send_config config;
	struct transfer_core core;
	struct have_list haves;
	struct transfer_entry entry; /* of the open file */
	enum stage stage;
	uint32_t index; /* of the next entry to tell; of the open file */
	uint64_t at;
	uint64_t zeros; /* of a hole behind `at`: not counted into the digest yet */
	uint64_t verify_to;
	bool has_hello, is_open;
	uint8_t chunk[TRANSFER_FRAME_MAX]; /* a head and data */
};

struct transfer_send *transfer_send_new(const struct transfer_send_config *config)
{
	struct transfer_send *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->core.on_output = config->on_output;
	s->core.on_event = config->on_event;
	s->core.arg = config->arg;
	s->core.progress.files = manifest_files(config->manifest);
	s->core.progress.bytes = manifest_total(config->manifest);
	return s;
}

void transfer_send_free(struct transfer_send *s)
{
	if (s == NULL)
		return;
	if (s->is_open)
		(void)s->config.source.close(s->config.source.arg);
	have_clear(&s->haves);
	free(s);
}

static const struct manifest *list(const struct transfer_send *s)
{
	return s->config.manifest;
}

static void say_hello(struct transfer_send *s)
{
	const struct transfer_msg hello = { .kind = TRANSFER_HELLO,
					    .is_sender = true,
					    .version = TRANSFER_VERSION };
	const struct transfer_msg offer = { .kind = TRANSFER_OFFER,
					    .count = manifest_count(list(s)),
					    .total = manifest_total(list(s)) };

	transfer_put(&s->core, &hello);
	transfer_put(&s->core, &offer);
	s->stage = SAYS_ENTRIES;
}

static void say_entries(struct transfer_send *s)
{
	for (int i = 0; i < ENTRIES_PER_STEP && s->index < manifest_count(list(s)); i++) {
		struct transfer_msg m = { .kind = TRANSFER_ENTRY };

		m.entry = manifest_get(list(s), s->index++);
		transfer_put(&s->core, &m);
	}
	if (s->index < manifest_count(list(s)))
		return;
	s->index = 0;
	s->stage = AWAITS_ANSWER;
	transfer_tell(&s->core, TRANSFER_ON_OFFER, 0, 0, NULL);
}

static void begin_sending(struct transfer_send *s, uint64_t at)
{
	const struct transfer_msg m = { .kind = TRANSFER_FILE, .index = s->index, .at = at };

	s->at = at;
	s->zeros = 0;
	s->core.progress.bytes_done += at;
	s->core.progress.bytes_kept += at;
	s->stage = SENDS_FILE;
	s->core.progress.is_checking = false;
	transfer_put(&s->core, &m);
	transfer_tell(&s->core, TRANSFER_ON_FILE, s->index, at, NULL);
}

static void say_end(struct transfer_send *s)
{
	const struct transfer_msg m = { .kind = TRANSFER_END };

	transfer_put(&s->core, &m);
	s->stage = AWAITS_DONE;
}

static void open_next(struct transfer_send *s)
{
	const struct have *have;
	int rc;

	s->index = manifest_next_file(list(s), s->index);
	if (s->index == manifest_count(list(s))) {
		say_end(s);
		return;
	}
	s->entry = manifest_get(list(s), s->index);
	rc = s->config.source.open(s->config.source.arg, s->index);
	if (rc != 0) {
		transfer_fail_file(&s->core, s->entry.path, "read", rc);
		return;
	}
	s->is_open = true;
	digest_begin(&s->config.digest);
	have = have_find(&s->haves, s->index);
	if (have == NULL) {
		begin_sending(s, 0);
		return;
	}
	s->at = 0;
	s->zeros = 0;
	s->verify_to = have->at;
	s->stage = VERIFIES;
	s->core.progress.is_checking = true;
}

/*
 * The next piece before `limit`: of data its bytes are in s->chunk, behind the room for a head, and
 * counted; a hole is in *hole, and counted from s->zeros by and by. False: nothing came of it.
 */
static bool read_piece(struct transfer_send *s, uint64_t limit, size_t *len, uint64_t *hole)
{
	uint64_t left = limit - s->at;
	size_t cap = left < TRANSFER_CHUNK ? (size_t)left : TRANSFER_CHUNK;
	int64_t n;

	*hole = 0;
	n = s->config.source.read(s->config.source.arg, s->at, s->chunk + TRANSFER_HEAD, cap, hole);
	if (n < 0 || (n == 0 && *hole == 0)) {
		transfer_fail_file(&s->core, s->entry.path, "read",
				   n < 0 ? (int)n : TRANSFER_CHANGED);
		return false;
	}
	*len = (size_t)n;
	if (*hole > left)
		*hole = left;
	if (n > 0) {
		digest_add(&s->config.digest, bytes_of(s->chunk + TRANSFER_HEAD, *len));
		s->at += *len;
	}
	s->zeros = *hole;
	return true;
}

static void count_zeros(struct transfer_send *s)
{
	uint64_t n = digest_some_zeros(&s->config.digest, &s->zeros);

	s->at += n;
	if (s->stage == SENDS_FILE)
		s->core.progress.bytes_done += n;
	else
		s->core.progress.checked += n;
}

static void verify(struct transfer_send *s)
{
	const struct have *have = have_find(&s->haves, s->index);
	uint8_t digest[TRANSFER_DIGEST_LEN];
	uint64_t hole;
	size_t len;

	if (s->at < s->verify_to) {
		if (read_piece(s, s->verify_to, &len, &hole))
			s->core.progress.checked += len;
		return;
	}
	digest_so_far(&s->config.digest, digest);
	if (memcmp(digest, have->digest, sizeof(digest)) == 0) {
		begin_sending(s, s->at);
		return;
	}
	digest_begin(&s->config.digest);
	begin_sending(s, 0);
}

static void end_file(struct transfer_send *s)
{
	struct transfer_msg m = { .kind = TRANSFER_FILE_END };
	int rc = s->config.source.close(s->config.source.arg);

	s->is_open = false;
	if (rc != 0) {
		transfer_fail_file(&s->core, s->entry.path, "read", rc);
		return;
	}
	digest_so_far(&s->config.digest, m.digest);
	transfer_put(&s->core, &m);
	s->core.progress.files_done++;
	transfer_tell(&s->core, TRANSFER_ON_FILE_END, s->index, s->at, m.digest);
	s->index++;
	s->stage = LOOKS_FOR_FILE;
}

static void send_piece(struct transfer_send *s)
{
	struct transfer_msg m = { .kind = TRANSFER_HOLE };
	size_t len;

	if (s->at == s->entry.size) {
		end_file(s);
		return;
	}
	if (!read_piece(s, s->entry.size, &len, &m.len))
		return;
	if (m.len > 0) {
		transfer_put(&s->core, &m);
		return;
	}
	transfer_wire_head(TRANSFER_DATA, len, s->chunk);
	s->core.on_output(s->core.arg, bytes_of(s->chunk, TRANSFER_HEAD + len));
	s->core.progress.bytes_done += len;
}

static void step(struct transfer_send *s)
{
	if (s->zeros > 0) {
		count_zeros(s);
		return;
	}
	switch (s->stage) {
	case SAYS_HELLO:
		say_hello(s);
		break;
	case SAYS_ENTRIES:
		say_entries(s);
		break;
	case LOOKS_FOR_FILE:
		open_next(s);
		break;
	case VERIFIES:
		verify(s);
		break;
	case SENDS_FILE:
		send_piece(s);
		break;
	case AWAITS_ANSWER:
	case AWAITS_DONE:
		break;
	}
}

static bool is_waiting(const struct transfer_send *s)
{
	return s->stage == AWAITS_ANSWER || s->stage == AWAITS_DONE;
}

enum transfer_work transfer_send_step(struct transfer_send *s)
{
	if (!s->core.is_over && !is_waiting(s))
		step(s);
	if (s->core.is_over)
		return TRANSFER_OVER;
	return is_waiting(s) ? TRANSFER_WAIT : TRANSFER_MORE;
}

void transfer_send_malformed(struct transfer_send *s)
{
	transfer_fail(&s->core, "the other side says what is no message of natprobe receive");
}

static void on_have(struct transfer_send *s, const struct transfer_msg *m)
{
	struct have have = { .at = m->at, .index = m->index };
	const struct have_list *l = &s->haves;
	struct transfer_entry e;

	if (m->index >= manifest_count(list(s)) ||
	    (l->count > 0 && l->items[l->count - 1].index >= m->index)) {
		transfer_send_malformed(s);
		return;
	}
	e = manifest_get(list(s), m->index);
	if (e.kind != ENTRY_FILE || m->at == 0 || m->at > e.size) {
		transfer_send_malformed(s);
		return;
	}
	memcpy(have.digest, m->digest, sizeof(have.digest));
	if (!have_add(&s->haves, &have))
		transfer_fail(&s->core, "out of memory; send less at a time");
}

static void on_accept(struct transfer_send *s)
{
	s->stage = LOOKS_FOR_FILE;
	s->core.progress.is_moving = true;
	transfer_tell(&s->core, TRANSFER_ON_ACCEPT, 0, 0, NULL);
}

static void on_done(struct transfer_send *s, const struct transfer_msg *m)
{
	const struct transfer_msg bye = { .kind = TRANSFER_BYE };

	if (m->count != manifest_count(list(s)) || m->total != manifest_total(list(s))) {
		transfer_fail(&s->core, "the other side counts other files than were sent; "
					"look at what it has");
		return;
	}
	transfer_put(&s->core, &bye);
	transfer_succeed(&s->core);
}

void transfer_send_input(struct transfer_send *s, const struct transfer_msg *m)
{
	if (s->core.is_over)
		return;
	if (m->kind == TRANSFER_FAILED)
		transfer_fail_told(&s->core, m->data);
	else if (!s->has_hello)
		s->has_hello = transfer_check_hello(&s->core, m, false);
	else if (m->kind == TRANSFER_HAVE && s->stage == AWAITS_ANSWER)
		on_have(s, m);
	else if (m->kind == TRANSFER_ACCEPT && s->stage == AWAITS_ANSWER)
		on_accept(s);
	else if (m->kind == TRANSFER_DONE && s->stage == AWAITS_DONE)
		on_done(s, m);
	else
		transfer_send_malformed(s);
}

void transfer_send_lost(struct transfer_send *s)
{
	if (s->stage == AWAITS_DONE)
		transfer_fail(&s->core, "the other side left before it said that all is in place; "
					"run both sides again to be sure");
	else
		transfer_fail(&s->core, "the other side left before the end; run both sides again: "
					"it goes on where it was");
}

void transfer_send_interrupt(struct transfer_send *s)
{
	transfer_interrupt(&s->core);
}

const struct transfer_core *transfer_send_core(const struct transfer_send *s)
{
	return &s->core;
}

/* Files as they come, in the order of the manifest, each of them whole. */
#include "transfer_receive_state.h"

static void liar(struct transfer_receive *r, const char *what)
{
	char name[SAFE_TEXT_MAX];

	transfer_fail(&r->core, "%s: the other side sends %s than it told; it is cut off",
		      safe_text(r->entry.path, name), what);
}

/* All of it is here, and the sender found it right: nothing is written. */
static bool begin_here(struct transfer_receive *r, uint64_t at)
{
	char name[SAFE_TEXT_MAX];

	if (r->found[r->index] != FOUND_SAME)
		return false;
	if (at == r->entry.size) {
		r->is_here = true;
		return true;
	}
	if (!r->config.force)
		transfer_fail(&r->core,
			      "%s exists, with other content of the same size and time; move it "
			      "away, or run natprobe receive --force to replace it",
			      safe_text(r->entry.path, name));
	return r->core.is_over;
}

static void begin(struct transfer_receive *r, uint64_t at)
{
	struct transfer_target *t = receive_target(r);
	int rc = t->open(t->arg, &r->entry, at);

	if (rc != 0) {
		transfer_fail_file(&r->core, r->entry.path, "written", rc);
		return;
	}
	r->is_open = true;
	r->is_resumed = at > 0;
	if (!r->is_resumed)
		digest_begin(&r->config.digest);
}

void receive_file(struct transfer_receive *r, const struct transfer_msg *m)
{
	const struct have *have = have_find(&r->haves, m->index);

	r->index = manifest_next_file(r->manifest, r->index);
	if (m->index != r->index || r->index == r->count ||
	    (m->at > 0 && (have == NULL || have->at != m->at))) {
		transfer_receive_malformed(r);
		return;
	}
	r->entry = manifest_get(r->manifest, r->index);
	r->at = m->at;
	r->is_here = false;
	if (!begin_here(r, m->at))
		begin(r, m->at);
	if (r->core.is_over)
		return;
	r->stage = AWAITS_DATA;
	r->core.progress.bytes_done += m->at;
	r->core.progress.bytes_kept += m->at;
	transfer_tell(&r->core, TRANSFER_ON_FILE, r->index, m->at, NULL);
}

void receive_data(struct transfer_receive *r, struct bytes data)
{
	struct transfer_target *t = receive_target(r);
	int rc;

	if (data.len > r->entry.size - r->at) {
		liar(r, "more");
		return;
	}
	rc = t->write(t->arg, r->at, data);
	if (rc != 0) {
		transfer_fail_file(&r->core, r->entry.path, "written", rc);
		return;
	}
	digest_add(receive_digest(r), data);
	r->at += data.len;
	r->core.progress.bytes_done += data.len;
}

void receive_hole(struct transfer_receive *r, uint64_t len)
{
	if (len > r->entry.size - r->at)
		liar(r, "more");
	else
		r->zeros = len;
}

void receive_some_zeros(struct transfer_receive *r)
{
	uint64_t n = digest_some_zeros(receive_digest(r), &r->zeros);

	r->at += n;
	if (r->stage == AWAITS_DATA)
		r->core.progress.bytes_done += n;
	else
		r->core.progress.checked += n;
}

static bool is_right(const struct transfer_receive *r,
		     const uint8_t digest[static TRANSFER_DIGEST_LEN])
{
	uint8_t own[TRANSFER_DIGEST_LEN];
	const struct have *have = r->is_here ? have_find(&r->haves, r->index) : NULL;

	if (r->is_here && r->entry.size > 0)
		return have != NULL && memcmp(have->digest, digest, sizeof(own)) == 0;
	if (r->is_here)
		digest_begin(&r->config.digest);
	digest_so_far(receive_digest(r), own);
	return memcmp(own, digest, sizeof(own)) == 0;
}

static void place(struct transfer_receive *r)
{
	struct transfer_target *t = receive_target(r);
	int rc = t->finish(t->arg, &r->entry, r->config.force);

	receive_close(r);
	if (rc != 0)
		transfer_fail_file(&r->core, r->entry.path, "put in place", rc);
}

static void wrong(struct transfer_receive *r)
{
	struct transfer_target *t = receive_target(r);
	char name[SAFE_TEXT_MAX];

	if (r->is_open)
		t->drop(t->arg, &r->entry);
	r->is_open = false;
	transfer_fail(&r->core,
		      "%s: its SHA-256 is not what the sender counted%s; run both sides again",
		      safe_text(r->entry.path, name), r->is_here ? "" : ", so it was thrown away");
}

void receive_file_end(struct transfer_receive *r, const uint8_t digest[static TRANSFER_DIGEST_LEN])
{
	if (r->at < r->entry.size) {
		liar(r, "less");
		return;
	}
	if (!is_right(r, digest)) {
		wrong(r);
		return;
	}
	if (!r->is_here)
		place(r);
	if (r->core.is_over)
		return;
	r->core.progress.files_done++;
	transfer_tell(&r->core, TRANSFER_ON_FILE_END, r->index, r->at, digest);
	r->index++;
	r->is_resumed = false;
	r->stage = AWAITS_FILE;
}

void receive_end(struct transfer_receive *r)
{
	if (manifest_next_file(r->manifest, r->index) != r->count) {
		transfer_fail(&r->core, "the other side sends fewer files than it told; run both "
					"sides again");
		return;
	}
	r->core.progress.is_moving = false;
	r->index = r->count;
	r->stage = FINISHES;
}

static void say_done(struct transfer_receive *r)
{
	const struct transfer_msg m = { .kind = TRANSFER_DONE,
					.count = r->count,
					.total = r->total };

	r->stage = AWAITS_BYE;
	transfer_put(&r->core, &m);
}

/* What is in a directory changes its time: so the deepest come first. */
void receive_finish(struct transfer_receive *r)
{
	struct transfer_target *t = receive_target(r);
	int rc;

	if (r->index == 0) {
		say_done(r);
		return;
	}
	r->index--;
	if (r->found[r->index] != FOUND_OURS)
		return;
	r->entry = manifest_get(r->manifest, r->index);
	rc = t->finish_directory(t->arg, &r->entry);
	if (rc != 0)
		transfer_fail_file(&r->core, r->entry.path, "given its mode and time", rc);
}

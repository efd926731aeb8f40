/* Before data flow: what of the offer is here already, and what is from an earlier run. */
#include <stdio.h>

#include "transfer_receive_state.h"

#define LOOKS_PER_STEP 64

static void add_clash(struct transfer_receive *r, const struct transfer_entry *e)
{
	char name[SAFE_TEXT_MAX];
	size_t used = strlen(r->clash_names), left = sizeof(r->clash_names) - used;

	r->clashes++;
	transfer_tell(&r->core, TRANSFER_ON_CLASH, r->index, 0, NULL);
	safe_text(e->path, name);
	r->is_cut = r->is_cut || strlen(name) + 3 >= left;
	if (!r->is_cut)
		snprintf(r->clash_names + used, left, "%s%s", used > 0 ? ", " : "", name);
}

static void note(struct transfer_receive *r, const struct transfer_entry *e,
		 enum transfer_found found, uint64_t part)
{
	bool is_file = e->kind == ENTRY_FILE;

	r->found[r->index] = (uint8_t)found;
	r->odd += found == FOUND_ODD;
	if (found == FOUND_ODD || (found == FOUND_OTHER && !r->config.force))
		add_clash(r, e);
	if (is_file && found != FOUND_SAME && part > 0 && part <= e->size &&
	    r->part_index == UINT32_MAX) {
		r->part_index = r->index;
		r->part_size = part;
	}
}

static void end_looking(struct transfer_receive *r)
{
	if (r->clashes == 0) {
		r->stage = AWAITS_CONSENT;
		transfer_tell(&r->core, TRANSFER_ON_OFFER, 0, 0, NULL);
		return;
	}
	transfer_fail(
		&r->core, "%u of the names %s where %s would be put (%s%s); %s",
		(unsigned)r->clashes, r->clashes > 1 ? "exist" : "exists",
		r->clashes > 1 ? "they" : "it", r->clash_names, r->is_cut ? ", ..." : "",
		r->odd > 0
			? "move them away: a file does not replace a directory, nor the "
			  "other way round"
			: "move them away, or run natprobe receive --force, which replaces files "
			  "and adds to directories");
}

void receive_look(struct transfer_receive *r)
{
	struct transfer_target *t = receive_target(r);

	for (int i = 0; i < LOOKS_PER_STEP && r->index < r->count; i++, r->index++) {
		struct transfer_entry e = manifest_get(r->manifest, r->index);
		enum transfer_found found = FOUND_NOTHING;
		uint64_t part = 0;
		int rc = t->look(t->arg, &e, &found, &part);

		if (rc != 0) {
			transfer_fail_file(&r->core, e.path, "looked at", rc);
			return;
		}
		note(r, &e, found, part);
	}
	if (r->index == r->count)
		end_looking(r);
}

/* Tells the sender what is here of an open file. */
static void end_hashing(struct transfer_receive *r, const struct transfer_digest *d)
{
	struct have have = { .index = r->index, .at = r->hash_to };
	struct transfer_msg m = { .kind = TRANSFER_HAVE, .index = r->index, .at = r->hash_to };

	receive_close(r);
	r->is_hashing = false;
	digest_so_far(d, have.digest);
	memcpy(m.digest, have.digest, sizeof(m.digest));
	if (!have_add(&r->haves, &have)) {
		transfer_fail(&r->core, "out of memory; send less at a time");
		return;
	}
	transfer_put(&r->core, &m);
	r->index++;
}

static void hash_some(struct transfer_receive *r)
{
	const struct transfer_digest *d = receive_digest(r);
	struct transfer_target *t = receive_target(r);
	uint64_t left = r->hash_to - r->at, hole = 0;
	size_t cap = left < sizeof(r->chunk) ? (size_t)left : sizeof(r->chunk);
	int64_t n;

	if (left == 0) {
		end_hashing(r, d);
		return;
	}
	n = t->read(t->arg, r->at, r->chunk, cap, &hole);
	if (n < 0 || (n == 0 && hole == 0)) {
		transfer_fail_file(&r->core, r->entry.path, "read again",
				   n < 0 ? (int)n : TRANSFER_CHANGED);
		return;
	}
	if (n > 0)
		digest_add(d, bytes_of(r->chunk, (size_t)n));
	r->at += (uint64_t)n;
	r->core.progress.checked += (uint64_t)n;
	r->zeros = hole < left ? hole : left;
}

static void begin_hashing(struct transfer_receive *r, uint64_t size, bool is_part)
{
	struct transfer_target *t = receive_target(r);
	int rc = t->open_old(t->arg, &r->entry, is_part);

	if (rc != 0) {
		transfer_fail_file(&r->core, r->entry.path, "read again", rc);
		return;
	}
	r->is_open = true;
	r->is_hashing = true;
	r->core.progress.is_checking = true;
	r->is_resumed = is_part;
	r->at = 0;
	r->hash_to = size;
	digest_begin(receive_digest(r));
}

static void end_preparing(struct transfer_receive *r)
{
	const struct transfer_msg m = { .kind = TRANSFER_ACCEPT };

	r->index = 0;
	r->stage = AWAITS_FILE;
	r->is_resumed = false;
	r->core.progress.is_checking = false;
	r->core.progress.is_moving = true;
	transfer_put(&r->core, &m);
	transfer_tell(&r->core, TRANSFER_ON_ACCEPT, 0, 0, NULL);
}

void receive_prepare(struct transfer_receive *r)
{
	struct transfer_target *t = receive_target(r);
	int rc;

	if (r->is_hashing) {
		hash_some(r);
		return;
	}
	if (r->index == r->count) {
		end_preparing(r);
		return;
	}
	r->entry = manifest_get(r->manifest, r->index);
	if (r->entry.kind == ENTRY_FILE && r->found[r->index] == FOUND_SAME && r->entry.size > 0) {
		begin_hashing(r, r->entry.size, false);
		return;
	}
	if (r->index == r->part_index) {
		begin_hashing(r, r->part_size, true);
		return;
	}
	if (r->entry.kind == ENTRY_DIRECTORY && r->found[r->index] == FOUND_NOTHING) {
		rc = t->make_directory(t->arg, &r->entry);
		if (rc != 0) {
			transfer_fail_file(&r->core, r->entry.path, "made", rc);
			return;
		}
		r->found[r->index] = FOUND_OURS;
	}
	r->index++;
}

#include "transfer_receive.h"

#include <stdlib.h>

#include "transfer_receive_state.h"

struct transfer_receive *transfer_receive_new(const struct transfer_receive_config *config)
{
	struct transfer_receive *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = *config;
	r->core.on_output = config->on_output;
	r->core.on_event = config->on_event;
	r->core.arg = config->arg;
	r->part_index = UINT32_MAX;
	r->manifest = manifest_new(config->key);
	if (r->manifest == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void transfer_receive_free(struct transfer_receive *r)
{
	if (r == NULL)
		return;
	receive_close(r);
	have_clear(&r->haves);
	manifest_free(r->manifest);
	free(r->found);
	free(r);
}

void transfer_receive_malformed(struct transfer_receive *r)
{
	transfer_fail(&r->core, "the other side says what is no message of natprobe send");
}

static void on_hello(struct transfer_receive *r, const struct transfer_msg *m)
{
	const struct transfer_msg hello = { .kind = TRANSFER_HELLO, .version = TRANSFER_VERSION };

	if (!transfer_check_hello(&r->core, m, true))
		return;
	transfer_put(&r->core, &hello);
	r->stage = AWAITS_OFFER;
}

static void on_all_entries(struct transfer_receive *r)
{
	if (manifest_total(r->manifest) != r->total) {
		transfer_fail(&r->core,
			      "the sizes that were told do not add up to what was offered; "
			      "nothing was taken");
		return;
	}
	r->core.progress.files = manifest_files(r->manifest);
	r->core.progress.bytes = r->total;
	r->found = calloc(r->count > 0 ? r->count : 1, sizeof(*r->found));
	if (r->found == NULL)
		transfer_fail(&r->core, "out of memory; send less at a time");
	r->index = 0;
	r->stage = LOOKS;
}

static void on_offer(struct transfer_receive *r, const struct transfer_msg *m)
{
	if (m->count > TRANSFER_ENTRIES_MAX) {
		transfer_fail(&r->core,
			      "%u files and directories are too many at a time; send less, "
			      "or an archive: tar c DIR | natprobe pipe",
			      (unsigned)m->count);
		return;
	}
	r->count = m->count;
	r->total = m->total;
	r->stage = AWAITS_ENTRIES;
	if (r->count == 0)
		on_all_entries(r);
}

static void on_entry(struct transfer_receive *r, const struct transfer_msg *m)
{
	char name[SAFE_TEXT_MAX];
	uint8_t path[SAFE_PATH_MAX];
	struct transfer_entry e = m->entry;
	enum manifest_result result;
	enum safe_name verdict;
	size_t len = 0;

	verdict = safe_name(m->entry.path, path, &len);
	if (!safe_name_is_good(verdict)) {
		transfer_fail(&r->core, "the name \"%s\" %s; nothing was taken",
			      safe_text(m->entry.path, name), safe_name_why(verdict));
		return;
	}
	e.path = bytes_of(path, len);
	result = manifest_add(r->manifest, &e);
	if (result != MANIFEST_OK)
		transfer_fail(&r->core, "\"%s\" %s; nothing was taken",
			      safe_text(m->entry.path, name), manifest_why(result));
	else if (manifest_count(r->manifest) == r->count)
		on_all_entries(r);
}

static void on_bye(struct transfer_receive *r)
{
	transfer_succeed(&r->core);
}

static void while_opening(struct transfer_receive *r, const struct transfer_msg *m)
{
	if (r->stage == AWAITS_HELLO)
		on_hello(r, m);
	else if (r->stage == AWAITS_OFFER && m->kind == TRANSFER_OFFER)
		on_offer(r, m);
	else if (r->stage == AWAITS_ENTRIES && m->kind == TRANSFER_ENTRY)
		on_entry(r, m);
	else
		transfer_receive_malformed(r);
}

static void while_moving(struct transfer_receive *r, const struct transfer_msg *m)
{
	if (r->stage == AWAITS_FILE && m->kind == TRANSFER_FILE)
		receive_file(r, m);
	else if (r->stage == AWAITS_FILE && m->kind == TRANSFER_END)
		receive_end(r);
	else if (r->stage == AWAITS_DATA && m->kind == TRANSFER_DATA)
		receive_data(r, m->data);
	else if (r->stage == AWAITS_DATA && m->kind == TRANSFER_HOLE)
		receive_hole(r, m->len);
	else if (r->stage == AWAITS_DATA && m->kind == TRANSFER_FILE_END)
		receive_file_end(r, m->digest);
	else if (r->stage == AWAITS_BYE && m->kind == TRANSFER_BYE)
		on_bye(r);
	else
		transfer_receive_malformed(r);
}

void transfer_receive_input(struct transfer_receive *r, const struct transfer_msg *m)
{
	if (r->core.is_over)
		return;
	if (m->kind == TRANSFER_FAILED)
		transfer_fail_told(&r->core, m->data);
	else if (r->stage < LOOKS)
		while_opening(r, m);
	else
		while_moving(r, m);
	if (r->core.is_over)
		receive_close(r);
}

static bool has_step(const struct transfer_receive *r)
{
	return r->stage == LOOKS || r->stage == PREPARES || r->stage == FINISHES || r->zeros > 0;
}

bool transfer_receive_is_ready(const struct transfer_receive *r)
{
	return !r->core.is_over && !has_step(r);
}

enum transfer_work transfer_receive_step(struct transfer_receive *r)
{
	if (r->core.is_over)
		return TRANSFER_OVER;
	if (r->zeros > 0)
		receive_some_zeros(r);
	else if (r->stage == LOOKS)
		receive_look(r);
	else if (r->stage == PREPARES)
		receive_prepare(r);
	else if (r->stage == FINISHES)
		receive_finish(r);
	if (!r->core.is_over)
		return has_step(r) ? TRANSFER_MORE : TRANSFER_WAIT;
	receive_close(r);
	return TRANSFER_OVER;
}

void transfer_receive_consent(struct transfer_receive *r, bool is_given)
{
	if (r->core.is_over || r->stage != AWAITS_CONSENT)
		return;
	r->stage = PREPARES;
	r->index = 0;
	if (!is_given)
		transfer_fail(&r->core, "the receiver said no; nothing was taken");
}

void transfer_receive_lost(struct transfer_receive *r)
{
	if (r->stage == AWAITS_BYE) {
		transfer_succeed(&r->core);
		return;
	}
	if (r->stage >= PREPARES)
		transfer_fail(&r->core, "the other side left before the end; run both sides again: "
					"it goes on where it was");
	else
		transfer_fail(&r->core, "the other side left before anything was taken; "
					"run both sides again");
	receive_close(r);
}

void transfer_receive_interrupt(struct transfer_receive *r)
{
	transfer_interrupt(&r->core);
	receive_close(r);
}

bool transfer_receive_is_placed(const struct transfer_receive *r)
{
	return r->stage == AWAITS_BYE;
}

const struct manifest *transfer_receive_manifest(const struct transfer_receive *r)
{
	return r->manifest;
}

const struct transfer_core *transfer_receive_core(const struct transfer_receive *r)
{
	return &r->core;
}

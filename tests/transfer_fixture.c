#include "transfer_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void clear_node(struct memory_node *n)
{
	for (size_t i = 0; i < n->piece_count; i++)
		free(n->pieces[i].data);
	*n = (struct memory_node){ 0 };
}

void memory_clear(struct memory *m)
{
	for (size_t i = 0; i < MEMORY_NODES; i++)
		clear_node(&m->nodes[i]);
}

struct memory_node *memory_find(struct memory *m, const char *path, bool is_part)
{
	for (size_t i = 0; i < MEMORY_NODES; i++) {
		struct memory_node *n = &m->nodes[i];

		if (n->path[0] != '\0' && strcmp(n->path, path) == 0 && n->is_part == is_part)
			return n;
	}
	return NULL;
}

struct memory_node *memory_add(struct memory *m, const char *path, uint8_t kind, uint64_t size)
{
	for (size_t i = 0; i < MEMORY_NODES; i++) {
		struct memory_node *n = &m->nodes[i];

		if (n->path[0] != '\0')
			continue;
		*n = (struct memory_node){ .kind = kind, .mode = 0640, .mtime_s = 1, .size = size };
		snprintf(n->path, sizeof(n->path), "%s", path);
		return n;
	}
	fail_msg("no room for %s", path);
	return NULL;
}

/* Behind what is there, or over it where it was written before. */
void memory_store(struct memory_node *n, uint64_t at, const void *data, size_t len)
{
	struct memory_piece *last = n->piece_count > 0 ? &n->pieces[n->piece_count - 1] : NULL;

	if (last != NULL && last->at + last->len == at) {
		last->data = realloc(last->data, last->len + len);
	} else {
		assert_true(n->piece_count < MEMORY_PIECES);
		last = &n->pieces[n->piece_count++];
		*last = (struct memory_piece){ .at = at, .data = malloc(len) };
	}
	assert_non_null(last->data);
	memcpy(last->data + last->len, data, len);
	last->len += len;
	if (n->size < at + len)
		n->size = at + len;
}

void memory_text(struct memory *m, const char *path, const char *text)
{
	struct memory_node *n = memory_add(m, path, ENTRY_FILE, 0);

	if (text[0] != '\0')
		memory_store(n, 0, text, strlen(text));
}

bool memory_is_text(struct memory *m, const char *path, const char *text)
{
	const struct memory_node *n = memory_find(m, path, false);
	size_t len = strlen(text);

	if (n == NULL || n->size != len)
		return false;
	return len == 0 || (n->piece_count == 1 && memcmp(n->pieces[0].data, text, len) == 0);
}

struct manifest *memory_manifest(struct memory *m)
{
	struct manifest *list = manifest_new((const uint8_t[MANIFEST_KEY_LEN]){ 0 });

	assert_non_null(list);
	for (size_t i = 0; i < MEMORY_NODES && m->nodes[i].path[0] != '\0'; i++) {
		const struct memory_node *n = &m->nodes[i];
		const struct transfer_entry e = { .kind = n->kind,
						  .mode = n->mode,
						  .mtime_s = n->mtime_s,
						  .size = n->size,
						  .path = bytes_of_str(n->path) };

		assert_int_equal(manifest_add(list, &e), MANIFEST_OK);
	}
	return list;
}

static struct memory_node *node_of(struct memory *m, const struct transfer_entry *e, bool is_part)
{
	char path[64];

	snprintf(path, sizeof(path), "%.*s", (int)e->path.len, (const char *)e->path.data);
	return memory_find(m, path, is_part);
}

static int64_t on_read(void *arg, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole)
{
	struct memory *m = arg;
	const struct memory_node *n = m->open;
	uint64_t next = n->size;

	if (m->read_fails != 0)
		return m->read_fails;
	for (size_t i = 0; i < n->piece_count; i++) {
		const struct memory_piece *p = &n->pieces[i];
		uint64_t end = p->at + p->len < n->size ? p->at + p->len : n->size;

		if (at >= p->at && at < end) {
			size_t len = (size_t)(end - at) < cap ? (size_t)(end - at) : cap;

			if (m->is_eager)
				len = 1;
			memcpy(buf, p->data + (at - p->at), len);
			return (int64_t)len;
		}
		if (p->at > at && p->at < next)
			next = p->at;
	}
	*hole = at < next ? next - at : 0;
	return 0;
}

static int on_source_open(void *arg, uint32_t index)
{
	struct memory *m = arg;
	const struct transfer_entry e = manifest_get(m->manifest, index);

	m->open = node_of(m, &e, false);
	if (m->open == NULL)
		return -ENOENT;
	return m->open->size == e.size ? 0 : TRANSFER_CHANGED;
}

static int on_source_close(void *arg)
{
	struct memory *m = arg;
	bool changes = m->open == &m->nodes[m->changes_at] && m->changes_at > 0;

	m->open = NULL;
	return changes ? TRANSFER_CHANGED : 0;
}

struct transfer_source memory_source(struct memory *m)
{
	return (struct transfer_source){
		.open = on_source_open, .read = on_read, .close = on_source_close, .arg = m
	};
}

static int on_look(void *arg, const struct transfer_entry *e, enum transfer_found *found,
		   uint64_t *part)
{
	const struct memory_node *n = node_of(arg, e, false);
	const struct memory_node *p = node_of(arg, e, true);

	*part = p != NULL ? p->size : 0;
	if (n == NULL)
		*found = FOUND_NOTHING;
	else if (n->kind != e->kind || n->is_odd)
		*found = FOUND_ODD;
	else if (n->is_ours)
		*found = FOUND_OURS;
	else if (n->size == e->size && n->mtime_s == e->mtime_s)
		*found = FOUND_SAME;
	else
		*found = FOUND_OTHER;
	return 0;
}

static int on_open_old(void *arg, const struct transfer_entry *e, bool is_part)
{
	struct memory *m = arg;

	m->open = node_of(m, e, is_part);
	return m->open != NULL ? 0 : -ENOENT;
}

static void path_of(const struct transfer_entry *e, char out[static 64])
{
	snprintf(out, 64, "%.*s", (int)e->path.len, (const char *)e->path.data);
}

static int on_make_directory(void *arg, const struct transfer_entry *e)
{
	char path[64];

	path_of(e, path);
	memory_add(arg, path, ENTRY_DIRECTORY, 0)->is_ours = true;
	return 0;
}

static void cut(struct memory_node *n, uint64_t at)
{
	while (n->piece_count > 0 && n->pieces[n->piece_count - 1].at >= at)
		free(n->pieces[--n->piece_count].data);
	if (n->piece_count > 0 &&
	    n->pieces[n->piece_count - 1].at + n->pieces[n->piece_count - 1].len > at)
		n->pieces[n->piece_count - 1].len = (size_t)(at - n->pieces[n->piece_count - 1].at);
	n->size = at;
}

static int on_open(void *arg, const struct transfer_entry *e, uint64_t at)
{
	struct memory *m = arg;
	char path[64];

	path_of(e, path);
	m->open = node_of(m, e, true);
	if (m->open == NULL) {
		m->open = memory_add(m, path, ENTRY_FILE, 0);
		m->open->is_part = true;
	}
	assert_true(at <= m->open->size);
	cut(m->open, at);
	return 0;
}

static int on_write(void *arg, uint64_t at, struct bytes data)
{
	struct memory *m = arg;

	m->written++;
	if (data.len > m->room)
		return -ENOSPC;
	m->room -= data.len;
	memory_store(m->open, at, data.data, data.len);
	return 0;
}

static int on_finish(void *arg, const struct transfer_entry *e, bool replaces)
{
	struct memory *m = arg;
	struct memory_node *old = node_of(m, e, false);

	if (old != NULL && !replaces)
		return -EEXIST;
	if (old != NULL)
		clear_node(old);
	m->open->is_part = false;
	m->open->size = e->size;
	m->open->mode = e->mode;
	m->open->mtime_s = e->mtime_s;
	return 0;
}

static int on_finish_directory(void *arg, const struct transfer_entry *e)
{
	struct memory_node *n = node_of(arg, e, false);

	n->is_ours = false;
	n->mode = e->mode;
	n->mtime_s = e->mtime_s;
	return 0;
}

static void on_close(void *arg)
{
	struct memory *m = arg;

	m->open = NULL;
}

static void on_drop(void *arg, const struct transfer_entry *e)
{
	clear_node(node_of(arg, e, true));
	on_close(arg);
}

struct transfer_target memory_target(struct memory *m)
{
	return (struct transfer_target){ .look = on_look,
					 .open_old = on_open_old,
					 .read = on_read,
					 .make_directory = on_make_directory,
					 .open = on_open,
					 .write = on_write,
					 .finish = on_finish,
					 .finish_directory = on_finish_directory,
					 .close = on_close,
					 .drop = on_drop,
					 .arg = m };
}

static void sum_begin(void *arg)
{
	*(struct sum *)arg = (struct sum){ 0 };
}

static void sum_add(void *arg, struct bytes data)
{
	struct sum *s = arg;

	for (size_t i = 0; i < data.len; i++)
		s->sum += ++s->at * data.data[i];
}

static void sum_add_zeros(void *arg, uint64_t n)
{
	struct sum *s = arg;

	s->at += n;
}

static void sum_so_far(void *arg, uint8_t out[static TRANSFER_DIGEST_LEN])
{
	memset(out, 0, TRANSFER_DIGEST_LEN);
	memcpy(out, arg, sizeof(struct sum));
}

struct transfer_digest sum_digest(struct sum *s)
{
	return (struct transfer_digest){ .begin = sum_begin,
					 .add = sum_add,
					 .add_zeros = sum_add_zeros,
					 .so_far = sum_so_far,
					 .arg = s };
}

static void append(struct pipe_end *p, struct bytes data)
{
	if (p->len + data.len > p->cap) {
		p->cap = 2 * (p->len + data.len);
		p->data = realloc(p->data, p->cap);
		assert_non_null(p->data);
	}
	memcpy(p->data + p->len, data.data, data.len);
	p->len += data.len;
}

static void on_output_of_send(void *arg, struct bytes frame)
{
	append(&((struct transfer_pair *)arg)->to_receive, frame);
}

static void on_output_of_receive(void *arg, struct bytes frame)
{
	append(&((struct transfer_pair *)arg)->to_send, frame);
}

static void on_event_of_send(void *arg, const struct transfer_event *e)
{
}

static void on_event_of_receive(void *arg, const struct transfer_event *e)
{
	struct transfer_pair *p = arg;

	p->offers += e->kind == TRANSFER_ON_OFFER;
	p->clashes += e->kind == TRANSFER_ON_CLASH;
	p->files_begun += e->kind == TRANSFER_ON_FILE;
	p->files_ended += e->kind == TRANSFER_ON_FILE_END;
	if (e->kind == TRANSFER_ON_FILE)
		p->last_at = e->at;
}

void pair_begin(struct transfer_pair *p)
{
	struct transfer_send_config send = { .digest = sum_digest(&p->sums[0]),
					     .on_output = on_output_of_send,
					     .on_event = on_event_of_send,
					     .arg = p };
	const struct transfer_receive_config receive = { .target = memory_target(&p->there),
							 .digest = sum_digest(&p->sums[1]),
							 .old_digest = sum_digest(&p->sums[2]),
							 .force = p->force,
							 .on_output = on_output_of_receive,
							 .on_event = on_event_of_receive,
							 .arg = p };

	p->manifest = memory_manifest(&p->here);
	p->here.manifest = p->manifest;
	if (p->there.room == 0)
		p->there.room = UINT64_MAX;
	send.manifest = p->manifest;
	send.source = memory_source(&p->here);
	p->send = transfer_send_new(&send);
	p->receive = transfer_receive_new(&receive);
	assert_non_null(p->send);
	assert_non_null(p->receive);
}

/* The next message of a pipe, if all of it is there. */
static size_t next(const struct pipe_end *p, struct transfer_msg *m)
{
	size_t need = transfer_wire_need(bytes_of(p->data, p->len));

	assert_int_not_equal(need, 0);
	if (p->len < TRANSFER_HEAD || p->len < need)
		return 0;
	assert_true(transfer_wire_read(bytes_of(p->data, need), m));
	return need;
}

static void take(struct pipe_end *p, size_t n)
{
	p->len -= n;
	memmove(p->data, p->data + n, p->len);
}

static bool carry_to_receive(struct transfer_pair *p)
{
	struct transfer_msg m;
	size_t n;

	if (!transfer_receive_is_ready(p->receive) || (n = next(&p->to_receive, &m)) == 0)
		return false;
	p->carried += n;
	if (p->cut_after > 0 && p->carried > p->cut_after)
		return false;
	transfer_receive_input(p->receive, &m);
	take(&p->to_receive, n);
	return true;
}

static bool carry_to_send(struct transfer_pair *p)
{
	struct transfer_msg m;
	size_t n = next(&p->to_send, &m);

	if (n == 0)
		return false;
	transfer_send_input(p->send, &m);
	take(&p->to_send, n);
	return true;
}

static bool is_cut(const struct transfer_pair *p)
{
	return p->cut_after > 0 && p->carried > p->cut_after;
}

void pair_run(struct transfer_pair *p)
{
	bool is_busy = true;

	while (is_busy && !is_cut(p)) {
		is_busy = p->to_receive.len < 65536 * 4 &&
			  transfer_send_step(p->send) == TRANSFER_MORE;
		is_busy = transfer_receive_step(p->receive) == TRANSFER_MORE || is_busy;
		is_busy = carry_to_receive(p) || is_busy;
		is_busy = carry_to_send(p) || is_busy;
		if (p->offers > 0 && !is_busy) {
			p->offers = 0;
			transfer_receive_consent(p->receive, !p->refuses);
			is_busy = true;
		}
	}
	if (is_cut(p)) {
		transfer_send_lost(p->send);
		transfer_receive_lost(p->receive);
	}
}

void pair_end(struct transfer_pair *p)
{
	transfer_send_free(p->send);
	transfer_receive_free(p->receive);
	manifest_free(p->manifest);
	p->send = NULL;
	p->receive = NULL;
	p->manifest = NULL;
	p->to_receive.len = 0;
	p->to_send.len = 0;
	p->carried = 0;
	p->cut_after = 0;
	p->files_begun = 0;
	p->files_ended = 0;
	p->offers = 0;
	p->there.open = NULL;
}

void pair_free(struct transfer_pair *p)
{
	pair_end(p);
	free(p->to_receive.data);
	free(p->to_send.data);
	memory_clear(&p->here);
	memory_clear(&p->there);
	*p = (struct transfer_pair){ 0 };
}

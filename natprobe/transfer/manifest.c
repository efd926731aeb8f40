#include "manifest.h"

#include <stdlib.h>

#include "siphash.h"

#define FIRST_RECORDS 64
#define FIRST_BYTES   4096
#define ROUNDS_WORD   1
#define ROUNDS_END    3

struct record {
	uint64_t size;
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t path_at;
	uint16_t path_len;
	uint16_t mode;
	uint8_t kind;
};

struct manifest {
	uint8_t key[MANIFEST_KEY_LEN];
	struct record *records;
	uint32_t *slots; /* index + 1 of a record; 0: free. Twice as many as records fit. */
	uint8_t *paths;
	uint32_t count, cap, files;
	size_t paths_len, paths_cap;
	uint64_t total;
};

struct manifest *manifest_new(const uint8_t key[static MANIFEST_KEY_LEN])
{
	struct manifest *m = calloc(1, sizeof(*m));

	if (m != NULL)
		memcpy(m->key, key, MANIFEST_KEY_LEN);
	return m;
}

void manifest_free(struct manifest *m)
{
	if (m == NULL)
		return;
	free(m->records);
	free(m->slots);
	free(m->paths);
	free(m);
}

static uint64_t hash(const struct manifest *m, struct bytes path)
{
	struct siphash s = siphash_start(m->key);
	uint8_t last[8] = { 0 };
	size_t at = 0;

	for (; path.len - at >= 8; at += 8)
		siphash_word(&s, siphash_load_le64(path.data + at), ROUNDS_WORD);
	memcpy(last, path.data + at, path.len - at);
	last[7] = (uint8_t)path.len;
	siphash_word(&s, siphash_load_le64(last), ROUNDS_WORD);
	return siphash_end(&s, ROUNDS_END);
}

static struct bytes path_of(const struct manifest *m, const struct record *r)
{
	return bytes_of(m->paths + r->path_at, r->path_len);
}

/* Where it is, or the free slot where it would be. */
static uint32_t *slot_of(const struct manifest *m, struct bytes path)
{
	const uint64_t mask = 2 * (uint64_t)m->cap - 1;

	for (uint64_t i = hash(m, path) & mask;; i = (i + 1) & mask) {
		uint32_t index = m->slots[i];

		if (index == 0 || bytes_equal(path_of(m, &m->records[index - 1]), path))
			return &m->slots[i];
	}
}

static bool grow_records(struct manifest *m)
{
	uint32_t cap = m->cap == 0 ? FIRST_RECORDS : m->cap * 2;
	struct record *records = realloc(m->records, cap * sizeof(*records));
	uint32_t *slots;

	if (records == NULL)
		return false;
	m->records = records;
	slots = calloc(2 * (size_t)cap, sizeof(*slots));
	if (slots == NULL)
		return false;
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	for (uint32_t i = 0; i < m->count; i++)
		*slot_of(m, path_of(m, &m->records[i])) = i + 1;
	return true;
}

static bool grow_paths(struct manifest *m, size_t more)
{
	size_t cap = m->paths_cap == 0 ? FIRST_BYTES : m->paths_cap;
	uint8_t *paths;

	while (cap < m->paths_len + more)
		cap *= 2;
	if (cap == m->paths_cap)
		return true;
	paths = realloc(m->paths, cap);
	if (paths == NULL)
		return false;
	m->paths = paths;
	m->paths_cap = cap;
	return true;
}

static struct bytes parent_of(struct bytes path)
{
	while (path.len > 0 && path.data[path.len - 1] != '/')
		path.len--;
	return bytes_of(path.data, path.len > 0 ? path.len - 1 : 0);
}

static bool has_parent(const struct manifest *m, struct bytes path)
{
	struct bytes parent = parent_of(path);
	uint32_t index;

	if (parent.len == 0)
		return true;
	index = *slot_of(m, parent);
	return index > 0 && m->records[index - 1].kind == ENTRY_DIRECTORY;
}

static enum manifest_result check(const struct manifest *m, const struct transfer_entry *e)
{
	if (e->kind != ENTRY_FILE && e->kind != ENTRY_DIRECTORY)
		return MANIFEST_KIND;
	if (e->size > TRANSFER_SIZE_MAX || (e->kind == ENTRY_DIRECTORY && e->size > 0))
		return MANIFEST_SIZE;
	if (m->count >= TRANSFER_ENTRIES_MAX || m->paths_len + e->path.len > MANIFEST_PATHS_MAX)
		return MANIFEST_FULL;
	return MANIFEST_OK;
}

static void put(struct manifest *m, const struct transfer_entry *e)
{
	memcpy(m->paths + m->paths_len, e->path.data, e->path.len);
	m->records[m->count] = (struct record){ .size = e->size,
						.mtime_s = e->mtime_s,
						.mtime_ns = e->mtime_ns,
						.path_at = (uint32_t)m->paths_len,
						.path_len = (uint16_t)e->path.len,
						.mode = e->mode & TRANSFER_MODE,
						.kind = e->kind };
	m->paths_len += e->path.len;
	m->total += e->size;
	m->files += e->kind == ENTRY_FILE;
	m->count++;
}

enum manifest_result manifest_add(struct manifest *m, const struct transfer_entry *e)
{
	enum manifest_result r = check(m, e);
	uint32_t *slot;

	if (r != MANIFEST_OK)
		return r;
	if ((m->count == m->cap && !grow_records(m)) || !grow_paths(m, e->path.len))
		return MANIFEST_MEMORY;
	slot = slot_of(m, e->path);
	if (*slot != 0)
		return MANIFEST_TWICE;
	if (!has_parent(m, e->path))
		return MANIFEST_NO_PARENT;
	put(m, e);
	*slot = m->count;
	return MANIFEST_OK;
}

const char *manifest_why(enum manifest_result r)
{
	switch (r) {
	case MANIFEST_OK:
		return "is good";
	case MANIFEST_TWICE:
		return "is there twice";
	case MANIFEST_NO_PARENT:
		return "is in no directory that was told before";
	case MANIFEST_SIZE:
		return "has a size that cannot be";
	case MANIFEST_KIND:
		return "is neither a file nor a directory";
	case MANIFEST_FULL:
		return "is one name too many; send less at a time, or an archive: "
		       "tar c DIR | natprobe pipe";
	case MANIFEST_MEMORY:
		return "does not fit into memory";
	}
	return "is not good";
}

uint32_t manifest_count(const struct manifest *m)
{
	return m->count;
}

uint32_t manifest_files(const struct manifest *m)
{
	return m->files;
}

uint64_t manifest_total(const struct manifest *m)
{
	return m->total;
}

struct transfer_entry manifest_get(const struct manifest *m, uint32_t index)
{
	const struct record *r = &m->records[index];

	return (struct transfer_entry){ .kind = r->kind,
					.mode = r->mode,
					.mtime_ns = r->mtime_ns,
					.mtime_s = r->mtime_s,
					.size = r->size,
					.path = path_of(m, r) };
}

uint32_t manifest_next_file(const struct manifest *m, uint32_t index)
{
	while (index < m->count && m->records[index].kind != ENTRY_FILE)
		index++;
	return index;
}

#include "snapshot.h"

/* FNV-1a: names are of our own configuration, and nobody else chooses them. */
#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x00000100000001b3)

uint64_t snapshot_realm_id(struct bytes name)
{
	uint64_t id = FNV_START;

	for (size_t i = 0; i < name.len; i++)
		id = (id ^ name.data[i]) * FNV_PRIME;
	return id != 0 ? id : FNV_START;
}

const struct realm *snapshot_realm(const struct snapshot *s, uint64_t id)
{
	if (id == 0)
		return s->realm_count > 0 ? &s->realms[0] : NULL;
	for (size_t i = 0; i < s->realm_count; i++) {
		if (s->realms[i].id == id)
			return &s->realms[i];
	}
	return NULL;
}

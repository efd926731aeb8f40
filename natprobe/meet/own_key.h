/*
 * own_key - the key of our address: made once, kept in a file that only its owner may read, so that
 * an address stays good.
 */
#ifndef NATPROBE_OWN_KEY_H
#define NATPROBE_OWN_KEY_H

#include <stddef.h>
#include <stdint.h>

#define OWN_KEY_LEN      32
#define OWN_KEY_PATH_MAX 4096

struct own_key {
	char path[OWN_KEY_PATH_MAX];
	uint8_t private_key[OWN_KEY_LEN]; /* X25519 */
	uint8_t public_key[OWN_KEY_LEN];
};

/*
 * Reads it, or makes it with its folders where it is not there.
 * path  NULL: natprobe/key below XDG_STATE_HOME, or ~/.local/state
 * Returns 0 or -errno: -EPERM where others may read it, -EBADMSG where it is no key.
 */
int own_key_read(struct own_key *k, const char *path);

/* A fresh one that is kept nowhere. Returns 0 or -errno. */
int own_key_make(struct own_key *k);

void own_key_clear(struct own_key *k);

#endif

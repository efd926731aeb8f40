#include "own_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natprobe/state_file.h"

#define TEXT_LEN (2 * OWN_KEY_LEN) /* hex, and a line's end */

static int find_public(struct own_key *k)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, k->private_key,
						     sizeof(k->private_key));
	size_t len = sizeof(k->public_key);
	bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, k->public_key, &len) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -ENOMEM;
}

int own_key_make(struct own_key *k)
{
	if (RAND_priv_bytes(k->private_key, sizeof(k->private_key)) != 1)
		return -EIO;
	return find_public(k);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse(struct own_key *k, const char *text, size_t len)
{
	if (len < TEXT_LEN || len > TEXT_LEN + 1 || (len > TEXT_LEN && text[TEXT_LEN] != '\n'))
		return -EBADMSG;
	for (size_t i = 0; i < OWN_KEY_LEN; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		k->private_key[i] = (uint8_t)(high << 4 | low);
	}
	return find_public(k);
}

static int read_file(struct own_key *k, int fd)
{
	char text[TEXT_LEN + 2];
	struct stat st;
	ssize_t len;
	int rc;

	if (fstat(fd, &st) != 0)
		return -errno;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return -EPERM;
	len = read(fd, text, sizeof(text));
	rc = len < 0 ? -errno : parse(k, text, (size_t)len);
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

static int write_file(const struct own_key *k, int fd)
{
	char text[TEXT_LEN + 2];
	ssize_t len;

	for (size_t i = 0; i < OWN_KEY_LEN; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", k->private_key[i]);
	text[TEXT_LEN] = '\n';
	len = write(fd, text, TEXT_LEN + 1);
	OPENSSL_cleanse(text, sizeof(text));
	return len == TEXT_LEN + 1 ? 0 : -EIO;
}

/* Whole or not at all: of two who start at once, one makes it. */
static int make_file(struct own_key *k)
{
	char temporary[OWN_KEY_PATH_MAX + 8];
	int fd, rc = own_key_make(k);

	if (rc != 0)
		return rc;
	(void)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", k->path);
	fd = mkstemp(temporary); /* mode 0600 */
	if (fd < 0)
		return -errno;
	rc = write_file(k, fd);
	close(fd);
	if (rc == 0 && link(temporary, k->path) != 0)
		rc = -errno;
	unlink(temporary);
	return rc;
}

static int open_and_read(struct own_key *k)
{
	int fd = open(k->path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = read_file(k, fd);
	close(fd);
	return rc;
}

int own_key_read(struct own_key *k, const char *path)
{
	int rc = 0;

	*k = (struct own_key){ 0 };
	if (path == NULL)
		rc = state_file_path("key", k->path, sizeof(k->path));
	else if (snprintf(k->path, sizeof(k->path), "%s", path) >= (int)sizeof(k->path))
		rc = -ENAMETOOLONG;
	if (rc != 0)
		return rc;
	rc = open_and_read(k);
	if (rc == -ENOENT)
		rc = make_file(k);
	return rc == -EEXIST ? open_and_read(k) : rc;
}

void own_key_clear(struct own_key *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

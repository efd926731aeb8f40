#include "partner_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX       1024
#define PASSPHRASE_MIN 16

/* Of scrypt: 16 MiB, some tens of milliseconds. The salt only sets it apart from other uses. */
#define SCRYPT_N   16384
#define SCRYPT_R   8
#define SCRYPT_P   1
#define SCRYPT_MEM (64u * 1024 * 1024)

static bool fail(struct opt_error *err, const char *path, const char *what)
{
	snprintf(err->text, sizeof(err->text), "partner-key-file: %.200s: %s", path, what);
	return false;
}

static bool is_text(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		if ((in.data[i] < ' ' && in.data[i] != '\t') || in.data[i] == 0x7f)
			return false;
	}
	return true;
}

static struct bytes without_line_end(struct bytes in)
{
	while (in.len > 0 && (in.data[in.len - 1] == '\n' || in.data[in.len - 1] == '\r'))
		in.len--;
	return in;
}

static bool derive(struct bytes line, const char *path, uint8_t key[static PARTNER_KEY_LEN],
		   struct opt_error *err)
{
	static const char salt[] = "natkit stund partner";

	if (line.len < PASSPHRASE_MIN)
		return fail(err, path,
			    "is shorter than 16 characters; make a key with: openssl rand -hex 32");
	if (EVP_PBE_scrypt((const char *)line.data, line.len, (const unsigned char *)salt,
			   sizeof(salt) - 1, SCRYPT_N, SCRYPT_R, SCRYPT_P, SCRYPT_MEM, key,
			   PARTNER_KEY_LEN) != 1)
		return fail(err, path, "cannot be made a key of: out of memory");
	return true;
}

static bool make(struct bytes file, const char *path, uint8_t key[static PARTNER_KEY_LEN],
		 struct opt_error *err)
{
	struct bytes line = without_line_end(file);

	if (is_text(line))
		return derive(line, path, key, err);
	if (file.len != PARTNER_KEY_LEN)
		return fail(err, path, "is neither 32 bytes nor one line of text");
	memcpy(key, file.data, PARTNER_KEY_LEN);
	return true;
}

/* Returns how much there is, at most `cap`, or -errno. */
static ssize_t read_all(int fd, uint8_t *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

bool partner_key_read(const char *path, uint8_t key[static PARTNER_KEY_LEN], struct opt_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t buf[FILE_MAX + 1];
	ssize_t len;
	bool ok;

	if (fd < 0)
		return fail(err, path, strerror(errno));
	len = read_all(fd, buf, sizeof(buf));
	close(fd);
	if (len < 0)
		ok = fail(err, path, strerror((int)-len));
	else if (len > FILE_MAX)
		ok = fail(err, path, "is longer than 1 KiB; is it the right one?");
	else
		ok = make(bytes_of(buf, (size_t)len), path, key, err);
	OPENSSL_cleanse(buf, sizeof(buf));
	return ok;
}

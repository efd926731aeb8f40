#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct opt_error *err, const char *path, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%.200s: %s", path, what);
	return false;
}

/* Fills what there is room for, up to the end of the file. */
static bool fill(int fd, struct text_file *f, size_t room)
{
	while (f->len < room) {
		ssize_t n = read(fd, f->bytes + f->len, room - f->len);

		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			f->len += (size_t)n;
	}
	return true;
}

static bool read_open(int fd, const char *path, struct text_file *out, struct opt_error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(err, path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail(err, path, "is a folder; name a file");
	if (st.st_size < 0 || st.st_size > TEXT_FILE_MAX)
		return fail(err, path, "is longer than 64 MiB; is it the right one?");
	size_t room = (size_t)st.st_size + 1; /* one more shows that it has grown */
	out->bytes = malloc(room);
	if (out->bytes == NULL)
		return fail(err, path, "out of memory");
	if (!fill(fd, out, room))
		return fail(err, path, strerror(errno));
	if (out->len == room)
		return fail(err, path, "changes while it is read; try again");
	return true;
}

bool text_file_read(const char *path, struct text_file *out, struct opt_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok;

	*out = (struct text_file){ 0 };
	if (fd < 0)
		return fail(err, path, strerror(errno));
	ok = read_open(fd, path, out, err);
	close(fd);
	if (!ok)
		text_file_wipe(out);
	return ok;
}

void text_file_wipe(struct text_file *f)
{
	if (f->bytes != NULL)
		OPENSSL_cleanse(f->bytes, f->len);
	free(f->bytes);
	*f = (struct text_file){ 0 };
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trimmed(struct bytes text)
{
	while (text.len > 0 && is_blank(text.data[0]))
		text = bytes_of(text.data + 1, text.len - 1);
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

bool text_file_line(const struct text_file *f, size_t *at, size_t *number, struct bytes *out)
{
	while (*at < f->len) {
		const uint8_t *start = f->bytes + *at;
		const uint8_t *end = memchr(start, '\n', f->len - *at);
		size_t len = end != NULL ? (size_t)(end - start) : f->len - *at;

		*at += len + (end != NULL);
		*number += 1;
		*out = trimmed(bytes_of(start, len));
		if (out->len > 0 && out->data[0] != '#')
			return true;
	}
	return false;
}

bool text_file_word(struct bytes *line, struct bytes *out)
{
	size_t len = 0;

	*line = trimmed(*line);
	while (len < line->len && !is_blank(line->data[len]))
		len++;
	*out = bytes_of(line->data, len);
	*line = bytes_of(line->data + len, line->len - len);
	return len > 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_file_hex(struct bytes text, uint8_t *out, size_t len)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

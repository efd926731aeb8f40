/* Password files: lines of users with their keys, in sections of realms. */
#include "users.h"

#include <openssl/crypto.h>

#include "users_state.h"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `len` bytes in hex, and a space. */
static bool read_key(struct wire *in, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(wire_get_u8(in));
		int low = hex_digit(wire_get_u8(in));

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return wire_get_u8(in) == ' ';
}

/* A text that is in its prepared form, as it will be compared. */
static bool is_prepared(struct bytes text, size_t max)
{
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared;

	return text.len <= max && opaque_prepare(text, buf, sizeof(buf), &prepared) == OPAQUE_OK &&
	       bytes_equal(text, prepared);
}

static enum users_result read_realm(struct bytes line, struct users_line *out)
{
	if (line.len < 2 || line.data[line.len - 1] != ']')
		return USERS_LINE_OPEN_REALM;
	out->kind = USERS_LINE_REALM;
	out->text = bytes_of(line.data + 1, line.len - 2);
	return is_prepared(out->text, OPAQUE_MAX) ? USERS_OK : USERS_BAD_REALM;
}

static enum users_result read_user(struct bytes line, struct users_line *out)
{
	struct wire in = wire_read(line);

	if (!read_key(&in, out->md5, sizeof(out->md5)) ||
	    !read_key(&in, out->sha256, sizeof(out->sha256)))
		return USERS_LINE_BAD_KEYS;
	out->kind = USERS_LINE_USER;
	out->text = wire_get_bytes(&in, in.left);
	return is_prepared(out->text, USERS_NAME_MAX) ? USERS_OK : USERS_BAD_NAME;
}

enum users_result users_read_line(struct bytes line, struct users_line *out)
{
	struct users_line read = { .kind = USERS_LINE_NOTHING };
	enum users_result result = USERS_OK;

	if (line.len > USERS_LINE_MAX)
		return USERS_LINE_TOO_LONG;
	if (line.len > 0 && line.data[0] == '[')
		result = read_realm(line, &read);
	else if (line.len > 0 && line.data[0] != '#')
		result = read_user(line, &read);
	if (result == USERS_OK)
		*out = read;
	OPENSSL_cleanse(&read, sizeof(read));
	return result;
}

/* Takes the next line off `text`, without its line end. */
static struct bytes next_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
	size_t taken = end != NULL ? len + 1 : len;
	struct bytes line = bytes_of(text->data, len);

	*text = bytes_of(text->data + taken, text->len - taken);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Which section of a file is being read. */
enum section {
	SECTION_NONE,
	SECTION_OURS,
	SECTION_OTHER,
};

static enum users_result add_line(struct users *u, const struct users_line *read, uint32_t line,
				  enum section *section)
{
	struct user keys = { .source = USERS_FROM_FILE, .line = line };
	enum users_result result;

	if (read->kind == USERS_LINE_REALM)
		*section = bytes_equal(read->text, users_realm(u)) ? SECTION_OURS : SECTION_OTHER;
	if (read->kind != USERS_LINE_USER || *section == SECTION_OTHER)
		return USERS_OK;
	if (*section == SECTION_NONE)
		return USERS_LINE_NO_REALM;
	memcpy(keys.md5, read->md5, sizeof(keys.md5));
	memcpy(keys.sha256, read->sha256, sizeof(keys.sha256));
	result = users_add_keys(u, read->text, &keys);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return result;
}

enum users_result users_add_file(struct users *u, struct bytes text, uint32_t *line)
{
	enum section section = SECTION_NONE;
	enum users_result result = USERS_OK;
	struct users_line read;

	for (uint32_t number = 1; text.len > 0 && result == USERS_OK; number++) {
		result = users_read_line(next_line(&text), &read);
		if (result == USERS_OK)
			result = add_line(u, &read, number, &section);
		*line = number;
	}
	OPENSSL_cleanse(&read, sizeof(read));
	return result;
}

static void put_hex(struct wire_out *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		wire_put_u8(out, (uint8_t)"0123456789abcdef"[bytes[i] >> 4]);
		wire_put_u8(out, (uint8_t)"0123456789abcdef"[bytes[i] & 15]);
	}
	wire_put_u8(out, ' ');
}

enum users_result users_make_line(struct bytes realm, struct bytes name, struct bytes password,
				  char out[static USERS_LINE_MAX + 1])
{
	struct wire_out w = wire_write(out, USERS_LINE_MAX + 1);
	uint8_t realm_buf[OPAQUE_MAX], name_buf[OPAQUE_MAX];
	struct bytes prepared_realm, prepared_name;
	struct user keys = { 0 };

	if (opaque_prepare(realm, realm_buf, sizeof(realm_buf), &prepared_realm) != OPAQUE_OK)
		return USERS_BAD_REALM;
	if (!users_prepare_name(name, name_buf, &prepared_name))
		return USERS_BAD_NAME;
	if (!users_derive(prepared_name, prepared_realm, password, &keys))
		return USERS_BAD_PASSWORD;
	put_hex(&w, keys.md5, sizeof(keys.md5));
	put_hex(&w, keys.sha256, sizeof(keys.sha256));
	wire_put_mem(&w, prepared_name.data, prepared_name.len);
	wire_put_u8(&w, '\0');
	OPENSSL_cleanse(&keys, sizeof(keys));
	return USERS_OK;
}

enum users_result users_make_realm_line(struct bytes realm, char out[static USERS_LINE_MAX + 1])
{
	struct wire_out w = wire_write(out, USERS_LINE_MAX + 1);
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared;

	if (opaque_prepare(realm, buf, sizeof(buf), &prepared) != OPAQUE_OK)
		return USERS_BAD_REALM;
	wire_put_u8(&w, '[');
	wire_put_mem(&w, prepared.data, prepared.len);
	wire_put_u8(&w, ']');
	wire_put_u8(&w, '\0');
	return USERS_OK;
}

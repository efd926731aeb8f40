#include "relay_secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "natprobe/file.h"
#include "prompt.h"

#define FILE_MAX     8192
#define USERNAME_MAX 508 /* bytes (RFC 8489, section 14.3) */

static const char variable[] = "NATPROBE_TURN_PASSWORD";

void relay_secrets_clear(struct relay_secrets *s)
{
	explicit_bzero(s, sizeof(*s));
}

static bool prepare(const char *text, size_t len, uint8_t *buf, struct bytes *out, const char **why)
{
	enum opaque_result rc = opaque_prepare(bytes_of(text, len), buf, OPAQUE_MAX, out);

	*why = opaque_why(rc);
	return rc == OPAQUE_OK;
}

/* Up to its first line break. */
static size_t line_len(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && text[i] != '\n' && text[i] != '\r')
		i++;
	return i;
}

static void forget(char *text, size_t len)
{
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
}

/* A person is asked, who has nothing in a file yet. */
static bool ask_password(struct relay_secrets *s, const char **why)
{
	char text[OPAQUE_MAX + 2];
	bool ok = false;

	switch (prompt_line(stdin, "Password: ", text, sizeof(text))) {
	case PROMPT_OK:
		ok = prepare(text, strlen(text), s->password, &s->credentials.password, why);
		break;
	case PROMPT_LONG:
		*why = "the password is too long";
		break;
	case PROMPT_NOTHING:
		*why = "no password";
		break;
	}
	explicit_bzero(text, sizeof(text));
	return ok;
}

static bool read_password(struct relay_secrets *s, const char *file, const char **what,
			  const char **why)
{
	const char *value = getenv(variable);
	char *text;
	size_t len;
	bool ok;
	int rc;

	if (file == NULL && value == NULL && prompt_is_person(stdin)) {
		*what = "--user";
		return ask_password(s, why);
	}
	if (file == NULL) {
		*what = variable;
		*why = "no password; set this variable, or give --password-file";
		return value != NULL &&
		       prepare(value, strlen(value), s->password, &s->credentials.password, why);
	}
	*what = file;
	rc = file_read(file, FILE_MAX, &text, &len);
	if (rc != 0) {
		*why = strerror(-rc);
		return false;
	}
	ok = prepare(text, line_len(text, len), s->password, &s->credentials.password, why);
	forget(text, len);
	return ok;
}

static bool is_word(struct bytes word, const char *what)
{
	return bytes_equal(word, bytes_of_str(what));
}

/* Cuts the next word off, which ends at a blank or with the line; empty: there is none. */
static struct bytes next_word(struct bytes *line)
{
	struct bytes word = *line;
	size_t i = 0;

	while (i < line->len && (line->data[i] == ' ' || line->data[i] == '\t'))
		i++;
	word.data += i;
	word.len = 0;
	while (i + word.len < line->len && line->data[i + word.len] != ' ' &&
	       line->data[i + word.len] != '\t')
		word.len++;
	line->data += i + word.len;
	line->len -= i + word.len;
	return word;
}

static bool take_base64(struct bytes text, uint8_t *buf, size_t cap, struct bytes *out)
{
	size_t len;

	if (text.len == 0 || !base64_get(text, buf, cap, &len))
		return false;
	*out = bytes_of(buf, len);
	return true;
}

static bool take_line(struct relay_secrets *s, struct bytes line)
{
	struct turn_client_credentials *c = &s->credentials;
	struct bytes key = next_word(&line), value = next_word(&line);

	if (key.len == 0 || key.data[0] == '#')
		return true;
	if (is_word(key, "key"))
		return take_base64(value, s->key, sizeof(s->key), &c->mac_key);
	if (is_word(key, "token"))
		return take_base64(value, s->token, sizeof(s->token), &c->access_token);
	if (!is_word(key, "kid") || value.len == 0 || value.len > sizeof(s->username))
		return false;
	memcpy(s->username, value.data, value.len);
	c->username = bytes_of(s->username, value.len);
	return true;
}

bool relay_secrets_parse_token(struct relay_secrets *s, struct bytes text, const char **why)
{
	const struct turn_client_credentials *c = &s->credentials;

	*why = "not lines \"kid NAME\", \"key BASE64\", \"token BASE64\"";
	while (text.len > 0) {
		size_t len = line_len((const char *)text.data, text.len);

		if (!take_line(s, bytes_of(text.data, len)))
			return false;
		len += len < text.len;
		text = bytes_of(text.data + len, text.len - len);
	}
	return c->username.len > 0 && c->mac_key.len > 0 && c->access_token.len > 0;
}

static bool read_token(struct relay_secrets *s, const char *file, const char **why)
{
	char *text;
	size_t len;
	bool ok;
	int rc = file_read(file, FILE_MAX, &text, &len);

	if (rc != 0) {
		*why = strerror(-rc);
		return false;
	}
	ok = relay_secrets_parse_token(s, bytes_of(text, len), why);
	forget(text, len);
	return ok;
}

static bool has_room(const struct relay_secrets *s, const char **why)
{
	*why = "the user name is too long; 508 bytes are the most";
	return s->credentials.username.len <= USERNAME_MAX;
}

bool relay_secrets_read(struct relay_secrets *s, const char *user, const char *password_file,
			const char *token_file, const char **what, const char **why)
{
	*s = (struct relay_secrets){ 0 };
	*what = token_file;
	if (token_file != NULL)
		return read_token(s, token_file, why) && has_room(s, why);
	if (user == NULL)
		return true;
	*what = user;
	return prepare(user, strlen(user), s->username, &s->credentials.username, why) &&
	       has_room(s, why) && read_password(s, password_file, what, why);
}

/* The part of settings that knows who may use the relay. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "opaque.h"
#include "settings_parts.h"
#include "text_file.h"
#include "users_sqlite.h"

bool settings_wrong(const struct turnd_conf *conf, size_t i, const char *key, const char *what,
		    struct opt_error *err)
{
	const struct turnd_conf_realm *realms = conf->realms.items;
	struct opt_error made;

	if (i > 0)
		snprintf(made.text, sizeof(made.text), "[realm %.100s] %s: %.300s",
			 realms[i - 1].name, key, what);
	else
		snprintf(made.text, sizeof(made.text), "%s: %.400s", key, what);
	*err = made;
	return false;
}

static bool wrong_result(enum users_result result, struct opt_error *err)
{
	snprintf(err->text, sizeof(err->text), "%s", users_why(result));
	return result == USERS_OK;
}

static bool belongs_to(const struct turnd_conf *conf, size_t i, const struct turnd_conf_user *u)
{
	const struct turnd_conf_realm *realms = conf->realms.items;

	if (u->realm == NULL)
		return i == 0;
	if (i == 0)
		return conf->realm != NULL && strcmp(conf->realm, u->realm) == 0;
	return strcmp(realms[i - 1].name, u->realm) == 0;
}

static bool blame(const struct turnd_conf_user *u, enum users_result result, struct opt_error *err)
{
	snprintf(err->text, sizeof(err->text), "[user %.140s]: %s", u->name, users_why(result));
	return false;
}

static enum users_result keep_key(struct turnd_conf_user *u, const char *realm)
{
	char line[USERS_LINE_MAX + 1];
	struct users_line keys = { 0 };
	enum users_result result = users_make_line(bytes_of_str(realm), bytes_of_str(u->name),
						   bytes_of_str(u->password), line);

	if (result == USERS_OK)
		result = users_read_line(bytes_of_str(line), &keys);
	if (result == USERS_OK) {
		memcpy(u->md5, keys.md5, sizeof(u->md5));
		memcpy(u->sha256, keys.sha256, sizeof(u->sha256));
		explicit_bzero(u->password, strlen(u->password));
		free(u->password);
		u->password = NULL;
	}
	OPENSSL_cleanse(&keys, sizeof(keys));
	OPENSSL_cleanse(line, sizeof(line));
	return result;
}

bool settings_keep_keys(struct turnd_conf *conf, struct opt_error *err)
{
	struct turnd_conf_user *list = conf->users.items;

	for (size_t i = 0; i < conf->users.count; i++) {
		const char *realm = list[i].realm != NULL ? list[i].realm : conf->realm;
		enum users_result result;

		if (realm == NULL || list[i].password == NULL)
			continue;
		result = keep_key(&list[i], realm);
		if (result != USERS_OK) {
			(void)blame(&list[i], result, err);
			opt_locate(conf->config, err);
			return false;
		}
	}
	return true;
}

static enum users_result add_user(struct users *u, const struct turnd_conf_user *user)
{
	struct bytes name = bytes_of_str(user->name);

	if (user->password != NULL)
		return users_add(u, name, bytes_of_str(user->password));
	return users_add_made(u, name, user->md5, user->sha256);
}

static bool add_configured(const struct turnd_conf *conf, size_t i, struct users *u,
			   struct opt_error *err)
{
	const struct turnd_conf_user *list = conf->users.items;

	for (size_t n = 0; n < conf->users.count; n++) {
		enum users_result result;

		if (!belongs_to(conf, i, &list[n]))
			continue;
		result = add_user(u, &list[n]);
		if (result != USERS_OK)
			return blame(&list[n], result, err);
	}
	return true;
}

static bool add_file(const char *path, struct users *u, struct opt_error *err)
{
	struct text_file f;
	uint32_t line = 0;
	enum users_result result;

	if (path == NULL)
		return true;
	if (!text_file_read(path, &f, err))
		return false;
	result = users_add_file(u, bytes_of(f.bytes, f.len), &line);
	text_file_wipe(&f);
	if (result != USERS_OK)
		snprintf(err->text, sizeof(err->text), "%.200s:%u: %s", path, (unsigned)line,
			 users_why(result));
	return result == USERS_OK;
}

static bool add_secrets_of(const struct text_file *f, const char *path, enum users_hash hash,
			   struct users *u, struct opt_error *err)
{
	size_t at = 0, number = 0, count = 0;
	struct bytes line;

	while (text_file_line(f, &at, &number, &line)) {
		enum users_result result = users_add_secret(u, line, hash);

		count++;
		if (result == USERS_OK)
			continue;
		snprintf(err->text, sizeof(err->text), "%.200s:%zu: %s", path, number,
			 users_why(result));
		return false;
	}
	if (count == 0)
		snprintf(err->text, sizeof(err->text),
			 "%.200s: has no secret; write one on a line of its own", path);
	return count > 0;
}

static bool add_secrets(const struct turnd_conf *conf, const char *path, struct users *u,
			struct opt_error *err)
{
	struct text_file f;
	bool ok;

	if (path == NULL)
		return true;
	if (!text_file_read(path, &f, err))
		return false;
	ok = add_secrets_of(&f, path, (enum users_hash)conf->auth_secret_hash, u, err);
	text_file_wipe(&f);
	return ok && (conf->auth_secret_separator == NULL ||
		      wrong_result(users_set_separator(u, conf->auth_secret_separator[0]), err));
}

static bool finish(struct users *u, struct opt_error *err)
{
	uint32_t line = 0;
	enum users_result result = users_finish(u, &line);

	if (result == USERS_TWICE && line > 0)
		snprintf(err->text, sizeof(err->text), "line %u: %s", (unsigned)line,
			 users_why(result));
	else
		(void)wrong_result(result, err);
	return result == USERS_OK;
}

/* The key to blame goes before what is wrong with it. */
static bool fill(const struct turnd_conf *conf, size_t i, const struct turnd_conf_realm *r,
		 struct users *u, struct opt_error *err)
{
	struct opt_error why = { "" };

	if (!add_configured(conf, i, u, err))
		return false;
	if (!add_file(r->password_file, u, &why))
		return settings_wrong(conf, i, "password-file", why.text, err);
	if (r->user_database != NULL && !users_sqlite_add(u, r->user_database, &why))
		return settings_wrong(conf, i, "user-database", why.text, err);
	if (!add_secrets(conf, r->auth_secret_file, u, &why))
		return settings_wrong(conf, i, "auth-secret-file", why.text, err);
	if (!finish(u, &why))
		return settings_wrong(conf, i, "password-file", why.text, err);
	return true;
}

static bool has_any(const struct turnd_conf *conf, size_t i, const struct turnd_conf_realm *r)
{
	const struct turnd_conf_user *list = conf->users.items;

	for (size_t n = 0; n < conf->users.count; n++) {
		if (belongs_to(conf, i, &list[n]))
			return true;
	}
	return r->password_file != NULL || r->user_database != NULL ||
	       r->auth_secret_file != NULL || r->oauth_key_file != NULL;
}

static void free_users(void *users)
{
	users_free(users);
}

static void free_tokens(void *keys)
{
	token_keys_free(keys);
}

bool settings_add_users(const struct turnd_conf *conf, size_t i, struct settings_parts *p,
			struct opt_error *err)
{
	struct turnd_conf_realm c = turnd_conf_realm_at(conf, i);
	struct realm *r = &p->realms[i];
	struct users *u = NULL;
	enum users_result result;
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared;

	if (c.name == NULL) {
		r->id = snapshot_realm_id(bytes_of_str(""));
		return true;
	}
	if (opaque_prepare(bytes_of_str(c.name), buf, sizeof(buf), &prepared) != OPAQUE_OK)
		return settings_wrong(conf, i, "realm", "is no name", err);
	r->id = snapshot_realm_id(prepared);
	if (!has_any(conf, i, &c))
		return true;
	result = users_new(bytes_of_str(c.name), p->users_key, &u);
	if (result != USERS_OK)
		return settings_wrong(conf, i, "realm", users_why(result), err);
	p->read[i].users = shared_new(u, free_users);
	if (p->read[i].users == NULL)
		return settings_wrong(conf, i, "realm", users_why(USERS_NO_MEMORY), err);
	r->users = u;
	return fill(conf, i, &c, u, err);
}

static bool read_time(struct bytes word, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] < '0' || word.data[i] > '9' || word.len > 12)
			return false;
		value = 10 * value + (uint64_t)(word.data[i] - '0');
	}
	*out = value;
	return word.len > 0;
}

static const char *read_token_key(struct bytes line, struct token_key *key,
				  uint8_t secret[static 128])
{
	struct bytes kid, algorithm, text, word;
	size_t len;

	*key = (struct token_key){ .until_s = UINT64_MAX };
	if (!text_file_word(&line, &kid) || !text_file_word(&line, &algorithm) ||
	    !text_file_word(&line, &text))
		return "write KID ALGORITHM KEY, and, if need be, FROM and UNTIL";
	key->kid = kid;
	if (bytes_equal(algorithm, bytes_of_str("A128GCM")))
		key->algorithm = TOKEN_A128GCM;
	else if (bytes_equal(algorithm, bytes_of_str("A256GCM")))
		key->algorithm = TOKEN_A256GCM;
	else
		return "the algorithm is neither A128GCM nor A256GCM";
	if (text.len > 128 || !base64_get(text, secret, 128, &len))
		return "the key is no base64";
	if (len < (size_t)key->algorithm)
		return "the key is shorter than the algorithm's";
	key->secret = bytes_of(secret, len);
	if (text_file_word(&line, &word) && !read_time(word, &key->from_s))
		return "FROM is no time in seconds since 1970";
	if (text_file_word(&line, &word) && !read_time(word, &key->until_s))
		return "UNTIL is no time in seconds since 1970";
	return text_file_word(&line, &word) ? "text behind UNTIL" : NULL;
}

static const char *add_token_keys(const struct text_file *f, struct token_keys *keys,
				  size_t *number)
{
	uint8_t secret[128];
	struct token_key key;
	struct bytes line;
	size_t at = 0, count = 0;
	const char *why = NULL;

	while (why == NULL && text_file_line(f, &at, number, &line)) {
		why = read_token_key(line, &key, secret);
		if (why == NULL && !token_keys_add(keys, &key))
			why = "the id is too long or there already, or there are too many keys";
		count++;
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	return why == NULL && count == 0 ? "there is no key" : why;
}

bool settings_add_tokens(const struct turnd_conf *conf, size_t i, struct settings_parts *p,
			 struct opt_error *err)
{
	struct turnd_conf_realm c = turnd_conf_realm_at(conf, i);
	struct opt_error why;
	struct text_file f;
	struct token_keys *keys;
	const char *what;
	size_t number = 0;

	if (c.oauth_key_file == NULL)
		return true;
	if (!text_file_read(c.oauth_key_file, &f, &why))
		return settings_wrong(conf, i, "oauth-key-file", why.text, err);
	keys = token_keys_new(bytes_of_str(c.oauth_server_name));
	p->read[i].tokens = keys != NULL ? shared_new(keys, free_tokens) : NULL;
	what = "out of memory";
	if (p->read[i].tokens != NULL) {
		p->realms[i].tokens = keys;
		what = add_token_keys(&f, keys, &number);
	}
	text_file_wipe(&f);
	if (what == NULL)
		return true;
	snprintf(why.text, sizeof(why.text), "%.200s:%zu: %s", c.oauth_key_file, number, what);
	return settings_wrong(conf, i, "oauth-key-file", why.text, err);
}

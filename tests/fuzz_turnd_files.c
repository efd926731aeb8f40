/*
 * What turnd reads from files at its start and at a reload. The first byte chooses: the rest is a
 * configuration, keys of access tokens, secrets, keys of nonces, users, or a column in a row of a
 * database of users. What is wrong is told, with the file; what is right makes settings.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "fuzz_rows.h"
#include "turnd/settings.h"
#include "turnd/users_sqlite.h"

enum choice { CONFIG, TOKENS, SECRETS, NONCES, USERS, ROWS, CHOICES };

static const char *const names[] = { "conf", "tokens", "secrets", "nonces", "users", "rows" };
static const char *const keys[] = { "",
				    "oauth-server-name = turn.example.org\noauth-key-file",
				    "auth-secret-file",
				    "nonce-key-file",
				    "password-file",
				    "user-database" };

static char folder[] = "/tmp/natkit-fuzz-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void remove_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlink(path_of(names[i]));
	(void)rmdir(folder);
}

static void begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	FUZZ_CHECK(atexit(remove_all) == 0);
}

static void write_file(const char *name, const void *data, size_t len)
{
	FILE *out = fopen(path_of(name), "we");

	FUZZ_CHECK(out != NULL && fwrite(data, 1, len, out) == len && fclose(out) == 0);
	FUZZ_CHECK(chmod(path_of(name), 0600) == 0);
}

static bool load(struct turnd_conf *conf, struct opt_error *err)
{
	char path[64], *argv[] = { "turnd", "--config", path, NULL };

	snprintf(path, sizeof(path), "%s", path_of("conf"));
	return turnd_conf_load(3, argv, conf, err);
}

/* Why it does not work is text for one line. */
static void check_error(const struct opt_error *err)
{
	FUZZ_CHECK(err->text[0] != '\0');
	FUZZ_CHECK(memchr(err->text, '\0', sizeof(err->text)) != NULL);
	FUZZ_CHECK(strchr(err->text, '\n') == NULL);
}

static void try_config(const uint8_t *data, size_t len)
{
	static struct turnd_listener listeners[TURND_LISTENERS_MAX];
	struct turnd_conf conf = { 0 };
	struct opt_error err = { "" };

	write_file("conf", data, len);
	if (load(&conf, &err))
		FUZZ_CHECK(turnd_conf_listeners(&conf, listeners, &err) <= TURND_LISTENERS_MAX);
	else
		check_error(&err);
	turnd_conf_clear(&conf);
}

static void try_file(enum choice choice, const uint8_t *data, size_t len)
{
	struct turnd_conf conf = { 0 };
	struct opt_error err = { "" };
	struct settings *s;
	char text[256] = "realm = example.org\nlisten = 127.0.0.1\n";
	size_t at = strlen(text);

	snprintf(text + at, sizeof(text) - at, "%s = %s\n", keys[choice], path_of(names[choice]));
	write_file("conf", text, strlen(text));
	if (choice == ROWS)
		fuzz_write_rows(path_of("rows"), data, len);
	else
		write_file(names[choice], data, len);
	FUZZ_CHECK(load(&conf, &err));
	s = settings_new(&conf, NULL, &err);
	if (s == NULL)
		check_error(&err);
	settings_release(s);
	turnd_conf_clear(&conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum choice choice;

	if (len == 0)
		return 0;
	begin();
	choice = data[0] % CHOICES;
	if (choice == ROWS && !users_sqlite_is_built())
		return 0;
	if (choice == CONFIG)
		try_config(data + 1, len - 1);
	else
		try_file(choice, data + 1, len - 1);
	return 0;
}

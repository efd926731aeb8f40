#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "settings_kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF "turnd.conf"

struct turnd_conf kit_conf;
struct opt_error kit_err;

static char folder[] = "/tmp/natkit-settings-XXXXXX";
static char path[64];

const char *kit_write(const char *name, const char *text)
{
	static char made[8][64];
	static size_t next;
	char *where = made[next++ % 8];
	FILE *out;

	snprintf(where, sizeof(made[0]), "%s/%s", folder, name);
	out = fopen(where, "we");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	return where;
}

bool kit_load(const char *text)
{
	char whole[4096], *argv[] = { "turnd", "--config", path, NULL };
	size_t len = 0;

	for (const char *s = text; *s != '\0'; s++) {
		if (*s == '@')
			len += (size_t)snprintf(whole + len, sizeof(whole) - len, "%s/", folder);
		else
			whole[len++] = *s;
		assert_true(len < sizeof(whole) - 64);
	}
	whole[len] = '\0';
	snprintf(path, sizeof(path), "%s", kit_write(CONF, whole));
	turnd_conf_clear(&kit_conf);
	kit_err.text[0] = '\0';
	return turnd_conf_load(3, argv, &kit_conf, &kit_err);
}

struct settings *kit_make(const char *text, const struct settings *before)
{
	struct settings *s;

	if (!kit_load(text))
		fail_msg("%s", kit_err.text);
	s = settings_new(&kit_conf, before, &kit_err);
	if (s == NULL)
		fail_msg("%s", kit_err.text);
	return s;
}

bool kit_blames_the_file(void)
{
	return strncmp(kit_err.text, path, strlen(path)) == 0;
}

static void remove_all_but(const char *kept)
{
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (kept == NULL || strcmp(e->d_name, kept) != 0)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
}

void kit_remove_files(void)
{
	remove_all_but(CONF);
}

int kit_set_up(void **state)
{
	return mkdtemp(folder) != NULL ? 0 : -1;
}

int kit_tear_down(void **state)
{
	turnd_conf_clear(&kit_conf);
	remove_all_but(NULL);
	return rmdir(folder);
}

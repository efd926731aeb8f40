#include "punch_code.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natprobe/file.h"
#include "natprobe/net/random.h"
#include "natprobe/report/report.h"

#define FILE_MAX 4096

static int usage(const char *command, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s: %s\n", command, what, why);
	return EXIT_USAGE;
}

void punch_code_make(struct punch_code *out)
{
	*out = (struct punch_code){ 0 };
	code_make(random_draw, NULL, out->text);
	out->is_new = true;
}

/* Never names the code itself. */
static int take(const char *command, const char *from, const char *typed, struct punch_code *out)
{
	const char *why;

	if (code_normalise(typed, out->text, &why))
		return 0;
	return usage(command, from, why);
}

int punch_code_take(const char *command, const char *typed, struct punch_code *out)
{
	*out = (struct punch_code){ 0 };
	return take(command, "the code", typed, out);
}

/* The first line, wiped behind us. */
static int take_text(const char *command, const char *from, char *text, size_t len,
		     struct punch_code *out)
{
	char line[FILE_MAX + 1];
	size_t first = 0;
	int rc;

	while (first < len && text[first] != '\n' && text[first] != '\0')
		first++;
	memcpy(line, text, first);
	line[first] = '\0';
	rc = take(command, from, line, out);
	OPENSSL_cleanse(line, sizeof(line));
	OPENSSL_cleanse(text, len);
	return rc;
}

/* Of two who find no file one makes it, whole or not at all. Returns 0 or -errno. */
static int make_file(const char *path, const struct punch_code *code)
{
	char temporary[4096];
	int len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	int fd, rc = 0;

	if (len < 0 || (size_t)len >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkstemp(temporary); /* mode 0600 */
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s\n", code->text) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0 && link(temporary, path) != 0)
		rc = -errno;
	unlink(temporary);
	return rc;
}

/*
 * A code that others may read is no secret. Only of files that stay: a pipe has one reader, and
 * where there is none yet, ours is made so.
 */
static bool is_open_to_others(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

static int read_file(const char *command, const char *path, struct punch_code *out)
{
	char *text;
	size_t len;
	int rc = file_read(path, FILE_MAX, &text, &len);

	if (rc == -ENOENT) {
		punch_code_make(out);
		rc = make_file(path, out);
		if (rc == 0)
			return 0;
		out->is_new = false;
		if (rc == -EEXIST)
			rc = file_read(path, FILE_MAX, &text, &len);
	}
	if (rc != 0)
		return usage(command, path, strerror(-rc));
	if (strcmp(path, "-") != 0 && is_open_to_others(path)) {
		OPENSSL_cleanse(text, len);
		free(text);
		return usage(command, path,
			     "others may read this code; chmod 600 it, and make a new one");
	}
	rc = take_text(command, path, text, len, out);
	free(text);
	return rc;
}

static int read_stdin(const char *command, struct punch_code *out)
{
	char line[FILE_MAX];

	if (fgets(line, sizeof(line), stdin) == NULL)
		return usage(command, "standard input", "there is no code");
	return take_text(command, "standard input", line, strlen(line), out);
}

/* Others may see the arguments of a process, and its children the environment. */
static int take_and_hide(const char *command, const char *from, char *typed, struct punch_code *out)
{
	int rc = take(command, from, typed, out);
	size_t len = strlen(typed);

	OPENSSL_cleanse(typed, len);
	memset(typed, 'x', len);
	return rc;
}

static int find(const char *command, char *operand, const char *file, char *environment,
		struct punch_code *out)
{
	if (operand != NULL && file != NULL)
		return usage(command, "--code-file", "takes the place of a code");
	if (operand != NULL && strcmp(operand, "-") == 0)
		return read_stdin(command, out);
	if (operand != NULL)
		return take_and_hide(command, "the code", operand, out);
	if (file != NULL)
		return read_file(command, file, out);
	if (environment != NULL && environment[0] != '\0')
		return take_and_hide(command, "NATPROBE_CODE", environment, out);
	punch_code_make(out);
	return 0;
}

void punch_code_forget(void)
{
	char *environment = getenv("NATPROBE_CODE");

	if (environment != NULL)
		OPENSSL_cleanse(environment, strlen(environment));
	(void)unsetenv("NATPROBE_CODE");
}

int punch_code_find(const char *command, char *operand, const char *file, struct punch_code *out)
{
	char *environment = getenv("NATPROBE_CODE");
	int rc;

	*out = (struct punch_code){ 0 };
	rc = find(command, operand, file, environment, out);
	punch_code_forget();
	return rc;
}

void punch_code_clear(struct punch_code *c)
{
	OPENSSL_cleanse(c, sizeof(*c));
}

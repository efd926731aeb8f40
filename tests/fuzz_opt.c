/*
 * A configuration file, or a command line, against a table of every type: what is accepted
 * prints as the same. Input with NUL bytes is a command line that ends each word with one.
 */
#include "opt.h"
#include "fuzz_check.h"

#include <string.h>

#include "opt_fixture.h"

static const struct opt_program *const p = &kitchen_program;

static char *print(const struct kitchen *k, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	FUZZ_CHECK(out != NULL);
	opt_print_config(p, k, out);
	FUZZ_CHECK(fclose(out) == 0);
	return text;
}

static void reads_back(const struct kitchen *first)
{
	size_t len, again_len;
	char *text = print(first, &len);
	struct kitchen second;
	struct opt_error err;
	char names[8];

	FUZZ_CHECK(opt_defaults(p, &second, &err));
	FUZZ_CHECK(opt_read_text(p, "printed", text, len, &second, &err));
	FUZZ_CHECK(opt_changed_fixed(p, first, &second, names, sizeof(names)) == 0);
	char *again = print(&second, &again_len);
	FUZZ_CHECK(len == again_len && memcmp(text, again, len) == 0);
	free(text);
	free(again);
	opt_clear(p, &second);
}

/* A message is one line, and names the file. */
static void is_message(const struct opt_error *err)
{
	FUZZ_CHECK(strncmp(err->text, "fuzz:", 5) == 0);
	for (const char *s = err->text; *s != '\0'; s++)
		FUZZ_CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void try_file(const uint8_t *data, size_t len)
{
	struct kitchen k;
	struct opt_error err;

	FUZZ_CHECK(opt_defaults(p, &k, &err));
	if (opt_read_text(p, "fuzz", (const char *)data, len, &k, &err))
		reads_back(&k);
	else
		is_message(&err);
	opt_clear(p, &k);
}

#define WORDS_MAX 32

static void try_args(char *data, size_t len)
{
	char *argv[WORDS_MAX + 2] = { data };
	struct kitchen k;
	struct opt_error err;
	int argc = 1, first = 0;

	for (char *word = data; word < data + len && argc <= WORDS_MAX; word += strlen(word) + 1)
		argv[argc++] = word;
	FUZZ_CHECK(opt_defaults(p, &k, &err));
	if (opt_read_args(p, argc, argv, &k, &first, &err))
		reads_back(&k);
	FUZZ_CHECK(first >= 1 && first <= argc);
	opt_clear(p, &k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return 0;
	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	try_file(data, len);
	if (memchr(copy, '\0', len) != NULL)
		try_args(copy, len);
	free(copy);
	return 0;
}

/* A configuration file against a table of every type: what is accepted prints as the same. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct kitchen k;
	struct opt_error err;

	FUZZ_CHECK(opt_defaults(p, &k, &err));
	if (opt_read_text(p, "fuzz", (const char *)data, len, &k, &err))
		reads_back(&k);
	else
		is_message(&err);
	opt_clear(p, &k);
	return 0;
}

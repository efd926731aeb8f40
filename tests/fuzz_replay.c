/*
 * fuzz_replay - the main of a fuzz target where libFuzzer is not: runs each file named on
 * the command line through the target once, so that `make check` covers every seed with any
 * compiler. Like libFuzzer it hands out exact copies, so that sanitizers see overreads.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *copy;
	size_t len;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	(void)fclose(f);
	copy = malloc(len > 0 ? len : 1);
	if (copy == NULL)
		return 1;
	memcpy(copy, buf, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	printf("%d inputs\n", argc - 1);
	return failed;
}

#include "link_code.h"

#include <unistd.h>

void link_code_show(const struct punch_options *o, const char *there, const char *code, FILE *out)
{
	if (!o->json && !o->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "On the other side: natprobe %s, and the code is\n", there);
	fprintf(out, o->json ? "{\"event\":\"code\",\"code\":\"%s\"}\n" : "%s\n", code);
	(void)fflush(out);
}

#include "no_core.h"

#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit usual;
static bool has_begun;

void no_core_begin(void)
{
	struct rlimit none;

	if (has_begun || getrlimit(RLIMIT_CORE, &usual) != 0)
		return;
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = usual.rlim_max };
	has_begun = setrlimit(RLIMIT_CORE, &none) == 0;
}

void no_core_end(void)
{
	if (has_begun)
		(void)setrlimit(RLIMIT_CORE, &usual);
	has_begun = false;
}

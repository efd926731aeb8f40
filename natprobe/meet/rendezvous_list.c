#include "rendezvous_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"

static char *join(const struct opt_list *named)
{
	char *const *items = named->items;
	size_t len = 1, used = 0;
	char *text;

	for (size_t i = 0; i < named->count; i++)
		len += strlen(items[i]) + 1;
	text = calloc(1, len);
	for (size_t i = 0; text != NULL && i < named->count; i++)
		used += (size_t)snprintf(text + used, len - used, "%s%s", i > 0 ? "," : "",
					 items[i]);
	return text;
}

char *rendezvous_list(const struct opt_list *named)
{
	const char *environment = getenv("NATPROBE_RENDEZVOUS");

	if (named->count > 0)
		return join(named);
	if (environment != NULL && environment[0] != '\0')
		return strdup(environment);
	return strdup(carrier_public_list());
}

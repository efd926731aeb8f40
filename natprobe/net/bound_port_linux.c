/* bound_port on Linux: the tables of /proc, which every user may read. */
#include "bound_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 512

/* "  12: 0100007F:1092 00000000:0000 07 ...": the port is in hex. The first line is a heading. */
static int port_of(const char *line)
{
	const char *first = strchr(line, ':');
	const char *second = first != NULL ? strchr(first + 1, ':') : NULL;

	return second != NULL ? (int)strtoul(second + 1, NULL, 16) : -1;
}

static int look(const char *path, uint16_t port)
{
	char line[LINE_MAX_LEN];
	FILE *f = fopen(path, "re");
	int found = 0;

	if (f == NULL)
		return -errno;
	while (found == 0 && fgets(line, sizeof(line), f) != NULL)
		found = port_of(line) == port;
	(void)fclose(f);
	return found;
}

int bound_port_udp(uint16_t port)
{
	int found = look("/proc/net/udp", port);

	return found == 0 && look("/proc/net/udp6", port) == 1 ? 1 : found;
}

/*
 * upnp_ask LOCAL GATEWAY [DEVICE] - what the gateway says by UPnP, for tests/sys_upnp.sh: "yes
 * ADDRESS", "no", "unknown CAUSE".
 */
#include "natprobe/map/upnp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

#define PATIENCE_MS 8000

static bool is_pending(const struct verdict_portmap *found)
{
	return found->present.value == VERDICT_UNKNOWN && found->present.cause == CAUSE_TIMEOUT;
}

static int ask(const struct probe_source *source, const struct addr *gateway)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	uint64_t started_ms = clock_ms();
	struct upnp *u = upnp_start(source, gateway);
	struct verdict_portmap found;
	char external[ADDR_TEXT_MAX];

	if (u == NULL) {
		puts("not built");
		return 1;
	}
	do {
		nanosleep(&pause, NULL);
		found = upnp_result(u);
	} while (is_pending(&found) && clock_ms() - started_ms < PATIENCE_MS);
	upnp_release(u);
	printf("%s %s\n", verdict_answer_word(found.present.value),
	       found.present.value == VERDICT_YES ? addr_print_ip(&found.external, external)
						  : verdict_cause_word(found.present.cause));
	return 0;
}

int main(int argc, char **argv)
{
	struct probe_source source = { .device = argc == 4 ? argv[3] : NULL };
	struct addr gateway;

	if (argc < 3 || argc > 4 || !addr_parse_ip(argv[1], 0, &source.local) ||
	    !addr_parse_ip(argv[2], 0, &gateway)) {
		fprintf(stderr, "usage: upnp_ask LOCAL GATEWAY [DEVICE]\n");
		return 2;
	}
	return ask(&source, &gateway);
}

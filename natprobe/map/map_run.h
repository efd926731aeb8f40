/* map_run - a run of natprobe map: ports opened (map_run.c), closed and listed (map_close.c). */
#ifndef NATPROBE_MAP_RUN_H
#define NATPROBE_MAP_RUN_H

#include "lease_io.h"
#include "map_options.h"
#include "map_report.h"

#define MAP_FAMILIES 2
#define MAP_ROWS_MAX (MAP_FAMILIES * MAP_PORTS_MAX * 2)

/* All that a run owns. */
struct map_run {
	const struct map_options *options;
	const char *program;
	struct event_base *base;
	struct map_port ports[MAP_PORTS_MAX];
	size_t port_count;
	struct own_path paths[MAP_FAMILIES]; /* SERVER_IPV4, SERVER_IPV6; of no family: none */
	struct lease_io *ios[MAP_FAMILIES];
	struct addr seen[MAP_FAMILIES];
	struct map_row rows[MAP_ROWS_MAX];
	size_t row_count;
	uint32_t told; /* changes that were printed */
	bool is_asking, is_stopping;
	struct event *signals[2];
};

/* ADDR_IPV4, ADDR_IPV6. */
extern const uint8_t map_families[MAP_FAMILIES];

/* Finds the ways to gateways. Returns 0, or an exit code after saying what is wrong. */
int map_find_paths(struct map_run *run);

/* One of each wanted transport: calls `add` for each port and family that has a way. */
void map_each_port(struct map_run *run,
		   void (*add)(struct map_run *run, int family, uint16_t port, uint8_t transport));

/* Sockets for a family, once it needs some. NULL when memory runs out. */
struct lease_io *map_io(struct map_run *run, int family, bool listens);

struct lease_config map_config(const struct map_run *run, int family, uint16_t port,
			       uint8_t transport);

/* Runs until all leases are settled. */
void map_settle(struct map_run *run);

/* Asks STUN servers what they see of us, for run->seen. */
void map_compare(struct map_run *run);

/* Prints what there is. Returns the exit code. */
int map_report(struct map_run *run, const char *action);

/* Each returns the exit code. */
int map_open(struct map_run *run);
int map_close(struct map_run *run);
int map_print_list(struct map_run *run);

void map_run_clear(struct map_run *run);

#endif

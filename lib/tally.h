/*
 * tally - what the workers of a server count, summed up and told as metrics.
 *
 * Each worker has structs of counters (counter.h) of its own; their parts have numbers, of which
 * the first two are for what every server has.
 */
#ifndef NATKIT_TALLY_H
#define NATKIT_TALLY_H

#include <stddef.h>
#include <time.h>

#include "dtls.h"
#include "metrics.h"
#include "stream.h"

enum tally_part {
	TALLY_STREAMS, /* struct stream_stats */
	TALLY_DTLS,    /* struct dtls_stats */
	TALLY_OWN,     /* of the server, from here on */
	TALLY_PARTS = 4,
};

/* The counters of one worker; NULL: it has none of these. Borrowed. */
struct tally_source {
	const void *parts[TALLY_PARTS];
};

struct tally {
	const struct tally_source *sources;
	size_t count;
};

/* Of one counter over all workers. offset: in the struct of that part */
uint64_t tally_sum(const struct tally *t, int part, size_t offset);

/* What is there to tell of every server. what: its workers do */
void tally_program(struct metrics *m, const char *program, const char *version, time_t started,
		   const char *what, size_t workers);

/* A family without labels. */
struct tally_row {
	const char *name, *help;
	enum metrics_type type;
	int part;
	size_t offset;
};

void tally_rows(struct metrics *m, const struct tally *t, const struct tally_row *rows,
		size_t count);

/* All about TCP, TLS and DTLS. program: what the names of the metrics begin with */
void tally_transports(struct metrics *m, const struct tally *t, const char *program);

#endif

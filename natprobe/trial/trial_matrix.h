/*
 * trial_matrix - many runs of trials as one table, network by network. Networks are told apart by
 * their classes alone: no address is in it.
 */
#ifndef NATPROBE_TRIAL_MATRIX_H
#define NATPROBE_TRIAL_MATRIX_H

#include "trial_stats.h"

#define TRIAL_LABEL_MAX    96
#define TRIAL_NETWORKS_MAX 48
#define TRIAL_SEEN_MAX     1000 /* trials of a run that are told apart */

struct trial_cell {
	unsigned tries, paths; /* paths without a relay */
	unsigned relayed;
	struct trial_interval interval;        /* of paths in tries */
	unsigned strategies[PUNCH_STRATEGIES]; /* that made the paths, the relayed ones too */
	unsigned reasons[PUNCH_REASONS];       /* of the tries that made none */
};

struct trial_matrix {
	char labels[TRIAL_NETWORKS_MAX][TRIAL_LABEL_MAX]; /* in order of the alphabet */
	size_t count;
	/* Whichever side is which: [i][j] is the same as [j][i]. */
	struct trial_cell cells[TRIAL_NETWORKS_MAX][TRIAL_NETWORKS_MAX];
	unsigned runs, trials;
	unsigned repeated; /* trials that both sides told, or a file that was given twice */
	struct trial_seen *seen;
	size_t seen_count;
};

/* "port-filtered", "port-filtered, IPv6 firewalled". */
void trial_networks_label(const struct trial_networks *n, char out[static TRIAL_LABEL_MAX]);

/* NULL: no memory. It is large. */
struct trial_matrix *trial_matrix_new(void);
void trial_matrix_free(struct trial_matrix *m); /* NULL is fine */

/* NULL, or why it cannot be, for people: more networks than there is room for. */
const char *trial_matrix_add(struct trial_matrix *m, const struct trial_run *run);

/* The strategy that made most paths; without any, PUNCH_NONE. */
enum punch_strategy trial_cell_best(const struct trial_cell *c);
/* The reason that was told most often; REASON_NONE: none was. */
enum punch_reason trial_cell_reason(const struct trial_cell *c);

#endif

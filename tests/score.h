/*
 * score - diagnoses in sim_net, judged line by line by what is true of their network.
 *
 * The truth of a profile are the lines of its table entry, and two that follow from the run:
 * round trip and loss.
 */
#ifndef NATKIT_SCORE_H
#define NATKIT_SCORE_H

#include "natprobe/report/expect.h"
#include "sim_net.h"

#define SCORE_LINES_MAX 32

enum score_mark {
	SCORE_RIGHT = 0,
	SCORE_UNKNOWN, /* the truth is known, the verdict does not know it */
	SCORE_WRONG,
	SCORE_MARKS,
};

/* One diagnosis. */
struct score {
	uint8_t marks[SCORE_LINES_MAX]; /* enum score_mark, for each line of the truth */
	bool is_wrong;                  /* any value that is exact; intervals do not count */
	bool ended;
	char wrong[100];   /* the first of them: "hairpin: no"; "" */
	char unknown[100]; /* the first value that is not known: "hairpin: loss"; "" */
	double confidence; /* as claimed */
	uint32_t elapsed_us;
	uint16_t datagrams, connections, burst, per_second, open_at_end;
};

/* Parses the truth about `c`; at most SCORE_LINES_MAX lines. Ends the program if it is broken. */
struct expect score_truth(const struct sim_config *c);

/* An interval, judged by whether it covers the truth. */
bool score_is_interval(const struct expect_line *line);

void score_judge(const struct expect *truth, const struct sim_result *r, struct score *out);

/* Loss of one way, all links together. */
double score_loss(const struct sim_config *c);

#endif

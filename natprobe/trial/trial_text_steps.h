/* trial_text_steps - the steps of a trial as text, and what both sides saw in each. */
#ifndef NATPROBE_TRIAL_TEXT_STEPS_H
#define NATPROBE_TRIAL_TEXT_STEPS_H

#include <stdio.h>

#include "trial_record.h"

#define TRIAL_TEXT_COLUMN 14

/* Those that failed, a line each; verbose: all of them, with the evidence. */
void trial_text_steps(const struct trial_record *r, bool verbose, FILE *out);

#endif

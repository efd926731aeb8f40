/* steps - the command line of a benchmark that times steps, one after the other, as JSON. */
#ifndef NATKIT_BENCH_STEPS_H
#define NATKIT_BENCH_STEPS_H

#include "tests/codec_load.h"

/*
 * Times all steps that `load` makes, as the command line says, and prints what came of it.
 * name  of the benchmark: "codec" for bench_codec
 * what  the steps are, for --help: "path through the codec"
 * Returns the exit status: 1 when a step went wrong or allocated.
 */
int steps_main(const char *name, const char *what, const struct codec_step *(*load)(size_t *count),
	       int argc, char **argv);

#endif

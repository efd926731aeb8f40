/*
 * bench_codec - CPU time of what programs do to messages all day, as JSON.
 */
#include "steps.h"

int main(int argc, char **argv)
{
	return steps_main("codec", "path through the codec", codec_load_init, argc, argv);
}

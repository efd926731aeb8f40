/* floor - what answering costs at the least: receive, send, and nothing in between. */
#ifndef NATKIT_BENCH_FLOOR_H
#define NATKIT_BENCH_FLOOR_H

#include <stddef.h>

#include "addr.h"
#include "udp.h"

/*
 * Answers every datagram with `answer_len` bytes that begin like a Binding success response
 * and have its transaction id. One thread, batches of 64. Does not return but on error.
 */
int floor_run(const struct addr *at, const struct udp_options *options, size_t answer_len);

#endif

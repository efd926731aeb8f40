/*
 * counter - counts that one thread writes and any thread reads: no locked instruction.
 */
#ifndef NATKIT_COUNTER_H
#define NATKIT_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

static inline uint64_t counter_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* By the one writer only. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, counter_read(counter) + n, memory_order_relaxed);
}

static inline void counter_sub(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, counter_read(counter) - n, memory_order_relaxed);
}

#endif

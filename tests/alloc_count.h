/*
 * alloc_count - counts allocations of the whole process, those of shared libraries included,
 * by standing in for malloc. A program links it, or alloc_count_none.c where that cannot be
 * done (sanitizers have a malloc of their own; the C library is not glibc).
 */
#ifndef NATKIT_ALLOC_COUNT_H
#define NATKIT_ALLOC_COUNT_H

#include <stdbool.h>
#include <stddef.h>

/* False in alloc_count_none.c: nothing is counted. */
bool alloc_count_works(void);

/* Calls of malloc, calloc, realloc and their kin so far. One thread only. */
size_t alloc_count(void);

/* Bytes that are allocated now, with what malloc adds to each block. One thread only. */
size_t alloc_bytes(void);

#endif

/* fuzz_rows - a database of users with a row of any bytes; fuzz_rows_none.c has it without SQLite. */
#ifndef NATKIT_FUZZ_ROWS_H
#define NATKIT_FUZZ_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* The bytes are a name or, where the first one is odd, a key. */
void fuzz_write_rows(const char *path, const uint8_t *data, size_t len);

#endif

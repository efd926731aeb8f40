/* clock - monotonic time for shells; decisions get it as an argument. */
#ifndef NATKIT_CLOCK_H
#define NATKIT_CLOCK_H

#include <stdint.h>

/* Since an arbitrary start; never goes back. */
uint64_t clock_us(void);
uint64_t clock_ms(void);

#endif

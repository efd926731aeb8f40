/* link_find - which running link of this user is the one that is meant. */
#ifndef NATPROBE_LINK_FIND_H
#define NATPROBE_LINK_FIND_H

#include <stdbool.h>

#include "link_options.h"

/* The one that was started with this code; of that name alone, where one is given. False: none was. */
bool link_find_by_code(const char *code, const char *name, char out[static LINK_NAME_MAX + 1]);

#endif

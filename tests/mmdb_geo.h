/* mmdb_geo - a database of mmdb_write, opened: for tests of whatever asks geo. */
#ifndef NATKIT_MMDB_GEO_H
#define NATKIT_MMDB_GEO_H

#include "geo.h"
#include "mmdb_write.h"

/* Lies in a file that is gone when this returns. To be freed by geo_free; fails the test. */
struct geo *mmdb_geo(const struct mmdb_row *rows, size_t count);

#endif

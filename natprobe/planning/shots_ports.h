/* shots_ports - which ports of the other side a search tries. Inside of shots. */
#ifndef NATPROBE_SHOTS_PORTS_H
#define NATPROBE_SHOTS_PORTS_H

#include "shots_target.h"

/* The port that their fresh socket, or mapping, number `index` is expected to have. */
uint16_t shots_foretold(const struct shots_view *v, uint32_t index);

/* The index-th of the ports of our part's range, each once, in an order that our seed chooses. */
uint16_t shots_searched(const struct shots_view *v, uint32_t index);

#endif

/* relay_mask - the report of natprobe relay without addresses that tell where somebody is. */
#ifndef NATPROBE_RELAY_MASK_H
#define NATPROBE_RELAY_MASK_H

#include "natprobe/report/mask.h"
#include "relay_report.h"

/* Masks a row in place. One mask for all rows of a report. */
void relay_mask(struct mask *m, struct relay_row *row);

#endif

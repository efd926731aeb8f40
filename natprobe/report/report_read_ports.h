/* report_read_ports - how a NAT picks ports, and what is around it, read back. */
#ifndef NATPROBE_REPORT_READ_PORTS_H
#define NATPROBE_REPORT_READ_PORTS_H

#include "report_get.h"

/* The part of a probed interface that report_json_ports.c writes. */
void get_ports(struct get *g, const json_t *o, struct verdict *v);
void get_gateway(struct get *g, const json_t *o, struct verdict *v);

#endif

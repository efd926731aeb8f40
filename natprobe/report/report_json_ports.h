/* report_json_ports - how a NAT picks ports, and what is around it, for machines. */
#ifndef NATPROBE_REPORT_JSON_PORTS_H
#define NATPROBE_REPORT_JSON_PORTS_H

#include "report_json_put.h"

/* How external ports and addresses are picked: ports, prediction, pooling, hairpin. */
void json_put_ports(struct json *j, json_t *o, const struct verdict *v);

/* What is around: the gateway and its protocols, CGN, NAT64, rate limit, geography. */
void json_put_gateway(struct json *j, json_t *o, const struct verdict *v);

#endif

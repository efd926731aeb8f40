/*
 * redact - a report without the addresses that tell where somebody is, for bug reports.
 *
 * Each public address becomes one of 192.0.2.0/24 or 2001:db8::/32, the same one wherever it
 * occurs, so that what was equal stays equal. Ports stay, and so do addresses that everybody
 * has: private, shared (RFC 6598), loopback, IPv4 link-local ones. IPv6 addresses all change:
 * even link-local ones may hold a hardware address.
 */
#ifndef NATPROBE_REDACT_H
#define NATPROBE_REDACT_H

#include "report.h"

struct redacted;

/*
 * A copy of the report with masked addresses, also where a server was named by its address.
 * `report` may be used until redact_free, as long as r lives. NULL when memory runs out.
 */
struct redacted *redact_new(const struct report *r);
void redact_free(struct redacted *d); /* NULL is fine */
const struct report *redact_report(const struct redacted *d);

#endif

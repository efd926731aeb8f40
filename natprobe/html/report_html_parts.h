/* report_html_parts - the parts of a page (report_html.h), by file. */
#ifndef NATPROBE_REPORT_HTML_PARTS_H
#define NATPROBE_REPORT_HTML_PARTS_H

#include "html.h"
#include "natprobe/report/property.h"
#include "natprobe/report/report.h"

void html_style(FILE *out);

/* The title stands between these two, and the body behind them. */
void html_head_begin(FILE *out, const char *program);
void html_head_end(FILE *out);

/* All of one interface and family; the identifiers of what stands in it end with the index. */
void html_card(FILE *out, const struct report *r, size_t index);

/* The sections of a card; each prints nothing where there is nothing to show. */
void html_ports(FILE *out, const struct verdict *v, size_t index);
void html_time(FILE *out, const struct verdict *v, size_t index);
void html_ladder(FILE *out, const struct verdict *v, size_t index);
void html_sequence(FILE *out, const struct verdict *v, size_t index);
void html_rfc(FILE *out, const struct verdict *v);
void html_properties(FILE *out, const struct verdict *v);
void html_evidence(FILE *out, const struct report_probe *p);

/* "IPv4". */
const char *html_family(uint8_t family);

/* A value as good news, bad news, neither, or not known: "good", "bad", "fair", "plain", "open". */
const char *html_tone(const struct property *p, const struct property_value *value);

#endif

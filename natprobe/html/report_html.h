/*
 * report_html - the report as one page of HTML that needs nothing else: no script, no other file,
 * no network.
 *
 *	report_html.c            the page: headline, cards, expectations, the JSON
 *	report_html_style.c      its style sheet: light, dark, on paper
 *	report_html_card.c       a card of one interface and family: the path, the facts, the peers
 *	report_html_ports.c      pictures: local against mapped ports, and their differences
 *	report_html_time.c       pictures: round trips and loss
 *	report_html_ladder.c     a picture: how long mappings live
 *	report_html_sequence.c   a picture: which probe went where, and what came back
 *	report_html_rfc.c        what the RFCs require
 *	report_html_evidence.c   tables: every property, and what was seen
 */
#ifndef NATPROBE_REPORT_HTML_H
#define NATPROBE_REPORT_HTML_H

#include "natprobe/report/report.h"

/* The whole page. False when `out` fails; where the JSON cannot be made, the page says so. */
bool report_html(const struct report *r, FILE *out);

#endif

/* report_text_plot - small pictures for a terminal: of letters, and of more than letters in UTF-8. */
#ifndef NATPROBE_REPORT_TEXT_PLOT_H
#define NATPROBE_REPORT_TEXT_PLOT_H

#include "report_text_put.h"

/* Local against mapped ports; nothing where there are no two of them. */
void text_port_plot(const struct text *t, const struct verdict *v);

/* How long sockets waited, and whether their mappings were still there. */
void text_ladders(const struct text *t, const struct verdict *v);

#endif

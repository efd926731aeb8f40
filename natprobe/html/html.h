/*
 * html - writing HTML in which no text can become markup.
 *
 * All of a page goes through html_put: what stands in the format is ours and printed as it is,
 * what comes by %s is somebody's, and is escaped. So is each page well-formed XML as well, as
 * long as its formats are.
 */
#ifndef NATPROBE_HTML_H
#define NATPROBE_HTML_H

#include <stdio.h>

/*
 * Takes %s, %d, %+d, %u, %zu, %.Nf and %%, and nothing else. Text may hold anything: what is no
 * UTF-8, controls a screen, or turns the direction of writing becomes U+FFFD; lines may break.
 */
void html_put(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text alone, escaped; fits between tags, and between double or single quotes. */
void html_text(FILE *out, const char *text);

#endif

/* report_sentence - what a value means for people, where it means something. Pure. */
#ifndef NATPROBE_REPORT_SENTENCE_H
#define NATPROBE_REPORT_SENTENCE_H

#include "property.h"

struct report_sentence {
	const char *property, *word, *text;
};

extern const struct report_sentence report_sentences[];
extern const size_t report_sentence_count;

/* A sentence, or NULL: the value is not known, or speaks for itself. */
const char *report_sentence(const struct property *p, const struct verdict *v);

#endif

/* page - what is printed, in memory. */
#ifndef TESTS_PAGE_H
#define TESTS_PAGE_H

#include <stdio.h>

struct page {
	char *text; /* once `out` is closed; free */
	size_t len;
	FILE *out;
};

/* Returns p->out, or ends the program. */
FILE *open_page(struct page *p);

#endif

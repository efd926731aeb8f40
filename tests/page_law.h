/*
 * page_law - what holds for every page of natprobe --html, whatever was in the report: it is
 * well-formed, needs nothing from elsewhere, runs nothing, and has no element or attribute but
 * those that a page is made of.
 */
#ifndef TESTS_PAGE_LAW_H
#define TESTS_PAGE_LAW_H

#include <stddef.h>

/* NULL, or what is wrong; *at: how far it was right. */
const char *page_fault(const char *html, size_t len, size_t *at);

#endif

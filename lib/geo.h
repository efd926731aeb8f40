/*
 * geo - country and network of an address, from files in MaxMind's format (GeoLite2 and the
 * like). Nobody is asked over the network.
 *
 * The files are mapped by geo_add; after that all is pure, and may be read by several threads.
 * What stands in a file is not trusted: texts that come out are whole UTF-8 characters without
 * controls.
 */
#ifndef NATKIT_GEO_H
#define NATKIT_GEO_H

#include "addr.h"

#define GEO_FILES_MAX 8

struct geo_answer {
	char country[3];       /* ISO 3166 code such as "DE"; "": not known */
	uint32_t asn;          /* number of the autonomous system; 0: not known */
	char organisation[64]; /* that holds it; "": not known */
};

struct geo;

struct geo *geo_new(void);    /* NULL when memory runs out */
void geo_free(struct geo *g); /* NULL is fine */

/*
 * Opens one more file: countries stand in one, networks in another.
 * why  set where it returns false: half a sentence
 */
bool geo_add(struct geo *g, const char *path, const char **why);

/* Sets all of *out; each field comes from the first file that has it. */
void geo_find(const struct geo *g, const struct addr *a, struct geo_answer *out);

#endif

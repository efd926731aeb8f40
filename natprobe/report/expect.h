/*
 * expect - what a network is expected to be, as lines of a file, and whether a verdict meets it.
 *
 *	# comment
 *	mapping = endpoint-independent
 *	delta.type in equal,preserving
 *	delta.value = -1
 *	delta.preserved > 50%
 *	rtt < 50ms
 *	gateway.external in 100.64.0.0/10
 *	hairpin = unknown
 *
 *	[eth0 ipv4]		lines below are for this interface and family only; either may be left
 *	filtering != endpoint-independent	out: [eth0], [ipv6]
 *
 * A measure meets `<` and `>` where its whole interval does, misses it where none of it does,
 * and is open in between; `=` is met where the interval contains the number. A word that is
 * unknown is still judged where what remains possible leaves one outcome only. Pure: text in,
 * judgement out.
 */
#ifndef NATPROBE_EXPECT_H
#define NATPROBE_EXPECT_H

#include "property.h"
#include "wire.h"

#define EXPECT_LINES_MAX 1000 /* that expect something */
#define EXPECT_NAME_MAX  64   /* as much of an interface's name as counts, with its end */

enum expect_operator {
	EXPECT_EQUAL,     /* = */
	EXPECT_NOT_EQUAL, /* != */
	EXPECT_IN,        /* in a,b,c */
	EXPECT_LESS,      /* < */
	EXPECT_MORE,      /* > */
};

struct expect_line {
	const struct property *property;
	uint8_t operator;                /* enum expect_operator */
	char interface[EXPECT_NAME_MAX]; /* "": any */
	uint8_t family;                  /* ADDR_NONE: any */
	char wanted[160];                /* as written, trimmed */
	double number;                   /* of `<`, `>` and of a measure, in the property's unit */
	unsigned line;                   /* in the file */
};

struct expect {
	struct expect_line *lines;
	size_t count;
};

/* What is wrong with a file. */
struct expect_error {
	unsigned line;
	char text[320]; /* names the remedy: known properties, words allowed */
};

/*
 * Parses a file. Returns true and fills *out (expect_free), or false and *error. A file that
 * expects nothing is fine.
 */
bool expect_parse(struct bytes text, struct expect *out, struct expect_error *error);
void expect_free(struct expect *e); /* zeroed is fine */

/* "=", "!=", "in", "<", ">". */
const char *expect_operator_word(enum expect_operator operator);

enum expect_result {
	EXPECT_MET = 0,
	EXPECT_MISSED,
	EXPECT_OPEN, /* the value came out unknown, or its interval holds the limit */
};

/* Judges one line on one verdict; `got` is filled. The line must apply to it. */
enum expect_result expect_judge(const struct expect_line *line, const struct verdict *v,
				struct property_value *got);

/* Is this line about that interface and family? */
bool expect_applies(const struct expect_line *line, const char *interface, uint8_t family);

/* One interface and family, and what was found there. */
struct expect_subject {
	const char *interface;
	uint8_t family;
	const struct verdict *verdict;
};

/*
 * Writes a file that expects what was found: no unknown value, no address, no port, and
 * measures as bounds with a margin, so that the same network meets it again, also while
 * datagrams are lost. Sections only where there are several subjects. Returns its length without the
 * final NUL; what does not fit is cut off, as with snprintf.
 */
size_t expect_save(const struct expect_subject *subjects, size_t count, char *buf, size_t cap);

#endif

/*
 * attach_wire - the first line that a program and a link say to each other over the link's Unix
 * socket (doc/link.md). Behind it come the bytes of a stream to the other side, in both directions.
 *
 *	connect SERVICE             a stream to whoever accepts SERVICE over there, now or later
 *	connect SERVICE datagrams   the same for datagrams that may be lost: each, in both
 *	                            directions, behind two bytes of length, the higher first
 *	accept SERVICE              the next one that connects over there (of datagrams too)
 *	join SERVICE                whoever joins SERVICE over there
 *	status                      no stream: one JSON document
 *	watch                       no stream: JSON, a line for each event
 *
 * The link answers "ok", or "ok datagrams", once the stream stands, or "error WORD TEXT" and closes.
 */
#ifndef NATPROBE_ATTACH_WIRE_H
#define NATPROBE_ATTACH_WIRE_H

#include "wire.h"

#define ATTACH_LINE_MAX    256 /* with its newline */
#define ATTACH_SERVICE_MAX 64  /* letters, digits, and . _ - */

enum attach_verb {
	ATTACH_NONE = 0,
	ATTACH_CONNECT,
	ATTACH_ACCEPT,
	ATTACH_JOIN,
	ATTACH_STATUS,
	ATTACH_WATCH,
};

struct attach_line {
	uint8_t verb; /* enum attach_verb */
	bool datagrams;
	char service[ATTACH_SERVICE_MAX + 1];
};

struct attach_answer {
	bool is_ok, datagrams;
	char word[32];
	char text[ATTACH_LINE_MAX];
};

/* Whether it may be the name of a service. */
bool attach_is_service(struct bytes name);

/* *why: for people, where it is false. line: without its newline. */
bool attach_line_read(struct bytes line, struct attach_line *out, const char **why);
bool attach_answer_read(struct bytes line, struct attach_answer *out);
/*
 * Return the length with the newline, 0 where cap is too small, or no line could be made of it. A
 * text is cut so that ATTACH_LINE_MAX holds, and what cannot be printed becomes '?'.
 */
size_t attach_line_write(const struct attach_line *line, char *buf, size_t cap);
size_t attach_answer_write(const struct attach_answer *answer, char *buf, size_t cap);

#endif

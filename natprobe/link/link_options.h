/* link_options - what natprobe link, pipe, send, receive and forward can be told. */
#ifndef NATPROBE_LINK_OPTIONS_H
#define NATPROBE_LINK_OPTIONS_H

#include "natprobe/pair/punch_options.h"

#define LINK_NAME_MAX 64

struct link_options {
	struct punch_options punch; /* how the two meet; first, so that its rows serve */
	char *name;                 /* of the link: NULL: "default" */
	int64_t listen_write;       /* link: loopback ports, Over-NAT-Lib's; 0: none */
	int64_t listen_read;
	bool yes;              /* receive: no question */
	bool force;            /* receive: overwrite */
	char *output;          /* receive: -o DIR */
	struct opt_list allow; /* forward: char *, HOST:PORT[/udp] */
};

extern const struct opt_program link_program;
extern const struct opt_program pipe_program;
extern const struct opt_program send_program;
extern const struct opt_program receive_program;
extern const struct opt_program forward_program;

/* Whether a link may be called so: it names a file. */
bool link_name_is(const char *text);

#endif

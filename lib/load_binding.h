/*
 * load_binding - Binding requests from several addresses to one server, as a load (load.h).
 */
#ifndef NATKIT_LOAD_BINDING_H
#define NATKIT_LOAD_BINDING_H

#include "load.h"

struct load_binding;

struct load_binding_config {
	struct addr server;
	struct addr first; /* of the sources, which ask in turn; the port does not matter */
	uint32_t sources;
	int window;
};

/* NULL with errno set. */
struct load_binding *load_binding_open(const struct load_binding_config *config);
void load_binding_close(struct load_binding *b); /* NULL is fine */

struct load_result load_binding_run(struct load_binding *b, const struct load_until *until);

/* Length of the last answer; 0: none. */
size_t load_binding_answer_len(const struct load_binding *b);

#endif

/* options - what `natlab run` and `natlab pair` are told on their command line. */
#ifndef NATLAB_OPTIONS_H
#define NATLAB_OPTIONS_H

#include <stdio.h>

#include "behaviour.h"

enum engine_choice {
	ENGINE_AS_PROFILE = 0,
	ENGINE_MODEL,
	ENGINE_KERNEL,
};

struct lab_options {
	char *log;     /* path, "-": stderr; NULL: none */
	char *dir;     /* of the control socket; NULL: none */
	char *stund;   /* path; NULL: found */
	int64_t seed;  /* 0: chance */
	int engine;    /* enum engine_choice */
	int64_t layer; /* which box of the profile the behaviours are of: 0 is the outermost */
	bool upnp;     /* of Linux boxes */
	bool second_address;
	bool help;
	struct behaviour_values values;
};

const struct opt_program *options_run(void);
const struct opt_program *options_pair(void);

#define OPTIONS_PROFILES_MAX 2

/* A command line: options, and for each profile those behind it, which are for it alone. */
struct request {
	const struct opt_program *program;
	struct lab_options common;
	struct lab_options own[OPTIONS_PROFILES_MAX];
	const struct nat_profile *profiles[OPTIONS_PROFILES_MAX];
	size_t count; /* of profiles */
	char **rest;  /* behind the first --, NULL-terminated */
	bool help;    /* is all that is wanted */
};

/*
 * Reads OPTIONS... PROFILE OPTIONS... [PROFILE OPTIONS...] -- REST. False, and a message on
 * stderr, where something is wrong. Whatever is returned, it can be cleared.
 */
bool request_read(struct request *r, const struct opt_program *program, size_t profiles, int argc,
		  char **argv);
void request_clear(struct request *r);

/* The last word that was said about it, by any of the options; NULL: none. */
const char *request_log(const struct request *r);
const char *request_dir(const struct request *r);
const char *request_stund(const struct request *r);
uint64_t request_seed(const struct request *r); /* or a random one */

/*
 * Changes the boxes of profile number i, whose outermost is plan->boxes[first], by its options.
 */
bool request_apply(const struct request *r, size_t i, struct lab_plan *plan, size_t first,
		   struct lab_error *err);

#endif

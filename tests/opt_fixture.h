/* A table with a row of every type, and sections: for tests and fuzzing of opt. */
#ifndef NATKIT_OPT_FIXTURE_H
#define NATKIT_OPT_FIXTURE_H

#include "opt.h"

struct kitchen_shelf {
	char *name;
	char *label;
	int64_t height;
	struct opt_list jars;
	struct opt_list nets;
	bool locked;
};

struct kitchen {
	bool quiet, lamp;
	int64_t workers, depth;
	uint64_t timeout_ms, idle_ms, buffer, quota;
	char *title;
	char *cert;
	char *secret_file;
	int format;
	struct addr admin, peer;
	struct opt_cidr net;
	struct opt_list tags, listen, allow, shelves;
	char *config;
	bool check;
};

extern const struct opt_program kitchen_program;

#endif

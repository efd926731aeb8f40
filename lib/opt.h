/*
 * opt - options as one table: it reads the command line and the configuration file,
 * prints --help, and a test compares it with the man page.
 *
 * A file has lines `key = value`, comments from # on, and `[section NAME]`. Every plain
 * key is also a long option of the same name; what stands in a section is file only; a
 * secret is file only, as KEY-file. Values carry units: 10s, 500ms, 2MiB. A table fills
 * one struct, by offset.
 */
#ifndef NATKIT_OPT_H
#define NATKIT_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "addr.h"

enum opt_type {
	OPT_FLAG,     /* bool: on/off, yes/no, true/false; `--key` alone means on, `--no-key` off */
	OPT_INT,      /* int64_t within min..max */
	OPT_MS,       /* uint64_t milliseconds: 500ms, 10s, 5m, 1h, 1d */
	OPT_BYTES,    /* uint64_t bytes: 1500, 64KiB, 2MiB, 1GiB, 1kB, 1MB */
	OPT_STR,      /* char *, owned by the struct */
	OPT_FILE,     /* char *, path of a file that must be readable when checked */
	OPT_ENUM,     /* int; choices are the words of `choices`, separated by | */
	OPT_ADDR,     /* struct addr with a port (default_port where none is given) */
	OPT_CIDR,     /* struct opt_cidr */
	OPT_STR_LIST, /* struct opt_list of char *; may be given several times */
	OPT_ADDR_LIST, /* struct opt_list of struct addr */
	OPT_CIDR_LIST, /* struct opt_list of struct opt_cidr */
};

struct opt_cidr {
	struct addr net;
	uint8_t prefix_len;
};

struct opt_list {
	void *items; /* owned */
	size_t count;
};

enum opt_flag {
	OPT_RELOADABLE = 1,  /* SIGHUP takes a new value */
	OPT_SECRET_FILE = 2, /* names a file with a secret: --print-config shows the path only */
	OPT_CLI_ONLY = 4,    /* no file key: --config, --check-config */
};

struct opt {
	const char *name; /* long option and file key */
	char letter;      /* short option, or 0 */
	enum opt_type type;
	size_t offset;         /* of the field in the struct: OPT_FIELD */
	int flags;             /* enum opt_flag */
	const char *fallback;  /* default as text, parsed like a value; NULL: zero */
	int64_t min, max;      /* OPT_INT, OPT_MS and OPT_BYTES; both 0: unbounded */
	const char *choices;   /* OPT_ENUM */
	const char *value;     /* placeholder in --help: "HOST[:PORT]" */
	const char *help;      /* one line */
	uint16_t default_port; /* OPT_ADDR, OPT_ADDR_LIST */
};

#define OPT_FIELD(type, field) offsetof(type, field)

/* A kind of section: each [word NAME] in the file makes one more struct. */
struct opt_section {
	const char *word; /* "listener" in [listener NAME] */
	const struct opt *table;
	size_t size;        /* bytes of the struct that the table fills */
	size_t name_offset; /* char * for NAME */
	size_t list_offset; /* struct opt_list in the main struct that collects them */
};

struct opt_program {
	const char *name;                   /* "stund" */
	const char *synopsis;               /* "[OPTION]..." */
	const char *summary;                /* one line */
	const struct opt *table;            /* ends with { 0 } */
	const struct opt_section *sections; /* ends with { 0 }; NULL: none */
	size_t size;                        /* bytes of the main struct */
};

/* What went wrong, ready to print: "FILE:LINE: KEY: what is wrong; remedy". */
struct opt_error {
	char text[512];
};

/* Fills conf (program->size bytes, any content) with the fallbacks. */
bool opt_defaults(const struct opt_program *p, void *conf, struct opt_error *err);

/* Reads a file on top of what conf holds. */
bool opt_read_file(const struct opt_program *p, const char *path, void *conf,
		   struct opt_error *err);

/* The same for text in memory; `path` is what errors name. For tests and fuzzing. */
bool opt_read_text(const struct opt_program *p, const char *path, const char *text, size_t len,
		   void *conf, struct opt_error *err);

/*
 * Reads the command line on top of what conf holds. Accepts --key=value, --key value,
 * -k value, and -- . *first is set to the index of the first operand.
 * --help and --version are not handled here: give them rows (OPT_FLAG | OPT_CLI_ONLY).
 */
bool opt_read_args(const struct opt_program *p, int argc, char **argv, void *conf, int *first,
		   struct opt_error *err);

/* Frees what the struct owns; conf may be filled again. */
void opt_clear(const struct opt_program *p, void *conf);

/* The text of --help. */
void opt_print_help(const struct opt_program *p, FILE *out);

/* The effective configuration, as a file that reads back to the same. */
void opt_print_config(const struct opt_program *p, const void *conf, FILE *out);

/*
 * Names keys that differ and are not OPT_RELOADABLE, separated by ", ", into `names`.
 * Returns their number.
 */
size_t opt_changed_fixed(const struct opt_program *p, const void *before, const void *now,
			 char *names, size_t cap);

#endif

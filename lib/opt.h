/*
 * opt - options as one table: it reads the command line and the configuration file,
 * prints --help, and a test compares it with the man page.
 *
 * A file has lines `key = value`, comments from # on, and `[section NAME]`. Every plain
 * key is also a long option of the same name; what stands in a section is file only. A
 * secret never stands in either: its key is KEY-file and names a file that holds it. A
 * table fills one struct, by offset.
 *
 * Values carry units: 10s, 500ms, 2MiB, 1.5h. Text that has a # or blanks at its ends
 * stands in "..." with the escapes \" \\ \n \t \xHH. Items of a list are separated by
 * commas, or the key is given again. A key with nothing behind the = is not set: NULL, no
 * address, an empty list; a char * is never an empty string.
 *
 * Each reader goes on top of what the struct holds. Within one file a key stands once
 * (lists: as often as one likes), on the command line the last one wins; a list that is
 * given in a file, or on the command line, replaces the one that was there before.
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
	OPT_MS,       /* uint64_t milliseconds: 500ms, 10s, 5m, 1h, 1d, 1.5s, 0 */
	OPT_BYTES,    /* uint64_t bytes: 1500, 64KiB, 2MiB, 1GiB, 1kB, 1MB, 1GB */
	OPT_STR,      /* char *, owned by the struct */
	OPT_FILE,     /* char *, path of a file that must be readable: opt_check_files */
	OPT_ENUM,     /* int; choices are the words of `choices`, separated by | */
	OPT_ADDR,     /* struct addr with a port (default_port where none is given) */
	OPT_CIDR,     /* struct opt_cidr: 192.0.2.0/24, 2001:db8::/32, or one address */
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
	OPT_SECRET_FILE = 2, /* OPT_FILE named KEY-file: it holds a secret, KEY alone is refused */
	OPT_CLI_ONLY = 4,    /* no file key: --config, --check-config */
	OPT_SECRET = 8,      /* OPT_STR of a section: the secret itself, and never printed */
	OPT_OPTIONAL = 16, /* OPT_INT, OPT_MS, OPT_BYTES without fallback: OPT_UNSET_* until set */
};

/* What a number that is OPT_OPTIONAL holds while it is not set. */
#define OPT_UNSET_INT    INT64_MIN
#define OPT_UNSET_AMOUNT UINT64_MAX

struct opt_error;

/* A row. One without a name is a heading in --help; one without name and help is the end. */
struct opt {
	const char *name; /* long option and file key: lower case, digits, - */
	char letter;      /* short option, or 0 */
	enum opt_type type;
	size_t offset;         /* of the field in the struct: OPT_FIELD */
	int flags;             /* enum opt_flag */
	const char *fallback;  /* default as text, parsed like a value; NULL: zero */
	int64_t min, max;      /* OPT_INT, OPT_MS and OPT_BYTES; both 0: unbounded; 0 is
				  always allowed where it is the fallback */
	const char *choices;   /* OPT_ENUM: "text|json"; the value is the index */
	const char *value;     /* placeholder in --help: "HOST[:PORT]"; NULL: by type */
	const char *help;      /* one line */
	uint16_t default_port; /* OPT_ADDR, OPT_ADDR_LIST */
	/* What each value of an OPT_STR or OPT_STR_LIST must be: says what is wrong, and the
	   remedy, and returns false. NULL: any text. */
	bool (*check)(const char *text, struct opt_error *err);
};

#define OPT_FIELD(type, field) offsetof(type, field)

/* A kind of section: each [word NAME] in the file makes one more struct; names are unique. */
struct opt_section {
	const char *word; /* "listener" in [listener NAME] */
	const struct opt *table;
	size_t size;        /* bytes of the struct that the table fills */
	size_t name_offset; /* char * for NAME */
	size_t list_offset; /* struct opt_list in the main struct that collects them */
	int flags;          /* OPT_RELOADABLE: sections may come and go */
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

/*
 * Fills conf (program->size bytes, any content) with the fallbacks. False for a fallback
 * that its own row refuses, or a table that contradicts itself: our mistake, which a test
 * finds by calling this. Whatever is returned, here and below, conf can be cleared.
 */
bool opt_defaults(const struct opt_program *p, void *conf, struct opt_error *err);

/* Reads a file of at most OPT_FILE_MAX bytes on top of what conf holds. */
bool opt_read_file(const struct opt_program *p, const char *path, void *conf,
		   struct opt_error *err);
#define OPT_FILE_MAX (1024 * 1024)

/*
 * Puts "FILE:LINE: " before a message that begins with "KEY: " or "[SECTION NAME] KEY: ", or
 * "FILE: " where the file does not set that key. path NULL: there is no file, and all stays.
 */
void opt_locate(const char *path, struct opt_error *err);

/* The same as opt_read_file for text in memory; `path` is what errors name. For tests and fuzzing. */
bool opt_read_text(const struct opt_program *p, const char *path, const char *text, size_t len,
		   void *conf, struct opt_error *err);

/*
 * Reads the command line on top of what conf holds. Accepts --key=value, --key value,
 * -k value, -kvalue, flags as --key, --no-key and bundled (-ab), and -- . Stops at the
 * first operand; *first is set to its index.
 * --help and --version are not handled here: give them rows (OPT_FLAG | OPT_CLI_ONLY).
 */
bool opt_read_args(const struct opt_program *p, int argc, char **argv, void *conf, int *first,
		   struct opt_error *err);

/*
 * Fallbacks and the command line of a program that takes no operands; then, where it names a file,
 * opt_read_below puts that under the command line, which has the last word.
 * path  of the file; may be a field of conf
 */
bool opt_read_command(const struct opt_program *p, int argc, char **argv, void *conf,
		      struct opt_error *err);
bool opt_read_below(const struct opt_program *p, const char *path, int argc, char **argv,
		    void *conf, struct opt_error *err);

/* Every file that an OPT_FILE names can be read: for --check-config, and before a start. */
bool opt_check_files(const struct opt_program *p, const void *conf, struct opt_error *err);

/* Frees what the struct owns and zeroes it; conf may be filled again. */
void opt_clear(const struct opt_program *p, void *conf);

/* The text of --help. */
void opt_print_help(const struct opt_program *p, FILE *out);

/*
 * The effective configuration, as a file that reads back to the same, but for secrets: they are
 * left out. Kinds of sections that there are none of are shown as comments.
 */
void opt_print_config(const struct opt_program *p, const void *conf, FILE *out);

/*
 * Names keys that differ and are not OPT_RELOADABLE, separated by ", ", into `names` (cut
 * where it is full): "workers, [listener eth] address". Returns their number.
 */
size_t opt_changed_fixed(const struct opt_program *p, const void *before, const void *now,
			 char *names, size_t cap);

#endif

/* map_report - what natprobe map found, for people (map_text.c) and for machines (map_json.c). */
#ifndef NATPROBE_MAP_REPORT_H
#define NATPROBE_MAP_REPORT_H

#include "lease.h"
#include "lease_address.h"
#include "lease_record.h"
#include "natprobe/report/report.h"
#include "upnp_job.h"

#define MAP_JSON_VERSION 1
#define MAP_TEXT_MAX     320

/* One port in one family. */
struct map_row {
	struct lease lease; /* as it is now */
	struct addr seen;   /* what a server saw; ADDR_NONE: not known */
	const char *device;
	bool is_kept;
	bool is_taken; /* to be removed, and somebody else's: `owner` has it */
	struct upnp_entry owner;
};

struct map_report {
	const char *program;
	const char *action; /* "open", "close" */
	const struct map_row *rows;
	size_t count;
	uint64_t now_unix_s;
	bool one_line; /* JSON: one document a line */
};

/* For map --list. */
struct map_list {
	const char *program;
	const struct lease_book *book;
	const struct upnp_table *table; /* NULL: nobody was asked */
	uint64_t now_unix_s;
};

/*
 * EXIT_REACHED where each port has a family in which it is as it should be; else EXIT_NO_SERVER
 * where no gateway answered at all, else EXIT_FAILED.
 */
enum report_exit map_report_exit(const struct map_report *r);

enum lease_address map_row_address(const struct map_row *row);

/* What is wrong, and what helps: sentences, "" for none. */
const char *map_row_problem(const struct map_row *row, char buf[static MAP_TEXT_MAX]);
const char *map_row_remedy(const struct map_row *row, char buf[static MAP_TEXT_MAX]);

/* "PCP" */
const char *map_by_name(enum lease_by by);

/* "PCP: not-authorized (2)" */
const char *map_reply_text(const struct map_row *row, enum lease_by by,
			   char buf[static MAP_TEXT_MAX]);

void map_text(const struct map_report *r, const struct report_style *style, FILE *out);
bool map_json(const struct map_report *r, FILE *out);
void map_list_text(const struct map_list *l, FILE *out);
bool map_list_json(const struct map_list *l, FILE *out);

#endif

/*
 * report_get - taking values out of a JSON document that strangers may have written; shared by
 * report_read*.c and trial_read.c. The first mistake stays; what is read after it does not matter.
 */
#ifndef NATPROBE_REPORT_GET_H
#define NATPROBE_REPORT_GET_H

#include <jansson.h>

#include "report_read.h"

struct get {
	struct report_read_error *error;
	bool failed;
	size_t interface; /* being read: for messages */
	bool in_interfaces;
};

/* All text in it becomes safe to print: control characters would reach a terminal. */
void get_make_safe(json_t *value);
/* The parser quotes what it stumbled over. */
void get_say_syntax(const json_error_t *why, struct report_read_error *error);

/* Notes the first mistake, at member `key`. */
void get_fail(struct get *g, const char *key, const char *what);

/* A member; NULL where there is none, it is null, or `o` is NULL. */
const json_t *get_any(const json_t *o, const char *key);
const json_t *get_object(struct get *g, const json_t *o, const char *key);
/* NULL where it has more than `max` elements. */
const json_t *get_array(struct get *g, const json_t *o, const char *key, size_t max);

/* 0, false, NULL or no address where there is none. */
uint64_t get_count(struct get *g, const json_t *o, const char *key, uint64_t max);
int64_t get_integer(struct get *g, const json_t *o, const char *key, int64_t min, int64_t max);
double get_share(struct get *g, const json_t *o, const char *key); /* 0 to 1 */
uint64_t get_us(struct get *g, const json_t *o, const char *key);  /* of milliseconds */
bool get_bool(struct get *g, const json_t *o, const char *key);
const char *get_text(struct get *g, const json_t *o, const char *key);
struct addr get_addr(struct get *g, const json_t *o, const char *key);
struct addr get_ip(struct get *g, const json_t *o, const char *key);

/* The same as an element of a list. */
struct addr get_ip_of(struct get *g, const json_t *text, const char *key);

/* Sets of words: the enums of verdict.h. */
enum get_set {
	GET_ANSWER,
	GET_BEHAVIOUR,
	GET_CAUSE,
	GET_DELTA,
	GET_POOLING,
	GET_HAIRPIN,
	GET_LEGACY,
	GET_FILTER,
	GET_CGN,
};

/* The value that has this word; 0 where the member is missing or null. */
uint8_t get_word(struct get *g, const json_t *o, const char *key, enum get_set set);

/* A list of words, as bits 1u << value. */
uint32_t get_bits(struct get *g, const json_t *o, const char *key, enum get_set set);

/* Of a value, 0 where it is unknown, as its member "reason": what is unknown never lacks one. */
uint8_t get_cause(struct get *g, const json_t *o, uint8_t value);

/* The same where what is known has no reason. */
uint8_t get_cause_of_unknown(struct get *g, const json_t *o, uint8_t value);
struct verdict_yes_no get_yes_no(struct get *g, const json_t *o, const char *key);
struct verdict_interval get_interval(struct get *g, const json_t *o, const char *key);

#endif

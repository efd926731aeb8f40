/* punch_options - what natprobe punch, connect and demo can be told on their command lines. */
#ifndef NATPROBE_PUNCH_OPTIONS_H
#define NATPROBE_PUNCH_OPTIONS_H

#include "natprobe/check/check_options.h"
#include "opt.h"

struct punch_options {
	char *code_file;
	struct opt_list rendezvous; /* char *, URIs */
	char *ntp;                  /* HOST[:PORT]; NULL: none */
	uint64_t wait_ms;           /* for the other side */
	struct opt_list servers;    /* char * */
	struct opt_list interfaces; /* char * */
	bool ipv4;
	bool ipv6;
	int64_t local_port;
	bool upnp;
	char *profile;              /* file of a saved report; NULL: it is diagnosed */
	struct opt_list strategies; /* char *, words */
	int64_t trials;
	uint64_t hold_ms;
	int64_t mappings; /* 0: as the plan wants */
	char *turn;       /* URI; NULL: no TURN server */
	char *user;
	char *password_file;
	char *token_file;
	char *ca_file;
	bool insecure;
	bool accept;
	int64_t accept_max;
	bool offer;
	char *answer;
	char *key_file;
	bool json;
	bool quiet;
	bool verbose;
	char *html;
	int64_t fd; /* connect: the descriptor that is handed over; 0: none */
	bool serve; /* connect: our program is to be there before theirs */
	bool help;
};

extern const struct opt_program punch_program;
extern const struct opt_program connect_program;
extern const struct opt_program demo_program;
extern const struct opt_program interfaces_program;
extern const struct opt_program address_program;

/* PUNCH_BIT of --strategy; 0: all. */
uint32_t punch_options_only(const struct punch_options *o);

/*
 * The options of a diagnosis that mean the same: views of o, not to be cleared. Of `turn` and what
 * belongs to it too where with_turn is set.
 */
void punch_options_check(const struct punch_options *o, bool with_turn, struct check_options *out);

/* What does not go together: NULL, or text for people. */
const char *punch_options_conflict(const struct punch_options *o);

#endif

/* turn_resolve_state - what turn_resolve*.c share. */
#ifndef NATKIT_TURN_RESOLVE_STATE_H
#define NATKIT_TURN_RESOLVE_STATE_H

#include "turn_resolve.h"

#define TR_QUESTIONS_MAX 48

enum tr_state { TR_NEW, TR_ASKED, TR_ANSWERED };

struct tr_question {
	uint8_t kind;
	uint8_t state;
	char name[TURN_RESOLVE_NAME_MAX];
	size_t count;
	union {
		struct addr addrs[TURN_RESOLVE_ADDRS_MAX];
		struct turn_srv srv[TURN_RESOLVE_RECORDS_MAX];     /* in the order to be tried */
		struct turn_naptr naptr[TURN_RESOLVE_RECORDS_MAX]; /* of RELAY, sorted */
	} is;
};

struct turn_resolve {
	struct turn_resolve_config config;
	struct tr_question questions[TR_QUESTIONS_MAX];
	size_t question_count;
	struct turn_candidate list[TURN_RESOLVE_CANDIDATES_MAX];
	size_t count;
	unsigned int steps;   /* of this look */
	bool is_absent;       /* a record says that there is no such service */
	bool is_other;        /* records name other transports only */
	const char *why;      /* of the first failure of DNS */
	const char *why_ipv4; /* of the first one about A, which says most */
};

/* Makes the list of all that is known, from its beginning, and finds what is to be asked. */
void tr_look(struct turn_resolve *r);

#endif

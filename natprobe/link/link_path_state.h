/* link_path_state - what the files of link_path share. */
#ifndef NATPROBE_LINK_PATH_STATE_H
#define NATPROBE_LINK_PATH_STATE_H

#include "link_mtu.h"
#include "link_path.h"

#define MS    UINT64_C(1000)
#define S     (1000 * MS)
#define NEVER UINT64_MAX

#define LINK_PATH_MEET_US        (10 * S) /* as long it asks fast, for the other side's link to be there */
#define LINK_PATH_DOUBT_LEAST_US (1 * S) /* between two that come from outside */
#define ASKED_MAX                64
#define SEEN_MAX                 32

struct asked {
	struct stun_tid tid;
	uint64_t at_us;
	uint16_t size; /* of one that is padded; 0: it is short */
	bool is_open;
	bool is_control; /* goes with a padded one */
};

struct link_path {
	struct link_path_config c;
	struct asked asked[ASKED_MAX];
	struct stun_tid seen[SEEN_MAX];
	uint8_t asked_next, seen_next;
	bool has_peer;    /* its link asks us */
	bool is_answered; /* once */
	bool is_broken;
	uint16_t factor; /* of the pace, per mille */
	uint32_t rtt_us;
	uint64_t began_us;
	uint64_t sent_us;    /* by anybody */
	uint64_t last_us;    /* we asked */
	uint64_t open_us;    /* the first request since the last answer; NEVER: none */
	uint64_t heard_us;   /* whatever it was */
	uint64_t unheard_us; /* the first traffic since something was heard; NEVER: none */
	/* Doubt. */
	bool is_doubted;
	uint32_t asks;     /* in vain */
	uint64_t ask_us;   /* the next one */
	uint64_t doubt_us; /* the last one from outside */
	const char *why;
	/* link_path_width.c */
	struct link_mtu mtu;
	bool is_control_answered;
	uint64_t tried_us;   /* NEVER: the size is to be tried now */
	uint64_t search_us;  /* the last search began; 0: none did */
	uint64_t confirm_us; /* the same, or it was asked whether all still passes */
	bool is_used;        /* since then */
	/* Answers. */
	uint32_t answers;
	uint64_t answers_us;
	uint8_t buf[LINK_PATH_FRAME_MAX];
};

/* -- link_path.c -- */
/* size: with padding; 0: without. */
struct asked *link_path_ask(struct link_path *p, uint16_t size, uint64_t now_us);
/* As far as it is known. */
uint64_t link_path_rtt(const struct link_path *p);

/* -- link_path_width.c -- */
void link_path_width_init(struct link_path *p);
/* Doubt is over. */
void link_path_width_doubted(struct link_path *p, uint64_t now_us);
/* Of any request of ours. */
void link_path_width_answered(struct link_path *p, const struct asked *a);
/* While there is no doubt. */
uint64_t link_path_width_next_us(const struct link_path *p);
void link_path_width_on_time(struct link_path *p, uint64_t now_us);

#endif

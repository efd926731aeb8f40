/*
 * meet_kit - parties that meet over a carrier on a virtual clock: it loses, repeats, delays,
 * reorders, keeps what was said for those who come later, echoes, and lies where it is told to.
 */
#ifndef NATKIT_MEET_KIT_H
#define NATKIT_MEET_KIT_H

#include "natprobe/meet/meet.h"
#include "rng.h"

#define MEET_KIT_PARTIES 6
#define MEET_KIT_FLYING  4096
#define MEET_KIT_KEPT    256
#define MEET_KIT_STRETCH 4

struct meet_kit_message {
	uint64_t at_us;
	int from, to; /* parties; from -1: nobody */
	char topic[MEET_TOPIC_MAX];
	uint16_t len;
	uint8_t bytes[MEET_ENVELOPE_MAX];
};

struct meet_kit_party {
	struct meet *m; /* NULL: not there */
	char topics[2][MEET_TOPIC_MAX];
	int topic_count;
	int64_t clock_us; /* its clock is that much ahead of the kit's */
	bool is_ready;
	int failure; /* enum meet_failure; -1: none */
	uint64_t ready_at_us, failed_at_us;
	int published;
	int received;            /* messages */
	char received_text[512]; /* their first letters, one each */
	uint16_t last_len;
	uint64_t deadline_us;
};

struct meet_kit {
	struct rng rng;
	uint64_t now_us;
	struct meet_kit_party parties[MEET_KIT_PARTIES];
	struct meet_kit_message *flying;
	int flying_count;
	struct meet_kit_message *kept;
	int kept_count;
	bool keeps; /* who subscribes later gets what was said */
	uint32_t loss_percent, repeat_percent;
	uint64_t delay_us, jitter_us;
	/* TCP carries it to the rendezvous and on, and loses so many segments: each is sent again, later
	   and later, and what is behind it waits. */
	uint32_t tcp_loss_percent;
	uint64_t tcp_free_us[MEET_KIT_PARTIES]
			    [2]; /* when what a party sends, or gets, is through */
	/* May change what is carried to m->to, or return false: it is not. */
	bool (*lie)(struct meet_kit *k, struct meet_kit_message *m);
	void *lie_arg;
};

void meet_kit_open(struct meet_kit *k, uint64_t seed);
void meet_kit_close(struct meet_kit *k);
/* Starts a party anew; with a code, or by `config` with the kit's random numbers. */
void meet_kit_start(struct meet_kit *k, int party, struct meet_config config);
void meet_kit_code(struct meet_kit *k, int party, const char *code);
void meet_kit_stop(struct meet_kit *k, int party); /* without a word */
/* One letter, `len` times, as one message. */
bool meet_kit_say(struct meet_kit *k, int party, char letter, size_t len);
/* Something on the carrier that no party said; at once. */
void meet_kit_forge(struct meet_kit *k, const char *topic, struct bytes data);
void meet_kit_run(struct meet_kit *k, uint64_t for_us);
uint64_t meet_kit_clock(const struct meet_kit *k, int party);
void meet_kit_draw(void *arg, void *buf, size_t len); /* arg: a struct rng */

#endif

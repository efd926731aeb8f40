/*
 * transfer_receive - the receiver of files: messages of the sender in, what is to be done with files
 * out. A state machine without sockets, files or clock; the other side may lie in all that it says.
 *
 * Messages are fed while transfer_receive_is_ready; else it has a step to do first.
 */
#ifndef NATPROBE_TRANSFER_RECEIVE_H
#define NATPROBE_TRANSFER_RECEIVE_H

#include "transfer_core.h"

struct transfer_receive_config {
	struct transfer_target target; /* what the tables refer to is borrowed */
	struct transfer_digest digest;
	struct transfer_digest old_digest; /* of what is here from an earlier run */
	uint8_t key[MANIFEST_KEY_LEN];     /* random */
	bool force;                        /* files that are here already are replaced */
	void (*on_output)(void *arg, struct bytes frame);
	void (*on_event)(void *arg, const struct transfer_event *e);
	void *arg;
};

struct transfer_receive;

struct transfer_receive *transfer_receive_new(const struct transfer_receive_config *config);
void transfer_receive_free(struct transfer_receive *r); /* NULL is fine */

bool transfer_receive_is_ready(const struct transfer_receive *r);
void transfer_receive_input(struct transfer_receive *r, const struct transfer_msg *m);
/* Answers TRANSFER_ON_OFFER. */
void transfer_receive_consent(struct transfer_receive *r, bool is_given);
/* What came is no message of ours. */
void transfer_receive_malformed(struct transfer_receive *r);
/* The stream is at its end, or broken. */
void transfer_receive_lost(struct transfer_receive *r);
/* Somebody here ends it: the other side is told. */
void transfer_receive_interrupt(struct transfer_receive *r);
enum transfer_work transfer_receive_step(struct transfer_receive *r);

/* Everything is in place, and only the other side's last word is missing. */
bool transfer_receive_is_placed(const struct transfer_receive *r);
const struct manifest *transfer_receive_manifest(const struct transfer_receive *r);
/* Progress, and once it is over how it ended. */
const struct transfer_core *transfer_receive_core(const struct transfer_receive *r);

#endif

/*
 * transfer_send - the sender of files: messages of the receiver and pieces of files in, messages out.
 * A state machine without sockets, files or clock.
 *
 * The caller has it do a step whenever there is room for what it says, and feeds messages as they
 * come. Each step is short (transfer_files.h).
 */
#ifndef NATPROBE_TRANSFER_SEND_H
#define NATPROBE_TRANSFER_SEND_H

#include "transfer_core.h"

struct transfer_send_config {
	const struct manifest *manifest; /* borrowed, as all that the tables refer to */
	struct transfer_source source;
	struct transfer_digest digest;
	void (*on_output)(void *arg, struct bytes frame);
	void (*on_event)(void *arg, const struct transfer_event *e);
	void *arg;
};

struct transfer_send;

struct transfer_send *transfer_send_new(const struct transfer_send_config *config);
void transfer_send_free(struct transfer_send *s); /* NULL is fine */

void transfer_send_input(struct transfer_send *s, const struct transfer_msg *m);
/* What came is no message of ours. */
void transfer_send_malformed(struct transfer_send *s);
/* The stream is at its end, or broken. */
void transfer_send_lost(struct transfer_send *s);
/* Somebody here ends it: the other side is told. */
void transfer_send_interrupt(struct transfer_send *s);
enum transfer_work transfer_send_step(struct transfer_send *s);

/* Progress, and once it is over how it ended. */
const struct transfer_core *transfer_send_core(const struct transfer_send *s);

#endif

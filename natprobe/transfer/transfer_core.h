/*
 * transfer_core - what sender and receiver of files share: what they tell the other side and the
 * caller, how far they are, and how they end.
 */
#ifndef NATPROBE_TRANSFER_CORE_H
#define NATPROBE_TRANSFER_CORE_H

#include "manifest.h"
#include "transfer_files.h"

/* What came of a step. */
enum transfer_work {
	TRANSFER_WAIT = 0, /* for the other side, or for consent */
	TRANSFER_MORE,     /* there is something to do at once */
	TRANSFER_OVER,
};

enum transfer_event_kind {
	TRANSFER_ON_OFFER = 1, /* the manifest is whole. Receiver: it asks for consent. */
	TRANSFER_ON_CLASH,     /* index: this one is here already */
	TRANSFER_ON_ACCEPT,    /* data begin to flow */
	TRANSFER_ON_FILE,      /* index, at: begins there */
	TRANSFER_ON_FILE_END,  /* index, digest: it is whole */
	TRANSFER_ON_OVER,      /* the last one */
};

struct transfer_event {
	uint8_t kind; /* enum transfer_event_kind */
	uint32_t index;
	uint64_t at;
	const uint8_t *digest;
};

struct transfer_progress {
	uint32_t files, files_done;
	uint64_t bytes, bytes_done;
	uint64_t bytes_kept; /* of those done: from an earlier run */
	uint64_t checked;    /* of what is here from an earlier run: read again */
	bool is_moving;      /* data flow */
	bool is_checking;    /* it is being read again: nothing flows for so long */
};

struct transfer_core {
	void (*on_output)(void *arg, struct bytes frame); /* good for this call only */
	void (*on_event)(void *arg, const struct transfer_event *e);
	void *arg;
	struct transfer_progress progress;
	bool is_over, is_ok;
	bool is_told; /* why: by the other side */
	char why[TRANSFER_TEXT_MAX];
	uint8_t frame[TRANSFER_FRAME_MAX];
};

void transfer_put(struct transfer_core *c, const struct transfer_msg *m);
void transfer_tell(struct transfer_core *c, enum transfer_event_kind kind, uint32_t index,
		   uint64_t at, const uint8_t *digest);
void transfer_succeed(struct transfer_core *c);

/* Ends it, and says so to the other side, with a sentence and its remedy. */
void transfer_fail(struct transfer_core *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* About a file: what was to be done with it, and rc: -errno or TRANSFER_CHANGED. */
void transfer_fail_file(struct transfer_core *c, struct bytes path, const char *what, int rc);
/* Somebody here ended it. */
void transfer_interrupt(struct transfer_core *c);
/* The other side ended it, with a sentence. */
void transfer_fail_told(struct transfer_core *c, struct bytes text);
/* The other side's first word is not what it shall be. */
bool transfer_check_hello(struct transfer_core *c, const struct transfer_msg *m, bool is_sender);

/* Calls of a digest. */
static inline void digest_begin(const struct transfer_digest *d)
{
	d->begin(d->arg);
}

static inline void digest_add(const struct transfer_digest *d, struct bytes data)
{
	d->add(d->arg, data);
}

static inline void digest_so_far(const struct transfer_digest *d,
				 uint8_t out[static TRANSFER_DIGEST_LEN])
{
	d->so_far(d->arg, out);
}

/* Counts zeros of *left into d, no more than TRANSFER_ZEROS. Returns how many. */
uint64_t digest_some_zeros(const struct transfer_digest *d, uint64_t *left);

/* What the receiver has of an earlier run: of each file once, in the order of the manifest. */
struct have {
	uint64_t at;
	uint32_t index;
	uint8_t digest[TRANSFER_DIGEST_LEN];
};

struct have_list {
	struct have *items;
	uint32_t count, cap;
};

/* False: memory runs out. */
bool have_add(struct have_list *l, const struct have *h);
/* NULL for none. */
const struct have *have_find(const struct have_list *l, uint32_t index);
void have_clear(struct have_list *l);

#endif

/*
 * filter_test - whose datagrams get through to a mapping of ours (RFC 5780, section 4.4).
 *
 * A fresh socket, that only ever speaks to the primary endpoint of one server, asks for
 * answers from the three other endpoints: change port, change address, change both, all in
 * parallel and in several rounds, each with a control probe whose answer any filter lets
 * through. An answer proves that its source passes. A silence proves something only where
 *   - the controls of the same rounds were answered,
 *   - the source is alive: it answers us when asked directly,
 *   - the server does what CHANGE-REQUEST says: shown, where the mapping allows it, by the
 *     same request from the mapping socket, which has spoken to all four endpoints,
 *   - loss explains it with at most the chance that the configuration allows.
 * Otherwise it is unknown, and the cause says which of these is missing. One thing cannot be
 * told from here: behind a mapping of its own for each endpoint, a server that silently drops
 * CHANGE-REQUEST looks like a filter.
 */
#ifndef NATPROBE_FILTER_TEST_H
#define NATPROBE_FILTER_TEST_H

#include "classify.h"
#include "probe_log.h"

/* What the mapping test knows about the endpoint that an answer has to come from. */
enum filter_source {
	SOURCE_PENDING = 0, /* not known yet */
	SOURCE_SILENT,      /* does not answer us at all */
	SOURCE_ALIVE,       /* answers; a changed answer would not reach the mapping socket */
	SOURCE_REACHABLE,   /* answers, and the mapping socket can take a changed answer from it */
};

struct filter_kind_state {
	struct addr source;
	uint8_t source_state; /* enum filter_source */
	uint16_t sent, answered;
	uint64_t last_us;
	struct retry verify;
	uint16_t verify_sent, verify_answered;
};

struct filter_test {
	uint8_t session, server;
	uint8_t slot;        /* the fresh one */
	uint8_t verify_slot; /* the mapping socket */
	struct filter_kind_state kinds[FILTER_KINDS];
	uint8_t rounds;                /* begun */
	uint8_t pending;               /* kinds of this round that are still to be sent, as bits */
	uint64_t started_us, round_us; /* of the test, of its last round */
	uint8_t fault;                 /* enum verdict_cause: the server cannot be used for this */
	bool failed;                   /* no socket */
	bool paused;                   /* another server is tried first */
	bool is_mapped; /* something got through: its NAT knows this socket and the primary */
};

/*
 * sources[]  the endpoints of the server, by the kind whose answer comes from there;
 *            sources[FILTER_CONTROL] is the primary
 */
void filter_test_start(struct filter_test *f, uint8_t session, uint8_t server, uint8_t slot,
		       uint8_t verify_slot, const struct addr sources[FILTER_KINDS],
		       uint64_t now_us);

/* To be told whenever the mapping test knows more. */
void filter_test_set_source(struct filter_test *f, enum verdict_filter_kind kind,
			    enum filter_source state);

/* The server showed that it cannot be used: nothing more is sent. The first fault counts. */
void filter_test_set_fault(struct filter_test *f, enum verdict_cause fault);

/* Sets *want to what is due to be sent, if anything. Then filter_test_sent must follow. */
bool filter_test_next(struct filter_test *f, const struct probe_view *view,
		      struct probe_want *want);

void filter_test_sent(struct filter_test *f, const struct probe_want *want,
		      const struct probe_view *view);
void filter_test_withdrawn(struct filter_test *f, const struct probe_want *want);
void filter_test_on_answer(struct filter_test *f, const struct probe_want *want);

/* What was not answered so far counts no more: our pace was too much for the path. */
void filter_test_restart(struct filter_test *f);

/* Nothing has left its socket yet, though it shall. */
bool filter_test_is_unsent(const struct filter_test *f);

/* When filter_test_next or filter_test_is_over may say something else; UINT64_MAX: never. */
uint64_t filter_test_deadline_us(const struct filter_test *f, const struct probe_view *view);

/* Waiting longer, or sending more, would tell nothing. */
bool filter_test_is_over(const struct filter_test *f, const struct probe_view *view);

/* The server looks as if it could not be used: time to try another one beside it. */
bool filter_test_is_suspect(const struct filter_test *f, const struct probe_view *view);

/* What is known by now; a cause where the value is unknown. */
struct verdict_property filter_test_result(const struct filter_test *f,
					   const struct probe_view *view);

/* The server takes CHANGE-REQUEST and drops it, as far as can be told. */
bool filter_test_drops_change(const struct filter_test *f, const struct probe_view *view);

#endif

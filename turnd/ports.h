/*
 * ports - the relay ports of one relay address, as far as they are one worker's share.
 *
 * Ports are dealt to workers by pairs (an even one and the odd one after it), so that a worker
 * can serve EVEN-PORT (RFC 8656, section 7.2) alone. Each pick is uniform over all that
 * fit, and costs the same whether the share is empty or nearly full: no list is walked, no pick
 * is tried twice. The whole range takes three bits a port.
 *
 * One thread takes and releases; the rest, ports_is_live and ports_set_stream, is for any thread.
 */
#ifndef NATKIT_TURND_PORTS_H
#define NATKIT_TURND_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* How long a reservation stands (RFC 8656, section 7.2: at least 30 s). */
#define PORTS_RESERVED_MS 30000

#define PORTS_TOKEN_LEN 8

enum ports_want {
	PORTS_ANY,
	PORTS_EVEN, /* EVEN-PORT with R = 0 */
};

struct ports_share {
	uint16_t low, high;        /* the range of the address, both included; low is not 0 */
	uint8_t worker, workers;   /* whose share of how many; workers is not 0 */
	uint16_t reservations_max; /* tokens good at one time; a token is searched among them */
};

/* A RESERVATION-TOKEN: the worker's number, then 7 random bytes. */
struct ports_token {
	uint8_t bytes[PORTS_TOKEN_LEN];
};

struct ports;

struct ports *ports_new(const struct ports_share *share); /* NULL when memory runs out */
void ports_free(struct ports *p);                         /* NULL is fine */

/* Which of `workers` has a port in its share. */
uint8_t ports_worker_of(uint16_t port, uint8_t workers);

/*
 * Takes a free port, uniformly at random; 0: none is left that fits (answered with 508).
 * random  from a CSPRNG, fresh for each call
 * Where the system refuses a port because another program has it, take the next one before
 * releasing that one: then it is not picked again.
 */
uint16_t ports_take(struct ports *p, enum ports_want want, uint64_t random);

/*
 * EVEN-PORT with R = 1: takes an even port, and reserves the next one for whoever shows `token`.
 * token_random  fresh from a CSPRNG; its first byte is not used
 * Returns the even port; 0, `token` untouched: no such pair is left, or no more reservations.
 */
uint16_t ports_take_pair(struct ports *p, uint64_t random,
			 const uint8_t token_random[static PORTS_TOKEN_LEN], uint64_t now_ms,
			 struct ports_token *token);

/* The worker that gave the token out. It came from the wire: check that there is such a one. */
uint8_t ports_token_worker(const struct ports_token *token);

/*
 * Takes the port that is reserved for a token; the token is good once. 0: it is not of this pool,
 * used, or has expired (answered with 508).
 */
uint16_t ports_claim(struct ports *p, const struct ports_token *token, uint64_t now_ms);

/* Gives a reservation up before its time; no harm where there is none. */
void ports_cancel(struct ports *p, const struct ports_token *token);

/* Gives back a port that ports_take, ports_take_pair or ports_claim returned. */
void ports_release(struct ports *p, uint16_t port);

/*
 * Frees the ports whose reservation has ended by `now_ms`; returns when to call again,
 * UINT64_MAX for never.
 */
uint64_t ports_expire(struct ports *p, uint64_t now_ms);

/* What a port is for. The other protocol's of the same number may be another program's. */
enum ports_kind {
	PORTS_DATAGRAMS,
	PORTS_STREAMS, /* RFC 6062 */
};

/* Says of a port that is taken that it is for streams, until it is given back. */
void ports_set_stream(struct ports *p, uint16_t port);

/*
 * Is the port taken at this moment, for that kind? A reserved one is not. From other threads the
 * answer may be a moment old. false for ports of other shares.
 */
bool ports_is_live(const struct ports *p, uint16_t port, enum ports_kind kind);

/* Ports that are neither taken nor reserved, and how many the share has in all. */
uint32_t ports_count_free(const struct ports *p);
uint32_t ports_count(const struct ports *p);

#endif

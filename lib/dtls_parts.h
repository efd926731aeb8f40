/* dtls_parts - what a DTLS server and its sessions hold. For dtls*.c alone. */
#ifndef NATKIT_DTLS_PARTS_H
#define NATKIT_DTLS_PARTS_H

#include "dgram_bio.h"
#include "dtls.h"
#include "dtls_cookie.h"
#include "dtls_hello.h"
#include "list.h"
#include "per_source.h"

#define DTLS_RECORD_MAX 16384

struct dtls_session {
	struct dtls *d;
	struct dtls_session *hash_next;
	struct list link; /* in half_open or established, oldest first */
	uint64_t since_us;
	uint64_t retry_us; /* half open: when OpenSSL wants to send its flight again */
	struct addr peer, local;
	uint8_t random[32]; /* of its ClientHello: tells a new client from an old datagram */
	SSL *ssl;
	struct dgram_bio end;
	void *user;
	bool established;
	bool kept;    /* dtls_keep */
	bool closing; /* dtls_close from a callback */
};

struct dtls {
	struct dtls_limits limits;
	struct dtls_events events;
	void *arg;
	SSL_CTX *ctx;
	BIO_METHOD *method;
	BIO_ADDR *unused_addr;      /* DTLSv1_listen wants to tell the client's */
	struct per_source *sources; /* shared or own */
	struct per_source *own;
	uint8_t hash_key[16];
	struct dtls_cookies cookies;
	size_t hash_mask;
	struct dtls_session **hash;
	struct list half_open, established, kept;
	struct dtls_session *busy; /* whose callback is running */
	uint64_t next_us;          /* nothing is due before; may be too early */
	uint32_t half_open_sessions;
	struct dtls_stats stats;
	uint8_t record[DTLS_RECORD_MAX];
};

static inline struct dtls_session *dtls_session_of(struct list *link)
{
	return LIST_OF(link, struct dtls_session, link);
}

static inline void dtls_wake_by(struct dtls *d, uint64_t us)
{
	if (us < d->next_us)
		d->next_us = us;
}

/* Of that client with that address of ours; NULL: none. */
struct dtls_session *dtls_session_find(const struct dtls *d, const struct addr *peer,
				       const struct addr *local);

/* For a client that per_source has counted. NULL when memory runs out. */
struct dtls_session *dtls_session_new(struct dtls *d, const struct dtls_hello *hello,
				      const struct addr *peer, const struct addr *local,
				      uint64_t now_us);
void dtls_session_end(struct dtls_session *s, enum dtls_end why);

/* Goes on with the handshake. Returns false when that was its end; then `s` is gone. */
bool dtls_session_shake(struct dtls_session *s, uint64_t now_us);

/* When OpenSSL wants to be woken to send its flight again. */
void dtls_session_plan_retry(struct dtls_session *s, uint64_t now_us);

/* A datagram of this client, which may end the session. */
void dtls_session_feed(struct dtls_session *s, struct bytes datagram, uint64_t now_us);

#endif

/*
 * policy - what a reload may change, as one immutable, counted snapshot.
 *
 * The main thread makes one of each configuration and hands it to the workers; each keeps it
 * until it gets the next.
 */
#ifndef NATKIT_POLICY_H
#define NATKIT_POLICY_H

#include <openssl/types.h>

#include "geo.h"
#include "limit.h"
#include "partner_wire.h"
#include "stun_server.h"
#include "stund_conf.h"

struct policy {
	struct stun_server_policy server; /* `software` belongs to this struct */
	struct limit *limit;              /* shared by all workers; NULL: no limit */
	SSL_CTX *tls, *dtls;              /* NULL: no certificate */
	SSL_CTX *https;                   /* for the rendezvous; NULL: no certificate, or no such */
	struct geo *geo;                  /* NULL: no database */
	bool has_partner_key;
	uint8_t partner_key[PARTNER_KEY_LEN];
};

/* Returns NULL with *err set. */
struct policy *policy_new(const struct stund_conf *conf, struct opt_error *err);

/* One more holder. */
struct policy *policy_retain(struct policy *p);
void policy_release(struct policy *p); /* NULL is fine */

#endif

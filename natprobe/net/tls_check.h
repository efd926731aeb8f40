/*
 * tls_check - one Binding over TLS with a stuns: server (RFC 8489, section 6.2.3): is it
 * reached at all, is its certificate one to trust, and as what does it see us? It says nothing
 * about UDP.
 */
#ifndef NATPROBE_TLS_CHECK_H
#define NATPROBE_TLS_CHECK_H

#include <event2/event.h>
#include <openssl/types.h>

#include "probe_socket.h"
#include "natprobe/report/report.h"

struct tls_check_config {
	struct event_base *base;
	SSL_CTX *tls; /* tls_check_context */
	struct probe_source source;
	const struct server *server; /* its tcp address of the source's family is asked */
	uint64_t timeout_ms;
	void (*on_done)(void *arg); /* once */
	void *arg;
};

struct tls_check;

/* A client context that trusts what the system trusts; free with SSL_CTX_free. NULL when
 * OpenSSL fails. */
SSL_CTX *tls_check_context(void);

/* Starts; on_done comes later, never before this returns. NULL when memory runs out. */
struct tls_check *tls_check_new(const struct tls_check_config *config);
void tls_check_free(struct tls_check *t); /* NULL is fine */

/* What is known so far; final after on_done. */
const struct report_tls *tls_check_result(const struct tls_check *t);

/* Gives up now: on_done is called unless it was before. */
void tls_check_stop(struct tls_check *t);

#endif

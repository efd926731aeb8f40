/*
 * carrier_tls - TLS to a carrier's server: its certificate is checked before anything is said.
 */
#ifndef NATPROBE_CARRIER_TLS_H
#define NATPROBE_CARRIER_TLS_H

#include <openssl/types.h>

#include "carrier_uri.h"

/* A context whose sessions check for the name of `uri`, and ask for it. NULL when OpenSSL fails. */
SSL_CTX *carrier_tls_context(const struct carrier_uri *uri);

/* A session of it, with the name that is asked for (SNI). NULL when memory runs out. */
SSL *carrier_tls_session(SSL_CTX *tls, const struct carrier_uri *uri);

/* Has the session ask for the name (SNI), where there is one. */
bool carrier_tls_set_name(SSL *ssl, const struct carrier_uri *uri);

/* What is wrong with the certificate, for people, with a remedy; NULL: nothing. */
const char *carrier_tls_problem(const SSL *ssl);

#endif

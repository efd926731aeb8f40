/* The context of a server name (RFC 6066, section 3). */
#include "tls.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

/* Lives as long as the context that connections begin with. */
struct names {
	struct tls_name *entries;
	size_t count;
	SSL_CTX *first; /* not counted: it has this */
};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static int names_index = -1, entry_index = -1;

static void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free((char *)(uintptr_t)n->entries[i].name);
		if (n->entries[i].ctx != n->first)
			SSL_CTX_free(n->entries[i].ctx);
	}
	free(n->entries);
	free(n);
}

static void on_ctx_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl,
			void *argp)
{
	if (ptr != NULL)
		names_free(ptr);
}

static void make_indexes(void)
{
	names_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_ctx_free);
	entry_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static bool have_indexes(void)
{
	return CRYPTO_THREAD_run_once(&once, make_indexes) == 1 && names_index >= 0 &&
	       entry_index >= 0;
}

static struct tls_name *find(const struct names *n, const char *name)
{
	struct tls_name *otherwise = NULL;

	for (size_t i = 0; i < n->count; i++) {
		struct tls_name *e = &n->entries[i];

		if (e->name == NULL)
			otherwise = e;
		else if (name != NULL && strcasecmp(e->name, name) == 0)
			return e;
	}
	return otherwise;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct tls_name *e = find(arg, name);

	if (e == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_set_ex_data(ssl, entry_index, e) != 1)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (SSL_get_SSL_CTX(ssl) != e->ctx && SSL_set_SSL_CTX(ssl, e->ctx) == NULL)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return e->name != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static bool copy_entry(struct names *n, const struct tls_name *from)
{
	struct tls_name *e = &n->entries[n->count];

	*e = *from;
	if (from->name != NULL && (e->name = strdup(from->name)) == NULL)
		return false;
	if (e->ctx != n->first)
		SSL_CTX_up_ref(e->ctx);
	n->count++;
	return true;
}

bool tls_choose_by_name(SSL_CTX *first, const struct tls_name *names, size_t count)
{
	struct names *n;

	if (!have_indexes() || SSL_CTX_get_ex_data(first, names_index) != NULL)
		return false;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return false;
	n->first = first;
	n->entries = calloc(count, sizeof(*n->entries));
	for (size_t i = 0; n->entries != NULL && i < count; i++) {
		if (!copy_entry(n, &names[i]))
			break;
	}
	if (n->count < count || SSL_CTX_set_ex_data(first, names_index, n) != 1) {
		names_free(n);
		return false;
	}
	SSL_CTX_set_tlsext_servername_callback(first, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(first, n);
	return true;
}

uint64_t tls_name_tag(const SSL *ssl)
{
	const struct tls_name *e = have_indexes() ? SSL_get_ex_data(ssl, entry_index) : NULL;

	return e != NULL ? e->tag : 0;
}

#include "policy.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "partner_key.h"
#include "tls.h"

/* 512 KiB: sources that meet in a place share its budget, so there must be many. */
#define LIMIT_PLACES 65536

struct counted {
	struct policy policy; /* first: what the users hold */
	atomic_uint holders;
};

static bool fill_server(struct policy *p, const struct stund_conf *conf)
{
	p->server.rfc3489 = conf->rfc3489;
	p->server.nat_discovery = conf->nat_discovery;
	if (conf->software == NULL)
		return true;
	p->server.software = strdup(conf->software);
	return p->server.software != NULL;
}

static bool fill_limit(struct policy *p, const struct stund_conf *conf)
{
	uint8_t key[16];

	if (conf->rate_limit == 0)
		return true;
	if (RAND_bytes(key, sizeof(key)) != 1)
		return false;
	p->limit = limit_new((uint32_t)conf->rate_limit, (uint32_t)conf->rate_burst, LIMIT_PLACES,
			     key);
	return p->limit != NULL;
}

static bool fill_tls(struct policy *p, const struct stund_conf *conf, struct opt_error *err)
{
	static const char *const alpn[] = { TLS_ALPN_NAT_DISCOVERY, NULL };
	static const char *const http[] = { "http/1.1", NULL };
	struct tls_server_options options = { .cert_file = conf->cert_file,
					      .key_file = conf->key_file,
					      .alpn = alpn };
	struct tls_error why;

	if (conf->cert_file == NULL)
		return true;
	p->tls = tls_server_new(TLS_STREAM, &options, &why);
	p->dtls = p->tls != NULL ? tls_server_new(TLS_DATAGRAM, &options, &why) : NULL;
	options.alpn = http;
	if (p->dtls != NULL && conf->rendezvous.count > 0)
		p->https = tls_server_new(TLS_STREAM, &options, &why);
	if (p->dtls != NULL && (p->https != NULL || conf->rendezvous.count == 0))
		return true;
	snprintf(err->text, sizeof(err->text), "%s", why.text);
	return false;
}

static bool fill_geo(struct policy *p, const struct stund_conf *conf, struct opt_error *err)
{
	char *const *paths = conf->geo_database.items;
	const char *why = "out of memory";

	if (conf->geo_database.count == 0)
		return true;
	p->geo = geo_new();
	for (size_t i = 0; i < conf->geo_database.count; i++) {
		if (p->geo != NULL && geo_add(p->geo, paths[i], &why))
			continue;
		snprintf(err->text, sizeof(err->text), "geo-database: %.200s: %s", paths[i], why);
		return false;
	}
	return true;
}

static bool fill_partner(struct policy *p, const struct stund_conf *conf, struct opt_error *err)
{
	if (conf->partner_key_file == NULL)
		return true;
	p->has_partner_key = partner_key_read(conf->partner_key_file, p->partner_key, err);
	return p->has_partner_key;
}

static bool fill(struct policy *p, const struct stund_conf *conf, struct opt_error *err)
{
	if (fill_server(p, conf) && fill_limit(p, conf))
		return fill_tls(p, conf, err) && fill_geo(p, conf, err) &&
		       fill_partner(p, conf, err);
	snprintf(err->text, sizeof(err->text), "out of memory or randomness");
	return false;
}

struct policy *policy_new(const struct stund_conf *conf, struct opt_error *err)
{
	struct counted *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return NULL;
	}
	atomic_init(&c->holders, 1);
	if (fill(&c->policy, conf, err))
		return &c->policy;
	policy_release(&c->policy);
	return NULL;
}

struct policy *policy_retain(struct policy *p)
{
	struct counted *c = (struct counted *)p;

	atomic_fetch_add(&c->holders, 1);
	return p;
}

void policy_release(struct policy *p)
{
	struct counted *c = (struct counted *)p;

	if (p == NULL || atomic_fetch_sub(&c->holders, 1) != 1)
		return;
	limit_free(p->limit);
	geo_free(p->geo);
	SSL_CTX_free(p->tls);
	SSL_CTX_free(p->dtls);
	SSL_CTX_free(p->https);
	OPENSSL_cleanse(p->partner_key, sizeof(p->partner_key));
	free((char *)(uintptr_t)p->server.software);
	free(c);
}

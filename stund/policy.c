#include "policy.h"

#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* 512 KiB: sources that meet in a place share its budget, so there must be many. */
#define LIMIT_PLACES 65536

struct counted {
	struct policy policy; /* first: what the users hold */
	atomic_uint holders;
};

static bool fill(struct policy *p, const struct stund_conf *conf, struct opt_error *err)
{
	uint8_t key[16];

	p->server.rfc3489 = conf->rfc3489;
	p->server.nat_discovery = conf->nat_discovery;
	if (conf->software != NULL) {
		p->server.software = strdup(conf->software);
		if (p->server.software == NULL)
			goto no_memory;
	}
	if (conf->rate_limit == 0)
		return true;
	if (RAND_bytes(key, sizeof(key)) != 1) {
		snprintf(err->text, sizeof(err->text), "no random bytes");
		return false;
	}
	p->limit = limit_new((uint32_t)conf->rate_limit, (uint32_t)conf->rate_burst, LIMIT_PLACES,
			     key);
	if (p->limit != NULL)
		return true;
no_memory:
	snprintf(err->text, sizeof(err->text), "out of memory");
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
	free((char *)(uintptr_t)p->server.software);
	free(c);
}

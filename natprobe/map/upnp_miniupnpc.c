/* UPnP: what the gateway offers is asked by libminiupnpc. */
#include "upnp.h"

#include <pthread.h>
#include <stdlib.h>

#include "upnp_search.h"

/* Owned by the thread and by who started it: the last one frees it. */
struct upnp {
	pthread_mutex_t lock;
	int owners;
	struct verdict_portmap found;
	/* The rest is set before the thread starts. */
	struct upnp_gateway gateway;
};

void upnp_release(struct upnp *u)
{
	bool is_last;

	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	is_last = --u->owners == 0;
	pthread_mutex_unlock(&u->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static void note_device(void *arg, const struct UPNPUrls *urls, const struct IGDdatas *data)
{
	struct verdict_portmap *out = arg;

	out->present.value = VERDICT_YES;
	out->external = upnp_gateway_external(urls, data);
}

static struct verdict_portmap search(const struct upnp_gateway *g)
{
	struct verdict_portmap out = { 0 };
	struct upnp_find find = { .use = note_device, .arg = &out };
	int rc = upnp_search(g, &find);

	if (find.is_there)
		return out;
	if (rc != 0)
		out.present.cause = CAUSE_LOCAL_ERROR;
	else if (find.is_other)
		out.present.cause = CAUSE_AMBIGUOUS;
	else
		out.present.value = VERDICT_NO;
	return out;
}

static void *run(void *arg)
{
	struct upnp *u = arg;
	struct verdict_portmap found = search(&u->gateway);

	pthread_mutex_lock(&u->lock);
	u->found = found;
	pthread_mutex_unlock(&u->lock);
	upnp_release(u);
	return NULL;
}

struct upnp *upnp_start(const struct probe_source *source, const struct addr *gateway)
{
	struct upnp *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->owners = 2;
	u->found.present.cause = CAUSE_TIMEOUT;
	upnp_gateway_fill(&u->gateway, source, gateway);
	if (pthread_mutex_init(&u->lock, NULL) != 0) {
		free(u);
		return NULL;
	}
	if (upnp_start_thread(run, u))
		return u;
	pthread_mutex_destroy(&u->lock);
	free(u);
	return NULL;
}

struct verdict_portmap upnp_result(struct upnp *u)
{
	struct verdict_portmap found;

	pthread_mutex_lock(&u->lock);
	found = u->found;
	pthread_mutex_unlock(&u->lock);
	return found;
}

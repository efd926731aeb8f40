#include "sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"

static void describe(const struct alloc *a, uint64_t now_ms, struct server_session *out)
{
	const struct flow_counts *counts = &a->flow.counts;
	uint64_t left_ms = a->until_ms > now_ms ? a->until_ms - now_ms : 0;

	*out = (struct server_session){
		.number = a->number,
		.tuple = a->flow.tuple,
		.relayed = { a->flow.ends[0].relayed, a->flow.ends[1].relayed },
		.user = a->user,
		.realm = a->realm,
		.age_s = (uint32_t)((now_ms - a->since_ms) / 1000),
		.left_s = (uint32_t)(left_ms / 1000),
		.permissions = peers_count_permissions(&a->flow.peers, now_ms),
		.channels = peers_count_channels(&a->flow.peers, now_ms),
		.to_peer_packets = atomic_load(&counts->to_peer_packets),
		.to_peer_bytes = atomic_load(&counts->to_peer_bytes),
		.to_client_packets = atomic_load(&counts->to_client_packets),
		.to_client_bytes = atomic_load(&counts->to_client_bytes),
	};
	memcpy(out->country, a->country, sizeof(out->country));
}

void sessions_gather(struct sessions *out, const struct turnd *t, uint16_t worker)
{
	uint64_t now_ms = clock_ms();
	const struct alloc *a = NULL;

	*out = (struct sessions){ .all = calloc(turnd_count(t) + 1, sizeof(*out->all)) };
	if (out->all == NULL) {
		out->failed = true;
		return;
	}
	while (out->count < turnd_count(t) && (a = turnd_next(t, a)) != NULL) {
		describe(a, now_ms, &out->all[out->count]);
		out->all[out->count++].worker = worker;
	}
}

long sessions_join(const struct sessions *workers, size_t count, struct server_session **out)
{
	size_t total = 0, at = 0;
	struct server_session *all;

	for (size_t i = 0; i < count; i++) {
		if (workers[i].failed)
			return -ENOMEM;
		total += workers[i].count;
	}
	all = calloc(total + 1, sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (workers[i].count > 0)
			memcpy(&all[at], workers[i].all, workers[i].count * sizeof(*all));
		at += workers[i].count;
	}
	*out = all;
	return (long)total;
}

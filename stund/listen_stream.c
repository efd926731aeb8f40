/* The TCP and TLS clients of a listener, and what to answer over any connection. */
#include "listen_parts.h"

#include <errno.h>
#include <openssl/rand.h>

#include "clock.h"
#include "limit.h"
#include "priv.h"

bool listen_judge(struct listen *l, const struct addr *local, struct stun_query *q,
		  uint8_t buf[static LISTEN_ANSWER_MAX], struct bytes *answer)
{
	const struct layout_socket *at = layout_find(l->common->layout, local);
	struct limit *limit = l->policy->limit;
	struct stun_reply reply;
	enum stun_outcome outcome;

	*answer = (struct bytes){ 0 };
	if (at == NULL)
		return false;
	if (limit != NULL && !limit_allows(limit, &q->from, clock_ms())) {
		counter_add(&l->stats.limited[q->transport], 1);
		return false;
	}
	q->site = &l->common->layout->sites[at->site].site;
	if (l->partner != NULL)
		q->site = listen_partner_site(l, &l->common->layout->sites[at->site]);
	q->socket = at->number;
	outcome = stun_server_answer(&l->policy->server, q, buf, LISTEN_ANSWER_MAX, &reply);
	counter_add(&l->stats.outcomes[q->transport][outcome], 1);
	if (outcome == STUN_REPLY || outcome == STUN_REPLY_ERROR) {
		countries_count(&l->stats.requests_by_country, l->policy->geo, &q->from);
		*answer = reply.msg;
	}
	return outcome != STUN_DROP_FOREIGN;
}

static void on_frame(struct stream_conn *c, struct bytes frame, void *arg)
{
	const struct stream_peer *peer = stream_peer(c);
	struct stun_query q = { .datagram = frame,
				.from = peer->remote,
				.transport = peer->transport };
	uint8_t buf[LISTEN_ANSWER_MAX];
	struct bytes answer;

	if (!listen_judge(arg, &peer->local, &q, buf, &answer))
		stream_close(c);
	else if (answer.len > 0)
		(void)stream_send(c, answer); /* who does not read is ended by the set */
}

int listen_stream_open(struct listen *l)
{
	static const struct stream_events events = { .on_frame = on_frame };
	const struct stund_conf *conf = l->common->conf;
	struct stream_limits limits = {
		.max_frame = LISTEN_FRAME_MAX,
		.shared = l->common->connections,
		.idle_ms = (uint32_t)conf->idle_timeout_ms,
	};
	uint8_t key[16];

	if (RAND_bytes(key, sizeof(key)) != 1)
		return -EIO;
	l->streams = stream_set_new(l->base, &limits, &events, l, l->policy->tls, key);
	return l->streams != NULL ? 0 : -ENOMEM;
}

int listen_stream_add(struct listen *l, const struct addr *local)
{
	const struct stund_conf *conf = l->common->conf;
	struct stream_listen_options options = { .reuse_port = true };

	/* Cooperation sends SYNs from this port, as whom stund will be by then. */
	if (conf->cooperate)
		options.has_owner = priv_will_be(conf->user, &options.owner);
	return stream_listen(l->streams, local, &options, NULL);
}

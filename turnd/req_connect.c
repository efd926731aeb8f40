/*
 * Connect (RFC 6062, section 5.2): the answer comes when the peer has; and how connections to peers
 * end.
 */
#include "request.h"

static struct relay_end *end_for(struct alloc *a, uint8_t family)
{
	for (size_t i = 0; i < ARRAY_LEN(a->flow.ends); i++) {
		if (a->flow.ends[i].relayed.family == family)
			return &a->flow.ends[i];
	}
	return NULL;
}

static bool is_full(const struct request *r)
{
	uint32_t most = r->realm->limits.tcp_connections;

	return most != 0 && tcp_peers_count(r->alloc) >= most;
}

static uint16_t check(struct request *r, const struct addr *peer, const struct relay_end *end)
{
	if (r->alloc->flow.ends[0].protocol != TURN_PROTOCOL_TCP)
		return 437;
	if (r->attrs.peer_count == 0 || peer->port == 0)
		return 400;
	if (tcp_peers_find(r->alloc, peer) != NULL)
		return 446;
	if (end == NULL)
		return 443;
	if (turnd_judge_peer(r->t, r->realm, peer, PORTS_STREAMS) != POLICY_ALLOWED)
		return 403;
	return is_full(r) ? 508 : 0;
}

uint16_t req_connect(struct request *r)
{
	struct turnd *t = r->t;
	const struct addr *peer = &r->attrs.peers[0];
	struct relay_end *end = end_for(r->alloc, peer->family);
	uint16_t code = check(r, peer, end);
	struct tcp_peer *p;

	if (code != 0)
		return code;
	p = tcp_table_add(t->tcp, r->alloc, end, peer);
	if (p == NULL)
		return 508;
	p->dial = turnd_reach_peer(t, peer, PORTS_STREAMS);
	p->state = TCP_PEER_CONNECTING;
	p->request = (struct tcp_peer_request){ .tid = r->msg.tid,
						.key = r->key,
						.by_sha256 = r->by_sha256,
						.fingerprint = r->msg.fingerprint != 0 };
	if (t->io->connect_peer(t->io->arg, p) != 0) {
		tcp_table_remove(t->tcp, p);
		return 447;
	}
	tcp_table_set_timer(t->tcp, p, r->now_ms + TCP_PEER_CONNECT_MS);
	return REQUEST_LATER;
}

/* Signed as the request was, whatever has become of the key since. */
static void send_answer(struct turnd *t, struct tcp_peer *p, uint16_t code)
{
	uint8_t buf[TURND_ANSWER_MAX];
	const struct flow *flow = &p->alloc->flow;
	enum stun_class class = code == 0 ? STUN_SUCCESS : STUN_ERROR;
	struct turnd_out out = { 0 };
	struct request late = {
		.t = t,
		.msg = { .fingerprint = p->request.fingerprint },
		.key = p->request.key,
		.has_key = true,
		.by_sha256 = p->request.by_sha256,
		.answer = stun_build(buf, sizeof(buf), TURN_CONNECT, class, &p->request.tid),
		.out = &out,
	};

	stun_key_wipe(&p->request.key);
	if (code == 0)
		(void)stun_attr_put_u32(&late.answer, STUN_ATTR_CONNECTION_ID, p->id);
	else
		(void)stun_attr_put_error(&late.answer, code,
					  bytes_of_str(stun_error_reason(code)));
	if (request_finish(&late))
		t->io->to_client(t->io->arg, &flow->tuple, flow->link, out.data);
	stun_key_wipe(&late.key);
	if (code == 0)
		counter_add(&t->stats.successes[STATS_CONNECT], 1);
	else
		counter_add(&t->stats.errors[stats_code(code)], 1);
}

void turnd_connected(struct turnd *t, struct tcp_peer *p, int error, const struct turnd_now *now)
{
	if (error != 0) {
		send_answer(t, p, 447);
		tcp_table_remove(t->tcp, p);
		return;
	}
	p->state = TCP_PEER_WAITING;
	tcp_table_set_timer(t->tcp, p, now->us / 1000 + TCP_PEER_BIND_MS);
	send_answer(t, p, 0);
}

/* Errors are answered before anything is closed. */
static void end_one(struct turnd *t, struct tcp_peer *p)
{
	if (p->state == TCP_PEER_CONNECTING)
		send_answer(t, p, 447);
	t->io->close_peer(t->io->arg, p);
	tcp_table_remove(t->tcp, p);
}

uint64_t tcp_peers_on_time(struct turnd *t, uint64_t now_ms)
{
	struct tcp_peer *p;

	while ((p = tcp_table_expire(t->tcp, now_ms)) != NULL)
		end_one(t, p);
	return tcp_table_next_ms(t->tcp);
}

void tcp_peers_end(struct turnd *t, const struct relay_end *end)
{
	struct alloc *a = (struct alloc *)end->flow; /* its first member */
	struct tcp_peer *next;

	for (struct tcp_peer *p = a->tcp; p != NULL; p = next) {
		next = p->next;
		if (p->end == end)
			end_one(t, p);
	}
}

void tcp_peers_review(struct turnd *t, struct alloc *a)
{
	struct tcp_peer *next;

	for (struct tcp_peer *p = a->tcp; p != NULL; p = next) {
		next = p->next;
		if (turnd_judge_peer(t, a->flow.realm, &p->peer, PORTS_STREAMS) != POLICY_ALLOWED)
			end_one(t, p);
	}
}

/*
 * ConnectionBind (RFC 6062, section 5.4), and connections that peers begin (section 5.3).
 *
 * The request comes over a connection of its own, at whatever worker the kernel chose for it; the
 * number tells which one has the connection to the peer.
 */
#include "request.h"

static bool is_of(const struct tcp_peer *p, uint64_t user, uint64_t realm)
{
	return p->alloc->user == user && p->alloc->realm == realm;
}

/* A connection that waits for this user's ConnectionBind; NULL: none, or none of theirs. */
static struct tcp_peer *find_waiting(const struct turnd *t, uint32_t id, uint64_t user,
				     uint64_t realm)
{
	struct tcp_peer *p = tcp_table_find(t->tcp, id);

	return p != NULL && p->state == TCP_PEER_WAITING && is_of(p, user, realm) ? p : NULL;
}

static void *join(struct turnd *t, struct tcp_peer *p, uint16_t worker)
{
	void *shell = p->shell;

	tcp_table_cancel(t->tcp, p);
	p->state = TCP_PEER_JOINED;
	p->worker = worker;
	if (worker != t->worker)
		p->shell = NULL; /* of the other worker from now on */
	return shell;
}

static uint16_t ask(struct request *r, uint16_t worker)
{
	r->out->ask = (struct turnd_ask){
		.kind = TURND_ASK_CONNECTION,
		.worker = worker,
		.from = r->t->worker,
		.connection = r->attrs.connection_id,
		.user = r->user,
		.realm = r->realm->id,
		.tid = r->msg.tid,
		.tuple = r->in->tuple,
	};
	return REQUEST_ASK;
}

static uint16_t take_gift(struct request *r)
{
	const struct turnd_gift *gift = r->in->gift;

	if (r->t->gift_connection == NULL)
		return gift->code != 0 ? gift->code : 400;
	r->t->gift_connection = NULL;
	r->out->connection = gift->connection;
	r->out->connection_id = gift->connection_id;
	return 0;
}

uint16_t req_connection_bind(struct request *r)
{
	uint32_t id = r->attrs.connection_id;
	uint16_t worker = tcp_peer_worker(id);
	struct tcp_peer *p;

	/* A control connection stays one. */
	if (!five_tuple_is_stream(&r->in->tuple) || !r->attrs.has_connection_id || r->alloc != NULL)
		return 400;
	if (r->in->gift != NULL)
		return take_gift(r);
	if (worker >= r->t->shared->workers)
		return 400;
	if (worker != r->t->worker)
		return ask(r, worker);
	p = find_waiting(r->t, id, r->user, r->realm->id);
	if (p == NULL)
		return 400;
	r->out->connection = join(r->t, p, worker);
	r->out->connection_id = id;
	return 0;
}

void tcp_peers_give(struct turnd *t, const struct turnd_ask *ask, struct turnd_gift *out)
{
	struct tcp_peer *p = find_waiting(t, ask->connection, ask->user, ask->realm);

	out->code = p == NULL ? 400 : 0;
	out->connection_id = ask->connection;
	if (p != NULL)
		out->connection = join(t, p, ask->from);
}

/* Nobody has it any more: neither the client nor, perhaps, an allocation. */
static void close_gift(struct turnd *t, const struct turnd_gift *gift)
{
	struct tcp_peer gone = {
		.shell = gift->connection,
		.id = gift->connection_id,
		.worker = t->worker,
	};

	t->io->close_peer(t->io->arg, &gone);
}

void tcp_peers_take_back(struct turnd *t, const struct turnd_gift *gift)
{
	struct tcp_peer *p = tcp_table_find(t->tcp, gift->connection_id);

	close_gift(t, gift);
	if (p != NULL)
		tcp_table_remove(t->tcp, p);
}

void tcp_peers_begin_gift(struct turnd *t, const struct turnd_gift *gift)
{
	bool has_one = gift != NULL && gift->kind == TURND_ASK_CONNECTION && gift->code == 0;

	t->gift_connection = has_one ? gift : NULL;
}

void tcp_peers_end_gift(struct turnd *t)
{
	if (t->gift_connection != NULL)
		close_gift(t, t->gift_connection);
	t->gift_connection = NULL;
}

void turnd_peer_ended(struct turnd *t, uint32_t connection_id)
{
	struct tcp_peer *p = tcp_table_find(t->tcp, connection_id);

	if (p != NULL && p->state == TCP_PEER_JOINED)
		tcp_table_remove(t->tcp, p);
}

/* May the client be told of it? */
static bool lets_in(struct turnd *t, const struct alloc *a, const struct addr *peer,
		    uint64_t now_ms)
{
	const struct realm *realm = a->flow.realm;
	uint32_t most = realm->limits.tcp_connections;
	enum policy_verdict verdict;

	if (peers_find_permission(&a->flow.peers, peer, now_ms) == NULL) {
		counter_add(&t->stats.drops[STATS_DROP_PERMISSION], 1);
		return false;
	}
	verdict = turnd_judge_peer(t, realm, peer, PORTS_STREAMS);
	if (verdict != POLICY_ALLOWED) {
		counter_add(&t->stats.drops[STATS_DROP_POLICY], 1);
		counter_add(&t->stats.denied[verdict], 1);
		return false;
	}
	return (most == 0 || tcp_peers_count(a) < most) && tcp_peers_find(a, peer) == NULL;
}

static void tell_attempt(struct turnd *t, const struct tcp_peer *p)
{
	const struct flow *flow = &p->alloc->flow;
	uint8_t buf[TURND_ANSWER_MAX], random[12];
	struct stun_builder b;
	struct stun_tid tid;
	struct bytes msg;

	t->io->random(t->io->arg, random, sizeof(random));
	tid = stun_tid_make(random);
	b = stun_build(buf, sizeof(buf), TURN_CONNECTION_ATTEMPT, STUN_INDICATION, &tid);
	(void)stun_attr_put_u32(&b, STUN_ATTR_CONNECTION_ID, p->id);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, &p->peer);
	if (stun_build_finish(&b, &msg) == STUN_OK)
		t->io->to_client(t->io->arg, &flow->tuple, flow->link, msg);
}

bool turnd_accepted(struct turnd *t, struct relay_end *end, const struct addr *peer, void *shell,
		    const struct turnd_now *now)
{
	struct alloc *a = (struct alloc *)end->flow; /* its first member */
	struct addr from = turnd_call_peer(t, peer);
	uint64_t now_ms = now->us / 1000;
	struct tcp_peer *p;

	if (!lets_in(t, a, &from, now_ms))
		return false;
	p = tcp_table_add(t->tcp, a, end, &from);
	if (p == NULL)
		return false;
	p->state = TCP_PEER_WAITING;
	p->shell = shell;
	tcp_table_set_timer(t->tcp, p, now_ms + TCP_PEER_BIND_MS);
	tell_attempt(t, p);
	return true;
}

#include "load_turn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "load_turn_state.h"

#define UDP_PROTOCOL 17
#define LIFETIME_S   3600
#define NONCES_MAX   2        /* refusals of one request before it is given up */
#define CYCLE_HOSTS  0xf0000u /* clients of cycles come from so many addresses... */
#define CYCLE_FIRST  0x8000u  /* behind those of the flows */

struct load_turn *load_turn_open(const struct load_turn_config *config)
{
	struct load_turn *l = calloc(1, sizeof(*l) + config->flows * sizeof(l->flow[0]));

	if (l == NULL)
		return NULL;
	l->config = *config;
	l->data = load_new(config->window);
	l->asking = load_new(LOAD_TURN_ASKING);
	l->client_fd = load_socket(&l->config.clients.port);
	l->peer_fd = load_socket(&l->config.peers.port);
	if (l->data == NULL || l->asking == NULL || l->client_fd < 0 || l->peer_fd < 0 ||
	    !stun_key_long_term(&l->key, STUN_PASSWORD_MD5, config->username, config->realm,
				config->password)) {
		int rc = l->client_fd < 0 ? -l->client_fd : l->peer_fd < 0 ? -l->peer_fd : ENOMEM;

		load_turn_close(l);
		errno = rc;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(l->pattern); i++)
		l->pattern[i] = (uint8_t)(i * 7 + (i >> 8));
	return l;
}

void load_turn_close(struct load_turn *l)
{
	if (l == NULL)
		return;
	load_free(l->data);
	load_free(l->asking);
	if (l->client_fd >= 0)
		close(l->client_fd);
	if (l->peer_fd >= 0)
		close(l->peer_fd);
	stun_key_wipe(&l->key);
	free(l);
}

struct addr load_turn_client(const struct load_turn *l, uint32_t flow)
{
	return load_host(&l->config.clients, flow);
}

struct addr load_turn_peer(const struct load_turn *l, uint32_t flow)
{
	return load_host(&l->config.peers, flow);
}

void load_turn_set_relayed(struct load_turn *l, uint32_t flow, const struct addr *relayed)
{
	l->flow[flow].relayed = *relayed;
}

uint16_t load_turn_refusal(const struct load_turn *l)
{
	return l->refusal;
}

static void begin_dialogue(void *arg, uint32_t slot)
{
	struct load_turn *l = arg;
	struct load_turn_dialogue *d = &l->dialogues[slot];

	*d = (struct load_turn_dialogue){ .host = l->next_host++ };
	if (l->is_cycle) {
		d->flow = &l->fleeting[slot];
		d->flow->nonce_len = 0;
		d->host = CYCLE_FIRST + d->host % CYCLE_HOSTS;
	} else {
		d->flow = &l->flow[d->host];
	}
}

static struct stun_builder build_request(const struct load_turn *l,
					 const struct load_turn_dialogue *d,
					 const struct stun_tid *tid, uint8_t *buf)
{
	static const uint16_t methods[] = {
		[LOAD_TURN_ALLOCATE] = TURN_ALLOCATE,
		[LOAD_TURN_BIND] = TURN_CHANNEL_BIND,
		[LOAD_TURN_DELETE] = TURN_REFRESH,
	};
	uint8_t request = l->requests[d->step];
	struct stun_builder b =
		stun_build(buf, LOAD_BYTES_MAX, methods[request], STUN_REQUEST, tid);
	struct addr peer = load_turn_peer(l, d->host);

	if (request == LOAD_TURN_ALLOCATE)
		stun_attr_put_u8(&b, STUN_ATTR_REQUESTED_TRANSPORT, UDP_PROTOCOL);
	if (request == LOAD_TURN_BIND) {
		stun_attr_put_u16(&b, STUN_ATTR_CHANNEL_NUMBER, LOAD_TURN_CHANNEL);
		stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	} else {
		stun_attr_put_u32(&b, STUN_ATTR_LIFETIME,
				  request == LOAD_TURN_ALLOCATE ? LIFETIME_S : 0);
	}
	return b;
}

static size_t write_request(void *arg, const struct load_ticket *t, uint8_t *buf,
			    struct udp_dgram *out)
{
	struct load_turn *l = arg;
	const struct load_turn_dialogue *d = &l->dialogues[t->slot];
	uint8_t random[LOAD_TICKET_LEN];
	struct bytes message = { 0 };
	struct stun_builder b;
	struct stun_tid tid;

	load_ticket_put(t, random);
	tid = stun_tid_make(random);
	b = build_request(l, d, &tid, buf);
	if (d->flow->nonce_len > 0) {
		stun_attr_put_bytes(&b, STUN_ATTR_USERNAME, l->config.username);
		stun_attr_put_bytes(&b, STUN_ATTR_REALM, l->config.realm);
		stun_attr_put_bytes(&b, STUN_ATTR_NONCE,
				    bytes_of(d->flow->nonce, d->flow->nonce_len));
		stun_auth_put_integrity(&b, &l->key);
	}
	(void)stun_build_finish(&b, &message); /* empty if it ever did not fit */
	out->peer = l->config.server;
	out->local = load_turn_client(l, d->host);
	return message.len;
}

static bool find_request(void *arg, const struct udp_dgram *in, struct load_ticket *out)
{
	const struct load_turn *l = arg;
	struct stun_msg m;

	if (!addr_equal(&in->peer, &l->config.server) || stun_msg_parse(in->data, &m) != STUN_OK ||
	    stun_tid_is_classic(&m.tid))
		return false;
	load_ticket_get(m.tid.bytes + 4, out);
	return true;
}

/* 401 and 438 bring the nonce to try again with. */
static enum load_arrival take_error(struct load_turn *l, struct load_turn_dialogue *d,
				    const struct stun_msg *m)
{
	struct load_turn_flow *f = d->flow;
	struct stun_error error = { 0 };
	struct bytes value;

	if (stun_msg_find(m, STUN_ATTR_ERROR_CODE, &value))
		(void)stun_attr_get_error(value, &error);
	if ((error.code != 401 && error.code != 438) || d->nonces == NONCES_MAX ||
	    !stun_msg_find(m, STUN_ATTR_NONCE, &value) || value.len > LOAD_TURN_NONCE_MAX) {
		l->refusal = error.code;
		return LOAD_WRONG;
	}
	d->nonces++;
	f->nonce_len = (uint8_t)value.len;
	memcpy(f->nonce, value.data, value.len);
	return LOAD_STEP;
}

static enum load_arrival take_response(void *arg, const struct load_ticket *t,
				       const struct udp_dgram *in)
{
	struct load_turn *l = arg;
	struct load_turn_dialogue *d = &l->dialogues[t->slot];
	struct addr client = load_turn_client(l, d->host);
	struct bytes value;
	struct stun_msg m;

	if (stun_msg_parse(in->data, &m) != STUN_OK || !addr_equal_ip(&in->local, &client))
		return LOAD_WRONG;
	if (m.class == STUN_ERROR)
		return take_error(l, d, &m);
	if (m.class != STUN_SUCCESS)
		return LOAD_WRONG;
	if (l->requests[d->step] == LOAD_TURN_ALLOCATE &&
	    (!stun_msg_find(&m, STUN_ATTR_XOR_RELAYED_ADDRESS, &value) ||
	     stun_attr_get_xor_addr(value, &m.tid, &d->flow->relayed) != STUN_OK))
		return LOAD_WRONG;
	d->nonces = 0;
	d->step++;
	return l->requests[d->step] == LOAD_TURN_END ? LOAD_DONE : LOAD_STEP;
}

static const struct load_kind asking = {
	.begin = begin_dialogue,
	.write = write_request,
	.find = find_request,
	.take = take_response,
};

struct load_result load_turn_ask(struct load_turn *l, const uint8_t *requests, uint32_t first,
				 uint32_t count, int patience_ms)
{
	struct load_until until = { .ms = 600000, .begun = count, .patience_ms = patience_ms };
	uint32_t host = l->next_host;
	struct load_result r;

	l->requests = requests;
	l->is_cycle = false;
	l->next_host = first;
	r = load_run(l->asking, &asking, l, l->client_fd, l->client_fd, &until);
	l->next_host = host;
	return r;
}

struct load_result load_turn_cycle(struct load_turn *l, const struct load_until *until)
{
	static const uint8_t cycle[] = { LOAD_TURN_ALLOCATE, LOAD_TURN_DELETE, LOAD_TURN_END };

	l->requests = cycle;
	l->is_cycle = true;
	return load_run(l->asking, &asking, l, l->client_fd, l->client_fd, until);
}

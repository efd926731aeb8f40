#include "coop_kit.h"

#include <assert.h>

#define CLOCK_AHEAD UINT64_C(1700000000000000) /* of 1970, at now_us 0 */

const struct addr coop_kit_client = { .family = ADDR_IPV4,
				      .port = 40000,
				      .ip = { 198, 51, 100, 7 } };

void coop_kit_open(struct coop_kit *k, const struct coop_limits *limits)
{
	*k = (struct coop_kit){ .now_us = 5000000000, .key = { .bytes = { 1, 2, 3, [31] = 4 } } };
	for (uint8_t i = 0; i < STUN_SITE_SOCKETS; i++) {
		k->site.has[i] = true;
		k->site.seen_as[i] =
			addr_ipv4(192, 0, 2, (uint8_t)(1 + i / 2), (uint16_t)(3478 + i % 2));
	}
	k->server = coop_new(limits, &k->key);
	assert(k->server != NULL);
}

void coop_kit_close(struct coop_kit *k)
{
	coop_free(k->server);
	k->server = NULL;
}

static void read_answer(struct coop_kit *k, struct bytes raw)
{
	struct stun_msg m;

	k->told = (struct coop_answer){ 0 };
	if (raw.len > 0 && stun_msg_parse(raw, &m) == STUN_OK)
		(void)coop_read_answer(&m, &k->told);
}

bool coop_kit_ask(struct coop_kit *k, const struct addr *from, uint8_t socket, uint32_t tid,
		  const struct coop_token *token, const struct coop_order *order)
{
	uint8_t random[12] = { 0xee };
	struct stun_tid id;
	struct stun_query q = {
		.from = *from,
		.transport = STUN_UDP,
		.site = &k->site,
		.socket = socket,
		.local = &k->site.seen_as[socket],
	};
	bool is_ours;

	wire_store_u32(random + 4, tid != 0 ? tid : 1000000 + ++k->next_tid);
	id = stun_tid_make(random);
	q.datagram = coop_request(&id, token, order, 0, k->request, sizeof(k->request));
	k->asked_len = q.datagram.len;
	k->reply = (struct stun_reply){ 0 };
	is_ours = coop_on_request(k->server, &q, k->now_us, k->now_us + CLOCK_AHEAD, k->answer,
				  sizeof(k->answer), &k->reply);
	read_answer(k, k->reply.msg);
	return is_ours;
}

struct coop_token coop_kit_token(struct coop_kit *k, const struct addr *from)
{
	(void)coop_kit_ask(k, from, 0, 0, NULL, NULL);
	assert(k->told.has_token);
	return k->told.token;
}

uint8_t coop_kit_order(struct coop_kit *k, const struct coop_order *order)
{
	struct coop_token token = coop_kit_token(k, &coop_kit_client);

	(void)coop_kit_ask(k, &coop_kit_client, 0, 0, &token, order);
	return k->told.report.outcome;
}

enum coop_action_kind coop_kit_next(struct coop_kit *k)
{
	enum coop_action_kind kind = coop_next(k->server, k->now_us, k->now_us + CLOCK_AHEAD,
					       k->work, sizeof(k->work), &k->act);

	read_answer(k, kind == COOP_ACT_SEND ? k->act.msg : (struct bytes){ 0 });
	return kind;
}

void coop_kit_wait(struct coop_kit *k, uint64_t ms)
{
	k->now_us += ms * 1000;
}

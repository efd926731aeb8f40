#include "gift.h"

#include "mobility.h"
#include "relay_end.h"
#include "reserved.h"

void gift_begin(struct turnd *t, const struct turnd_gift *gift)
{
	bool has_port = gift != NULL && gift->kind == TURND_ASK_PORT && gift->code == 0;

	t->gift_port = has_port ? gift : NULL;
	tcp_peers_begin_gift(t, gift);
}

/* A port that nobody uses, at who was given it or at who gave it. */
static void end_port(struct turnd *t, const struct turnd_gift *gift)
{
	if (gift->reserved != NULL)
		reserved_close(t, gift->reserved);
	else
		relay_end_release(t, gift->worker, gift->relay, gift->port, &gift->token);
}

void gift_end(struct turnd *t)
{
	if (t->gift_port != NULL)
		end_port(t, t->gift_port);
	t->gift_port = NULL;
	tcp_peers_end_gift(t);
}

static void give_port(struct turnd *t, const struct turnd_ask *ask, uint64_t now_ms,
		      struct turnd_gift *out)
{
	if (ask->family == ADDR_NONE)
		out->reserved = reserved_claim(t, &ask->token, now_ms);
	else
		out->port = relay_end_take(t, ask->family, (enum relay_want)ask->want, now_ms,
					   &out->relay, &out->token);
	out->code = out->reserved == NULL && out->port == 0 ? 508 : 0;
}

void turnd_answer(struct turnd *t, const struct turnd_ask *ask, const struct turnd_now *now,
		  struct turnd_gift *out)
{
	*out = (struct turnd_gift){ .kind = ask->kind, .worker = t->worker };
	switch ((enum turnd_ask_kind)ask->kind) {
	case TURND_ASK_PORT:
		give_port(t, ask, now->us / 1000, out);
		break;
	case TURND_ASK_MOVE:
		mobility_answer_move(t, ask, now->us / 1000, out);
		break;
	case TURND_ASK_ALLOC:
		mobility_answer_alloc(t, ask, out);
		break;
	case TURND_ASK_CONNECTION:
		tcp_peers_give(t, ask, out);
		break;
	}
}

void turnd_return(struct turnd *t, const struct turnd_gift *gift, const struct turnd_now *now)
{
	if (gift->alloc != NULL)
		mobility_take_back(t, gift->alloc);
	else if (gift->kind == TURND_ASK_CONNECTION && gift->code == 0)
		tcp_peers_take_back(t, gift);
	else if (gift->kind == TURND_ASK_PORT && gift->code == 0)
		end_port(t, gift);
}

void turnd_port_returned(struct turnd *t, uint16_t relay, uint16_t port,
			 const struct ports_token *token)
{
	ports_release(turnd_ports(t, relay), port);
	if (token != NULL)
		reserved_cancel(t, token);
}

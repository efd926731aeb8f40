/* What a listener does with a partner: sites with its addresses, answers that it shall send. */
#include "listen_parts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "daemon.h"
#include "log.h"
#include "partner_link.h"

struct listen_partner {
	struct partner_board *board;
	struct partner_link *link; /* NULL: another worker has it */
	uint32_t version;
	struct partner_view view;
	/* The sites of the layout that are partnered, with what the partner has now. */
	struct stun_site sites[PARTNER_FACES];
};

static unsigned int face_of(const struct layout_site *s)
{
	return (s->tls_ports ? 2u : 0u) + (s->local[0].family == ADDR_IPV6 ? 1u : 0u);
}

static const struct layout_site *site_of(const struct layout *layout, unsigned int face)
{
	for (size_t i = 0; i < layout->site_count; i++) {
		if (layout->sites[i].partnered && face_of(&layout->sites[i]) == face)
			return &layout->sites[i];
	}
	return NULL;
}

/* Ours are sockets 0 and 1, the partner's 2 and 3. */
static void take_view(struct listen *l)
{
	struct listen_partner *lp = l->partner;

	for (unsigned int face = 0; face < PARTNER_FACES; face++) {
		const struct layout_site *own = site_of(l->common->layout, face);
		const struct partner_face *theirs = &lp->view.faces[face];

		if (own == NULL)
			continue;
		lp->sites[face] = own->site;
		for (unsigned int port = 0; port < PARTNER_PORTS; port++) {
			lp->sites[face].has[PARTNER_PORTS + port] =
				theirs->seen[port].family != ADDR_NONE;
			lp->sites[face].seen_as[PARTNER_PORTS + port] = theirs->seen[port];
		}
	}
}

const struct stun_site *listen_partner_site(struct listen *l, const struct layout_site *s)
{
	struct listen_partner *lp = l->partner;

	if (!s->partnered)
		return &s->site;
	if (partner_board_take(lp->board, &lp->version, &lp->view))
		take_view(l);
	return &lp->sites[face_of(s)];
}

bool listen_partner_hand_over(struct listen *l, const struct layout_site *s,
			      const struct stun_reply *reply)
{
	struct listen_partner *lp = l->partner;
	struct partner_hand h = { .face = (uint8_t)face_of(s),
				  .port = reply->socket % PARTNER_PORTS,
				  .to = reply->to,
				  .msg = reply->msg };
	bool done = partner_board_hand_over(lp->board, &lp->view, &h);

	counter_add(done ? &l->stats.partner.handed_over : &l->stats.partner.not_handed, 1);
	return done;
}

void listen_partner_unasked(struct listen *l, const struct udp_dgram *in)
{
	partner_board_note(l->partner->board, &l->partner->view, in->data, &in->peer);
}

/* The partner's clients are ours: they get it from the very socket they know the port of. */
static bool send_for_partner(const struct partner_hand *h, void *arg)
{
	struct listen *l = arg;
	const struct layout_site *s = site_of(l->common->layout, h->face);
	struct udp_dgram d = { .data = h->msg, .peer = h->to };
	bool has_errors = false;

	if (s == NULL ||
	    udp_send_one(l->sockets[s->first_socket + h->port].fd, &d, &has_errors) != 0)
		return false;
	counter_add(&l->stats.sent_bytes, d.data.len);
	return true;
}

static int open_link(struct listen *l)
{
	const struct stund_conf *conf = l->common->conf;
	struct partner_link_hooks hooks = { .send = send_for_partner, .arg = l };
	struct partner_setup setup = { .peer = conf->partner,
				       .classic = l->policy->server.rfc3489 };

	memcpy(setup.key, l->policy->partner_key, PARTNER_KEY_LEN);
	for (unsigned int face = 0; face < PARTNER_FACES; face++) {
		const struct layout_site *s = site_of(l->common->layout, face);

		for (unsigned int port = 0; s != NULL && port < PARTNER_PORTS; port++)
			setup.own[face].seen[port] = s->site.seen_as[port];
	}
	l->partner->link = partner_link_open(l->base, l->common->partner, &setup, &hooks,
					     &l->stats.partner, conf->self_check);
	OPENSSL_cleanse(&setup, sizeof(setup));
	return l->partner->link != NULL ? 0 : -ENOMEM;
}

int listen_partner_open(struct listen *l, bool has_link)
{
	struct listen_partner *lp = calloc(1, sizeof(*lp));

	if (lp == NULL)
		return -ENOMEM;
	l->partner = lp;
	lp->board = l->common->partner;
	counter_add(&l->stats.has_partner, 1);
	take_view(l);
	return has_link ? open_link(l) : 0;
}

void listen_partner_close(struct listen *l)
{
	if (l->partner == NULL)
		return;
	partner_link_close(l->partner->link);
	OPENSSL_cleanse(l->partner, sizeof(*l->partner));
	free(l->partner);
	l->partner = NULL;
}

void listen_partner_use_policy(struct listen *l)
{
	/* A configuration that has no partner any more takes a restart. */
	if (l->partner->link != NULL && l->policy->has_partner_key)
		partner_link_use(l->partner->link, l->policy->partner_key,
				 l->policy->server.rfc3489);
}

int listen_partner_common_open(struct listen_common *c)
{
	const struct addr *first = layout_partner_local(c->conf);
	struct addr local;
	int rc;

	if (c->conf->partner.family == ADDR_NONE)
		return 0;
	local = addr_with_port(first, (uint16_t)c->conf->partner_port);
	rc = partner_board_open(&local, &c->conf->partner, &c->partner);
	if (rc != 0)
		daemon_tell_not_opened(&local, "UDP for the partner", rc, false);
	return rc;
}

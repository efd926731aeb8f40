/* What comes in: from the gateway, from the system, and of UPnP. */
#include "lease.h"
#include "lease_state.h"

#define S 1000000ULL

#define REGAIN_US     (2 * S)  /* spreads hosts that all lost their leases */
#define UPNP_AGAIN_US (30 * S) /* a gateway that restarts is not there for a while */

/* Whoever lost what it held is asked for it again at once; and so is who refused. */
static void on_reset(struct lease *l, uint64_t now_us)
{
	l->resets++;
	if (l->state == LEASE_HELD && l->by != LEASE_UPNP) {
		l->is_regaining = true;
		lease_begin_copies(l, now_us + lease_draw(l, REGAIN_US));
	} else if (l->state == LEASE_REFUSED && l->config.keep) {
		l->next_us = now_us + lease_draw(l, REGAIN_US);
	}
}

static void give_up_undoing(struct lease *l, uint64_t now_us)
{
	lease_ask(l, (enum lease_by)(l->by + 1), now_us);
}

static void on_given_back(struct lease *l, uint64_t now_us)
{
	if (l->is_undoing)
		give_up_undoing(l, now_us);
	else
		lease_end(l, true);
}

static void on_granted(struct lease *l, const struct lease_grant *grant, uint64_t now_us)
{
	if (l->config.external_only && grant->external.port != l->config.external_port) {
		l->changes += l->state == LEASE_HELD;
		l->by = grant->by;
		l->replies[l->by].answer = LEASE_OTHER_PORT;
		l->state = LEASE_ASKING;
		l->is_undoing = true;
		l->grant = *grant;
		lease_begin_copies(l, now_us);
		return;
	}
	lease_hold(l, grant, now_us);
}

static void on_denied(struct lease *l, uint16_t code, uint32_t error_s, uint64_t now_us)
{
	if (error_s > l->error_s)
		l->error_s = error_s;
	if (l->is_undoing) {
		give_up_undoing(l, now_us);
	} else if (l->state == LEASE_ASKING) {
		lease_ask_next(l, LEASE_DENIED, code, now_us);
	} else if (l->state == LEASE_REMOVING) {
		l->replies[l->by] = (struct lease_reply){ LEASE_DENIED, code };
		lease_end(l, false);
	} else if (l->is_regaining) {
		lease_lose(l, now_us);
	}
	/* A renewal that is denied: what is held holds until its end, and is asked for again. */
}

/* A mapping's answer, of one protocol or the other. */
static void on_map(struct lease *l, enum lease_by by, const struct portmap_reply *r,
		   uint64_t now_us)
{
	struct lease_grant grant = { .by = (uint8_t)by,
				     .external = r->external,
				     .lifetime_s = r->lifetime_s };
	bool gives_back = l->is_undoing || l->state == LEASE_REMOVING;

	if (r->result != 0) {
		if (l->by == by)
			on_denied(l, r->result, by == LEASE_PCP ? r->lifetime_s : 0, now_us);
		return;
	}
	if (r->lifetime_s == 0) {
		if (gives_back && l->by == by)
			on_given_back(l, now_us);
		return;
	}
	/* A late answer of one that was given up already is as good. */
	if (gives_back || r->external.port == 0 || l->state == LEASE_ENDED || l->upnp_runs ||
	    (l->state == LEASE_HELD && l->by != by))
		return;
	on_granted(l, &grant, now_us);
}

static void on_pcp_map(struct lease *l, const struct portmap_reply *r, uint64_t now_us)
{
	const struct lease_config *c = &l->config;
	struct portmap_reply plain = *r;

	if (memcmp(r->nonce, c->nonce, sizeof(c->nonce)) != 0 || r->transport != c->transport ||
	    r->internal_port != c->internal.port)
		return;
	if (r->result == 0 && addr_is_any(&r->external))
		plain.external = (struct addr){ .port = r->external.port };
	on_map(l, LEASE_PCP, &plain, now_us);
}

static void on_pmp_map(struct lease *l, const struct portmap_reply *r, uint64_t now_us)
{
	struct portmap_reply full = *r;

	if (l->config.internal.family != ADDR_IPV4 || r->transport != l->config.transport ||
	    r->internal_port != l->config.internal.port || l->by != LEASE_NAT_PMP)
		return;
	if (r->result == 0)
		full.external = addr_with_port(&l->address, r->external.port);
	on_map(l, LEASE_NAT_PMP, &full, now_us);
}

static void on_pmp_address(struct lease *l, const struct portmap_reply *r)
{
	struct addr now;

	if (r->result != 0 || r->external.family == ADDR_NONE)
		return;
	l->address = r->external;
	if (l->state != LEASE_HELD || l->by != LEASE_NAT_PMP)
		return;
	now = addr_with_port(&l->address, l->grant.external.port);
	if (!addr_equal(&now, &l->grant.external))
		l->changes++;
	l->grant.external = now;
	if (!l->is_regaining)
		l->next_us = LEASE_NEVER;
}

static bool asks(const struct lease *l, enum lease_by by)
{
	return l->state == LEASE_ASKING && !l->is_undoing && l->by == by;
}

static void on_reply(struct lease *l, const struct portmap_reply *r, uint64_t now_us)
{
	switch (r->kind) {
	case PORTMAP_PCP_MAP:
		on_pcp_map(l, r, now_us);
		break;
	case PORTMAP_PMP_MAP:
		on_pmp_map(l, r, now_us);
		break;
	case PORTMAP_PMP_ADDRESS:
		on_pmp_address(l, r);
		break;
	case PORTMAP_PMP_ALONE:
		if (asks(l, LEASE_PCP))
			lease_ask_next(l, LEASE_ABSENT, 0, now_us);
		break;
	case PORTMAP_PCP_ALONE:
		if (asks(l, LEASE_NAT_PMP))
			lease_ask_next(l, LEASE_ABSENT, 0, now_us);
		break;
	case PORTMAP_PCP_OTHER:
		if (asks(l, LEASE_PCP))
			lease_ask_next(l, LEASE_DENIED, PORTMAP_PCP_UNSUPP_VERSION, now_us);
		break;
	default:
		break;
	}
}

void lease_on_datagram(struct lease *l, const struct addr *from, struct bytes datagram,
		       uint64_t now_us)
{
	struct portmap_reply r;
	bool is_new;

	if (l->config.gateway.family == ADDR_NONE || !addr_equal(from, &l->config.gateway) ||
	    portmap_read(datagram, &r) == PORTMAP_NO_REPLY)
		return;
	is_new = portmap_epoch_is_new(&l->epoch, &r, now_us);
	if (is_new)
		on_reset(l, now_us);
	on_reply(l, &r, now_us);
}

void lease_on_refused(struct lease *l, bool is_local, uint64_t now_us)
{
	enum lease_answer answer = is_local ? LEASE_LOCAL_ERROR : LEASE_ABSENT;

	if (l->by == LEASE_UPNP || l->by == LEASE_NOBODY || l->copies == 0)
		return; /* of a request that is over */
	if (l->is_undoing) {
		give_up_undoing(l, now_us);
	} else if (l->state == LEASE_ASKING) {
		/* Both live on one port. */
		l->replies[l->by].answer = (uint8_t)answer;
		if (l->by == LEASE_PCP && l->config.internal.family == ADDR_IPV4)
			l->replies[LEASE_NAT_PMP].answer = (uint8_t)answer;
		lease_ask(l, LEASE_UPNP, now_us);
	} else if (l->state == LEASE_REMOVING) {
		l->replies[l->by].answer = (uint8_t)answer;
		lease_end(l, false);
	}
	/* Held: a gateway that restarts. Its copies, or the next renewal, will tell. */
}

static void on_upnp_renewal(struct lease *l, const struct lease_upnp_result *r, uint64_t now_us)
{
	bool may_come_back = r->answer == LEASE_SILENT || r->answer == LEASE_ABSENT ||
			     r->answer == LEASE_LOCAL_ERROR;

	if (may_come_back && (l->grant.lifetime_s != 0 || l->renewal < 4)) {
		l->renew_us = now_us + UPNP_AGAIN_US;
		return;
	}
	lease_lose(l, now_us);
}

/* It was asked to add when it had to be removed: what was added goes as well. */
static void on_upnp_overtaken(struct lease *l, const struct lease_upnp_result *r, uint64_t now_us)
{
	if (r->answer == LEASE_GRANTED)
		l->grant = r->grant;
	if (r->answer == LEASE_GRANTED || l->grant.by == LEASE_UPNP)
		l->next_us = now_us;
	else
		lease_end(l, true);
}

static void on_upnp_removed(struct lease *l, const struct lease_upnp_result *r, uint64_t now_us)
{
	if (l->is_undoing) {
		give_up_undoing(l, now_us);
		return;
	}
	l->replies[LEASE_UPNP] = (struct lease_reply){ r->answer, r->code };
	lease_end(l, r->answer == LEASE_GRANTED);
}

void lease_on_upnp(struct lease *l, const struct lease_upnp_result *r, uint64_t now_us)
{
	l->upnp_runs = false;
	if (l->upnp_op == LEASE_UPNP_REMOVE)
		on_upnp_removed(l, r, now_us);
	else if (l->state == LEASE_REMOVING)
		on_upnp_overtaken(l, r, now_us);
	else if (r->answer == LEASE_GRANTED)
		on_granted(l, &r->grant, now_us);
	else if (l->state == LEASE_ASKING)
		lease_ask_next(l, (enum lease_answer)r->answer, r->code, now_us);
	else if (l->state == LEASE_HELD)
		on_upnp_renewal(l, r, now_us);
}

#include "lease.h"
#include "lease_state.h"

#define S 1000000ULL

#define RETRY_MIN_S  30   /* where all refused */
#define RETRY_MAX_S  1800 /* whatever a gateway asks for */
#define WATCH_S      60   /* between looks at the gateway's clock */
#define WATCH_UPNP_S 120  /* UPnP has no clock: what holds for good is looked up */
#define RENEW_GAP_S  4    /* RFC 6887, section 11.2.1 */
#define RENEWALS_MAX 24

/* When the copies of a request are due: a gateway is near. */
static const uint32_t due_us[] = { 0, 150000, 400000, 800000, 1300000 };
#define PATIENCE_US 2000000

uint64_t lease_draw(struct lease *l, uint64_t n)
{
	/* Marsaglia's xorshift: what it spreads in time is no secret. */
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	return n > 0 ? l->rng % n : 0;
}

void lease_begin_copies(struct lease *l, uint64_t at_us)
{
	l->copies = 0;
	l->started_us = l->next_us = at_us;
}

static bool has_copies(const struct lease *l)
{
	return l->next_us != LEASE_NEVER;
}

static bool is_for(const struct lease *l, enum lease_by by)
{
	if ((l->config.without & 1u << by) != 0)
		return false;
	switch (by) {
	case LEASE_NAT_PMP: /* speaks of IPv4 addresses only (RFC 6886, section 1) */
		return l->config.internal.family == ADDR_IPV4;
	case LEASE_UPNP:
		return l->config.has_upnp;
	default:
		return true;
	}
}

static void refuse(struct lease *l, uint64_t now_us)
{
	uint32_t wait_s = l->error_s;

	l->state = LEASE_REFUSED;
	l->by = LEASE_NOBODY;
	l->next_us = LEASE_NEVER;
	if (!l->config.keep)
		return;
	if (wait_s < RETRY_MIN_S)
		wait_s = RETRY_MIN_S;
	if (wait_s > RETRY_MAX_S)
		wait_s = RETRY_MAX_S;
	l->next_us = now_us + wait_s * S + lease_draw(l, S);
}

void lease_ask(struct lease *l, enum lease_by by, uint64_t now_us)
{
	l->state = LEASE_ASKING;
	l->is_undoing = l->is_regaining = false;
	l->renew_us = l->watch_us = l->expires_us = LEASE_NEVER;
	if (by == LEASE_PCP) {
		memset(l->replies, 0, sizeof(l->replies));
		l->error_s = 0;
	}
	while (by < LEASE_NOBODY && (l->config.gateway.family == ADDR_NONE || !is_for(l, by))) {
		if (is_for(l, by))
			l->replies[by].answer = LEASE_NO_GATEWAY;
		by++;
	}
	if (by == LEASE_NOBODY) {
		refuse(l, now_us);
		return;
	}
	l->by = (uint8_t)by;
	lease_begin_copies(l, now_us);
}

void lease_ask_next(struct lease *l, enum lease_answer answer, uint16_t code, uint64_t now_us)
{
	l->replies[l->by] = (struct lease_reply){ .answer = (uint8_t)answer, .code = code };
	lease_ask(l, (enum lease_by)(l->by + 1), now_us);
}

void lease_end(struct lease *l, bool is_removed)
{
	l->state = LEASE_ENDED;
	l->is_removed = is_removed;
	l->due = 0;
	l->next_us = l->renew_us = l->watch_us = l->expires_us = LEASE_NEVER;
}

void lease_lose(struct lease *l, uint64_t now_us)
{
	l->changes++;
	if (l->config.keep)
		lease_ask(l, LEASE_PCP, now_us);
	else
		lease_end(l, true);
}

/* When the next renewal is due (RFC 6887, section 11.2.1). */
static uint64_t renewal_us(struct lease *l, uint64_t now_us)
{
	uint64_t life_us = l->grant.lifetime_s * S;
	uint64_t at_us;

	if (!l->config.keep || l->renewal > RENEWALS_MAX)
		return LEASE_NEVER;
	if (l->grant.lifetime_s == 0)
		return now_us + WATCH_UPNP_S * S;
	/* After 1/2 to 5/8 of it, 3/4 to 13/16, 7/8 to 29/32 ... */
	at_us = l->grant.granted_us + life_us - (life_us >> (l->renewal + 1)) +
		lease_draw(l, life_us >> (l->renewal + 3));
	if (l->renewal > 0 && at_us < now_us + RENEW_GAP_S * S)
		at_us = now_us + RENEW_GAP_S * S;
	return at_us < l->expires_us ? at_us : LEASE_NEVER;
}

void lease_hold(struct lease *l, const struct lease_grant *grant, uint64_t now_us)
{
	bool was_held = l->state == LEASE_HELD;

	if (!was_held || l->grant.by != grant->by ||
	    !addr_equal(&l->grant.external, &grant->external))
		l->changes++;
	l->renewals += was_held;
	l->state = LEASE_HELD;
	l->is_regaining = false;
	l->grant = *grant;
	l->grant.granted_us = now_us;
	l->by = grant->by;
	l->replies[l->by] = (struct lease_reply){ .answer = LEASE_GRANTED };
	l->expires_us = grant->lifetime_s > 0 ? now_us + grant->lifetime_s * S : LEASE_NEVER;
	l->renewal = 0;
	l->renew_us = renewal_us(l, now_us);
	l->watch_us = l->config.keep && l->by != LEASE_UPNP ? now_us + WATCH_S * S : LEASE_NEVER;
	if (l->by != LEASE_NAT_PMP || grant->external.family != ADDR_NONE)
		l->next_us = LEASE_NEVER;
}

void lease_start(struct lease *l, const struct lease_config *config, uint64_t now_us)
{
	*l = (struct lease){ .config = *config, .rng = config->seed | 1 };
	if (config->gateway.family != config->internal.family &&
	    config->gateway.family != ADDR_NONE)
		l->config.gateway = (struct addr){ 0 };
	l->config.gateway.port = PORTMAP_PORT;
	lease_ask(l, LEASE_PCP, now_us);
}

void lease_resume(struct lease *l, const struct lease_config *config,
		  const struct lease_grant *grant, uint64_t now_us)
{
	lease_start(l, config, now_us);
	l->next_us = LEASE_NEVER;
	lease_hold(l, grant, now_us);
	l->next_us = LEASE_NEVER;
}

void lease_remove(struct lease *l, uint64_t now_us)
{
	bool was_asked = l->copies > 0 && l->by != LEASE_UPNP;

	l->is_undoing = false; /* it goes either way, and nobody is asked after it */
	switch (l->state) {
	case LEASE_HELD:
		break;
	case LEASE_ASKING:
		if (l->upnp_runs)
			break;
		/* The gateway may have granted it, and its answer may be late. */
		lease_end(l, true);
		l->due = was_asked ? LEASE_DUE_MAP : 0;
		return;
	case LEASE_REFUSED:
		lease_end(l, true);
		return;
	default:
		return;
	}
	l->state = LEASE_REMOVING;
	l->due = 0;
	l->renew_us = l->watch_us = l->expires_us = LEASE_NEVER;
	lease_begin_copies(l, now_us);
}

bool lease_is_settled(const struct lease *l)
{
	switch (l->state) {
	case LEASE_HELD:
		return !has_copies(l) || l->grant.external.family != ADDR_NONE;
	case LEASE_REFUSED:
	case LEASE_ENDED:
		return true;
	default:
		return false;
	}
}

/* All copies went out, and nobody answered in time. */
static void fall_silent(struct lease *l, uint64_t now_us)
{
	l->next_us = LEASE_NEVER;
	if (l->state == LEASE_REMOVING) {
		l->replies[l->by].answer = LEASE_SILENT;
		lease_end(l, false);
	} else if (l->state == LEASE_ASKING && l->is_undoing) {
		lease_ask(l, (enum lease_by)(l->by + 1), now_us);
	} else if (l->state == LEASE_ASKING) {
		lease_ask_next(l, LEASE_SILENT, 0, now_us);
	} else if (l->is_regaining) {
		lease_lose(l, now_us);
	}
}

/* UPnP is asked once: its library does what there is to do again. */
static void do_upnp(struct lease *l)
{
	l->next_us = LEASE_NEVER;
	if (!l->upnp_runs)
		l->due |= LEASE_DUE_UPNP;
}

static void on_copy(struct lease *l, uint64_t now_us)
{
	if (l->state == LEASE_REFUSED) {
		lease_ask(l, LEASE_PCP, now_us);
		return;
	}
	if (l->by == LEASE_UPNP) {
		do_upnp(l);
		return;
	}
	if (l->copies == ARRAY_LEN(due_us)) {
		fall_silent(l, now_us);
		return;
	}
	if (l->state != LEASE_HELD || l->is_regaining)
		l->due |= LEASE_DUE_MAP;
	if (l->by == LEASE_NAT_PMP && l->address.family == ADDR_NONE)
		l->due |= LEASE_DUE_ADDRESS;
	l->copies++;
	l->next_us =
		l->started_us + (l->copies < ARRAY_LEN(due_us) ? due_us[l->copies] : PATIENCE_US);
}

static void on_renewal(struct lease *l, uint64_t now_us)
{
	l->renewal++;
	l->renew_us = renewal_us(l, now_us);
	if (l->by == LEASE_UPNP)
		do_upnp(l);
	else
		l->due |= LEASE_DUE_MAP;
}

static void step(struct lease *l, uint64_t now_us)
{
	if (now_us >= l->next_us)
		on_copy(l, now_us);
	if (l->state != LEASE_HELD)
		return;
	if (now_us >= l->expires_us) {
		lease_lose(l, now_us);
		return;
	}
	if (now_us >= l->renew_us)
		on_renewal(l, now_us);
	if (now_us >= l->watch_us) {
		l->watch_us = now_us + WATCH_S * S;
		l->due |= LEASE_DUE_CLOCK;
	}
}

static bool gives_back(const struct lease *l)
{
	return l->is_undoing || l->state == LEASE_REMOVING || l->state == LEASE_ENDED;
}

static struct portmap_wish wish_of(const struct lease *l)
{
	const struct lease_config *c = &l->config;
	struct portmap_wish wish = {
		.transport = c->transport,
		.internal = c->internal,
		.or_nothing = c->external_only,
	};

	memcpy(wish.nonce, c->nonce, sizeof(wish.nonce));
	if (gives_back(l))
		return wish;
	wish.lifetime_s = c->lifetime_s;
	wish.suggested = l->grant.external;
	if (c->external_only || wish.suggested.port == 0)
		wish.suggested.port = c->external_port != 0 ? c->external_port : c->internal.port;
	return wish;
}

static void put_map(const struct lease *l, struct lease_action *out)
{
	struct portmap_wish wish = wish_of(l);

	out->len = l->by == LEASE_NAT_PMP ? portmap_put_pmp_map(&wish, out->data)
					  : portmap_put_pcp_map(&wish, out->data);
}

static void put_upnp(struct lease *l, struct lease_action *out)
{
	struct portmap_wish wish = wish_of(l);

	l->upnp_runs = true;
	l->upnp_op = gives_back(l) ? LEASE_UPNP_REMOVE : LEASE_UPNP_ADD;
	out->upnp = (struct lease_upnp){
		.op = l->upnp_op,
		.transport = wish.transport,
		.internal = wish.internal,
		.gateway = l->config.gateway,
		.external_port = gives_back(l) ? l->grant.external.port : wish.suggested.port,
		.external_only = l->config.external_only,
		.lifetime_s = wish.lifetime_s,
		.pinhole = l->grant.by == LEASE_UPNP ? l->grant.pinhole : 0,
	};
}

static bool take(struct lease *l, enum lease_due what)
{
	bool is_due = (l->due & what) != 0;

	l->due &= (uint8_t)~what;
	return is_due;
}

uint64_t lease_deadline_us(const struct lease *l)
{
	const uint64_t all[] = { l->next_us, l->renew_us, l->watch_us, l->expires_us };
	uint64_t first = LEASE_NEVER;

	if (l->due != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i] < first)
			first = all[i];
	}
	return first;
}

enum lease_kind lease_next(struct lease *l, uint64_t now_us, struct lease_action *out)
{
	*out = (struct lease_action){ 0 };
	while (l->due == 0 && lease_deadline_us(l) <= now_us)
		step(l, now_us);
	if (take(l, LEASE_DUE_UPNP)) {
		put_upnp(l, out);
		return LEASE_DO_UPNP;
	}
	if (take(l, LEASE_DUE_MAP))
		put_map(l, out);
	else if (take(l, LEASE_DUE_ADDRESS) || (l->by == LEASE_NAT_PMP && take(l, LEASE_DUE_CLOCK)))
		out->len = portmap_put_pmp_address(out->data);
	else if (take(l, LEASE_DUE_CLOCK))
		out->len = portmap_put_pcp_announce(&l->config.internal, out->data);
	return out->len > 0 ? LEASE_SEND : LEASE_WAIT;
}

const char *lease_by_word(enum lease_by by)
{
	static const char *const words[] = { "pcp", "nat-pmp", "upnp", "nobody" };

	return words[by];
}

const char *lease_answer_word(enum lease_answer answer)
{
	static const char *const words[LEASE_ANSWERS] = {
		"not-asked",  "granted", "silent",      "absent",     "denied",
		"other-port", "taken",   "unconfirmed", "no-gateway", "local-error",
	};

	return words[answer];
}

const char *lease_transport_word(uint8_t transport)
{
	return transport == PORTMAP_TCP ? "tcp" : "udp";
}

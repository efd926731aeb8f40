#include "addr_special.h"
#include "turn_client_state.h"

#define REDIRECTS_MAX 5
#define REVISIT_S     300 /* RFC 8489, section 10 */

void tc_reconnect(struct turn_client *c)
{
	c->phase = TC_RECONNECTING;
	c->reconnect = true;
}

/* Loopback, somebody's own network, a cloud's secrets: in any disguise. */
static bool is_special(const struct addr *a)
{
	struct addr_special_hit hit;

	return addr_special_judge(a, &hit);
}

static bool is_no_host(const struct addr *a)
{
	struct addr plain = addr_unmap(a);

	return a->port == 0 || addr_is_any(&plain) ||
	       (plain.family == ADDR_IPV4 && (plain.ip[0] >= 224 || plain.ip[0] == 0)) ||
	       (plain.family == ADDR_IPV6 && plain.ip[0] == 0xff);
}

static bool was_visited(const struct turn_client *c, const struct addr *server, uint64_t now_us)
{
	for (size_t i = 0; i < TC_VISITS_MAX; i++) {
		const struct tc_visit *v = &c->visits[i];

		if (addr_equal(&v->server, server) && now_us - v->at_us < REVISIT_S * TC_SECOND)
			return true;
	}
	return false;
}

/* The first ALTERNATE-SERVER of our own family; the other one needs another socket. */
static bool find_alternate(const struct turn_client *c, const struct stun_msg *msg,
			   struct addr *out)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;
	struct addr a;

	while (stun_walk_next(&walk, &attr)) {
		if (attr.type != STUN_ATTR_ALTERNATE_SERVER ||
		    stun_attr_get_addr(attr.value, &a) != STUN_OK || a.family != c->server.family)
			continue;
		*out = a;
		return true;
	}
	return false;
}

static void take_domain(struct turn_client *c, const struct stun_msg *msg)
{
	struct bytes value, domain;

	if (!c->secure || !stun_msg_find(msg, STUN_ATTR_ALTERNATE_DOMAIN, &value) ||
	    stun_attr_get_bytes(STUN_ATTR_ALTERNATE_DOMAIN, value, &domain) != STUN_OK ||
	    domain.len > TURN_CLIENT_DOMAIN_MAX)
		return;
	memcpy(c->domain, domain.data, domain.len);
	c->domain[domain.len] = '\0';
	c->has_domain = true;
}

/* 300 (RFC 8489, section 10). */
void tc_follow(struct turn_client *c, const struct tc_outcome *o)
{
	struct turn_client_failure f = o->failure;
	struct addr to;

	f.cause = TURN_CLIENT_REDIRECT;
	c->visits[c->redirects] = (struct tc_visit){ c->server, o->started_us };
	if (c->redirects >= REDIRECTS_MAX || !find_alternate(c, o->msg, &to) || is_no_host(&to) ||
	    (is_special(&to) && !is_special(&c->server)) || was_visited(c, &to, o->now_us)) {
		tc_fail(c, &f);
		return;
	}
	c->redirects++;
	c->server = to;
	take_domain(c, o->msg);
	tc_auth_forget(c);
	tc_reconnect(c);
}

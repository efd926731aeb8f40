/* The part of settings that knows whom the relay reaches, and who may ask. */
#include <string.h>

#include "settings_parts.h"

typedef bool add_text_fn(struct policy_rules *r, enum policy_list list, const char *text,
			 const char **why);

static bool add_nets(struct policy_rules *r, enum policy_list list, const struct opt_list *nets,
		     const char **why)
{
	const struct opt_cidr *items = nets->items;
	char ip[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 8];

	for (size_t i = 0; i < nets->count; i++) {
		snprintf(text, sizeof(text), "%s/%u", addr_print_ip(&items[i].net, ip),
			 items[i].prefix_len);
		if (!policy_rules_add(r, list, text, why))
			return false;
	}
	return true;
}

static bool add_texts(struct policy_rules *r, enum policy_list list, const struct opt_list *texts,
		      add_text_fn *add, const char **why)
{
	char *const *items = texts->items;

	for (size_t i = 0; i < texts->count; i++) {
		if (!add(r, list, items[i], why))
			return false;
	}
	return true;
}

/* NULL, or the key whose values do not fit. */
static const char *add_rules(struct policy_rules *r, const struct turnd_conf_rules *c,
			     const char **why)
{
	if (!add_nets(r, POLICY_ALLOW, &c->allow, why))
		return "allow";
	if (!add_nets(r, POLICY_DENY, &c->deny, why))
		return "deny";
	if (!add_texts(r, POLICY_ALLOW, &c->allow_country, policy_rules_add_country, why) ||
	    !add_texts(r, POLICY_DENY, &c->deny_country, policy_rules_add_country, why))
		return "country";
	if (!add_texts(r, POLICY_ALLOW, &c->allow_network, policy_rules_add_network, why) ||
	    !add_texts(r, POLICY_DENY, &c->deny_network, policy_rules_add_network, why))
		return "network";
	return NULL;
}

static bool add_nat64(const struct turnd_conf *conf, struct policy_rules *r, const char **why)
{
	const struct opt_cidr *items = conf->nat64_prefix.items;
	char ip[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 8];

	for (size_t i = 0; i < conf->nat64_prefix.count; i++) {
		snprintf(text, sizeof(text), "%s/%u", addr_print_ip(&items[i].net, ip),
			 items[i].prefix_len);
		if (!policy_rules_add_nat64(r, text, why))
			return false;
	}
	return true;
}

static bool add_own(struct policy_rules *r, const struct addresses *host, const struct addr *a,
		    const char **why)
{
	struct addr at[ADDRESSES_MAX];
	size_t count = addresses_expand(host, a, at);

	for (size_t i = 0; i < count; i++) {
		if (!policy_rules_add_own(r, &at[i], why))
			return false;
	}
	return true;
}

/* All that turnd itself listens on. */
static bool add_endpoints(const struct turnd_conf *conf, struct policy_rules *r,
			  const struct addresses *host, const char **why)
{
	struct turnd_listener listeners[TURND_LISTENERS_MAX];
	struct opt_error unused;
	struct addr admin;
	int count = turnd_conf_listeners(conf, listeners, &unused);

	for (int i = 0; i < count; i++) {
		if (!add_own(r, host, &listeners[i].local, why))
			return false;
	}
	return conf->admin == NULL || !addr_parse_loopback(conf->admin, &admin) ||
	       add_own(r, host, &admin, why);
}

static bool add_relays(const struct settings_parts *parts, struct policy_rules *r, const char **why)
{
	for (size_t i = 0; i < parts->relay_count; i++) {
		if (!policy_rules_add_relay(r, &parts->relays[i].local, why) ||
		    !policy_rules_add_relay(r, &parts->relays[i].seen_as, why))
			return false;
	}
	return true;
}

static struct policy *make_peers(const struct turnd_conf *conf, const struct turnd_conf_rules *c,
				 const struct settings_parts *parts, const struct addresses *host,
				 const char **key, const char **why)
{
	struct policy_rules *r = policy_rules_new(true);
	struct policy *p = NULL;

	*key = "peer";
	*why = "out of memory";
	if (r != NULL && add_rules(r, c, why) == NULL) {
		*key = "nat64-prefix";
		if (add_nat64(conf, r, why)) {
			*key = "listen";
			if (add_endpoints(conf, r, host, why) && add_relays(parts, r, why))
				p = policy_new(r, parts->geo, why);
		}
	}
	policy_rules_free(r);
	return p;
}

static struct policy *make_clients(const struct turnd_conf_rules *c,
				   const struct settings_parts *parts, const char **why)
{
	struct policy_rules *r = policy_rules_new(false);
	struct policy *p = NULL;

	*why = "out of memory";
	if (r != NULL && add_rules(r, c, why) == NULL)
		p = policy_new(r, parts->geo, why);
	policy_rules_free(r);
	return p;
}

bool settings_add_policies(const struct turnd_conf *conf, size_t i,
			   const struct settings_parts *parts, const struct addresses *host,
			   struct realm *r, struct opt_error *err)
{
	struct turnd_conf_realm c = turnd_conf_realm_at(conf, i);
	const char *key, *why;

	r->peers = make_peers(conf, &c.peers, parts, host, &key, &why);
	if (r->peers == NULL)
		return settings_wrong(conf, i, strcmp(key, "peer") == 0 ? "deny-peer" : key, why,
				      err);
	r->clients = make_clients(&c.clients, parts, &why);
	if (r->clients == NULL)
		return settings_wrong(conf, i, "deny-client", why, err);
	return true;
}

static void free_geo(void *geo)
{
	geo_free(geo);
}

bool settings_open_geo(const struct turnd_conf *conf, struct settings_parts *parts,
		       struct opt_error *err)
{
	char *const *paths = conf->geo_database.items;
	struct geo *geo;
	const char *why;

	if (conf->geo_database.count == 0)
		return true;
	geo = geo_new();
	parts->geo_read = geo != NULL ? shared_new(geo, free_geo) : NULL;
	if (parts->geo_read == NULL)
		return settings_wrong(conf, 0, "geo-database", "out of memory", err);
	parts->geo = geo;
	for (size_t i = 0; i < conf->geo_database.count; i++) {
		if (geo_add(geo, paths[i], &why))
			continue;
		snprintf(err->text, sizeof(err->text), "geo-database: %.200s: %s", paths[i], why);
		return false;
	}
	return true;
}

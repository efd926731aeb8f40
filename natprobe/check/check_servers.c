#include "check_servers.h"

#include <stdlib.h>
#include <string.h>

#include "natprobe/net/public_servers.h"
#include "natprobe/report/report.h"
#include "natprobe/net/resolve.h"

#define RESOLVE_MAX_MS 5000

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_FAILED;
}

/* Adds a server as the user wrote it. Returns 0 or an exit code. */
static int add_server(struct check_servers *s, const char *text)
{
	struct server *bigger = realloc(s->items, (s->count + 1) * sizeof(*s->items));
	struct server add = { .name = text };
	const char *why;

	if (bigger == NULL)
		return failure("servers", "out of memory");
	s->items = bigger;
	if (!stun_uri_parse(bytes_of_str(text), &add.uri, &why))
		return usage(text, why);
	if (add.uri.scheme == STUN_URI_TURN || add.uri.scheme == STUN_URI_TURNS)
		return usage(text, "a TURN server; name a STUN server, HOST or stun:HOST");
	s->items[s->count++] = add;
	return 0;
}

static int add_servers_of_environment(struct check_servers *s, const char *value)
{
	char *rest = NULL;
	int rc = 0;

	s->environment = strdup(value);
	if (s->environment == NULL)
		return failure("servers", "out of memory");
	for (char *word = strtok_r(s->environment, ", \t", &rest); rc == 0 && word != NULL;
	     word = strtok_r(NULL, ", \t", &rest))
		rc = add_server(s, word);
	return rc;
}

static int take_portal(struct check_servers *s, const char *url)
{
	const char *why;

	if (!portal_url_parse(url, &s->portal, &why))
		return usage(url, why);
	s->has_portal = true;
	return 0;
}

/*
 * The list only stands in: a server that is named and silent is not replaced. Who names servers
 * has nobody else asked, so a portal is only looked for with the list.
 */
static int add_public_servers(struct check_servers *s)
{
	int rc = s->has_portal ? 0 : take_portal(s, public_portal);

	s->are_public = true;
	for (size_t i = 0; rc == 0 && public_servers[i] != NULL; i++)
		rc = add_server(s, public_servers[i]);
	return rc;
}

int check_servers_choose(struct check_servers *s, const struct check_options *options)
{
	const char *value = getenv("NATPROBE_SERVER");
	char *const *given = options->servers.items;
	int rc = options->portal != NULL ? take_portal(s, options->portal) : 0;

	for (size_t i = 0; rc == 0 && i < options->servers.count; i++)
		rc = add_server(s, given[i]);
	if (rc == 0 && s->count == 0 && value != NULL)
		rc = add_servers_of_environment(s, value);
	if (rc == 0 && s->count == 0)
		rc = add_public_servers(s);
	return rc;
}

/* Under this name the portal's page is resolved together with the servers, being none. */
static const char portal_name[] = "portal";

static void ask_for_portal(struct check_servers *s)
{
	const struct addr *ip = &s->portal.at.ip;

	if (!s->has_portal)
		return;
	if (ip->family != ADDR_NONE)
		s->portal_at[server_family(ip->family)] = *ip;
	else
		s->items[s->count++] = (struct server){ .name = portal_name, .uri = s->portal.at };
}

static void take_portal_addresses(struct check_servers *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct server *from = &s->items[i];

		if (from->name != portal_name) {
			s->items[kept++] = *from;
			continue;
		}
		for (int f = 0; f < SERVER_FAMILIES; f++) {
			if (s->portal_at[f].family == ADDR_NONE)
				s->portal_at[f] = from->tcp[f];
		}
	}
	s->count = kept;
}

int check_servers_resolve(struct check_servers *s, const struct check_options *options,
			  struct event_base *base)
{
	uint64_t third = options->timeout_ms / 3;
	struct resolve_options how = {
		.ipv4 = options->ipv4,
		.ipv6 = options->ipv6,
		.timeout_ms = third < RESOLVE_MAX_MS ? third : RESOLVE_MAX_MS,
	};
	struct server *bigger = realloc(s->items, (s->count + 1) * RESOLVE_ROOM * sizeof(*bigger));
	int rc;

	if (bigger == NULL)
		return failure("servers", "out of memory");
	s->items = bigger;
	ask_for_portal(s);
	rc = resolve_servers(base, s->items, &s->count, &how);
	if (rc != 0)
		return failure("cannot resolve names", strerror(-rc));
	take_portal_addresses(s);
	return 0;
}

static bool is_loopback_or_none(const struct addr *a)
{
	return a->family == ADDR_NONE || addr_is_loopback(a);
}

bool check_servers_are_loopback(const struct check_servers *s)
{
	size_t known = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct server *one = &s->items[i];

		for (int f = 0; f < SERVER_FAMILIES; f++) {
			if (!is_loopback_or_none(&one->udp[f]) ||
			    !is_loopback_or_none(&one->tcp[f]))
				return false;
		}
		known += one->why == NULL;
	}
	return known > 0;
}

void check_servers_clear(struct check_servers *s)
{
	free(s->items);
	free(s->environment);
	*s = (struct check_servers){ 0 };
}

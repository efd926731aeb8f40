/* The part of settings that tells the operator what they come to. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "settings.h"
#include "udp.h"

/* One that is not of this host (yet) makes allocations fail, and nobody shall wonder why. */
static void tell_if_foreign(const struct addr *local, const char *text)
{
	static const struct udp_options options = { 0 };
	int fd = udp_open(local, &options, NULL);

	if (fd >= 0)
		close(fd);
	else
		log_event(LOG_LEVEL_ERROR, "relay",
			  "%s: %s; no allocation will work there until that is cured", text,
			  strerror(-fd));
}

static void tell_relay(const struct snapshot_relay *r)
{
	char local[ADDR_TEXT_MAX], seen[ADDR_TEXT_MAX];

	addr_print_ip(&r->local, local);
	addr_print_ip(&r->seen_as, seen);
	tell_if_foreign(&r->local, local);
	if (!addr_equal_ip(&r->local, &r->seen_as))
		log_event(LOG_LEVEL_INFO, "relay", "from %s, which clients see as %s", local, seen);
	else
		log_event(LOG_LEVEL_INFO, "relay", "from %s", local);
	if (addr_is_loopback(&r->seen_as) || addr_is_link_local(&r->seen_as))
		log_event(LOG_LEVEL_WARN, "relay", "%s is of use on this host alone", seen);
	else if (addr_is_private(&r->seen_as))
		log_event(LOG_LEVEL_WARN, "relay",
			  "%s is private, and of no use to peers elsewhere; behind 1:1 NAT set "
			  "relay-address = %s public ADDRESS",
			  seen, local);
}

static void tell_realm(const struct realm *r)
{
	struct bytes name;

	if (r->users == NULL)
		return;
	name = users_realm(r->users);
	if (users_has_any(r->users) || r->tokens != NULL)
		log_event(LOG_LEVEL_INFO, "realm", "%.*s: %zu users by name%s", (int)name.len,
			  (const char *)name.data, users_count(r->users),
			  r->tokens != NULL ? ", and all who have access tokens" : "");
	else
		log_event(LOG_LEVEL_WARN, "realm", "%.*s: has no users, and relays for nobody",
			  (int)name.len, (const char *)name.data);
}

void settings_tell(const struct settings *s, const struct turnd_conf *conf)
{
	for (size_t i = 0; i < s->snapshot.realm_count; i++)
		tell_realm(&s->snapshot.realms[i]);
	if (!settings_has_users(s)) {
		log_event(
			LOG_LEVEL_WARN, "relay",
			"off, since nobody has credentials: this is a STUN server only; set realm "
			"and password-file, auth-secret-file or [user NAME]");
		return;
	}
	for (size_t i = 0; i < s->snapshot.relay_count; i++)
		tell_relay(&s->snapshot.relays[i]);
	if (settings_wants_other_relays(s))
		log_event(LOG_LEVEL_WARN, "relay",
			  "relay-address comes to other addresses of this host than at the start; "
			  "that takes a restart");
	if (conf->draining)
		log_event(LOG_LEVEL_WARN, "relay", "draining: there are no new allocations");
}

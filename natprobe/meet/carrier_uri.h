/*
 * carrier_uri - where a carrier is: https://HOST[:PORT]/ and http://..., where stund has a
 * rendezvous; mqtts://[USER[:PASSWORD]@]HOST[:PORT] and mqtt://..., an MQTT broker. Reads, resolves
 * nothing.
 */
#ifndef NATPROBE_CARRIER_URI_H
#define NATPROBE_CARRIER_URI_H

#include "stun_uri.h"

#define CARRIER_URI_USER_MAX 127

enum carrier_kind {
	CARRIER_HTTP,
	CARRIER_MQTT,
};

struct carrier_uri {
	uint8_t kind; /* enum carrier_kind */
	bool is_secure;
	struct stun_uri at; /* host and port; the port is set */
	/* MQTT, decoded; "": none. */
	char user[CARRIER_URI_USER_MAX + 1];
	char password[CARRIER_URI_USER_MAX + 1];
};

/*
 * out  set on success only
 * why  on failure a constant string for people, without capital and full stop
 */
bool carrier_uri_parse(struct bytes text, struct carrier_uri *out, const char **why);

#define CARRIER_URI_NAME_MAX 320

/* "https://example.org/", "mqtts://example.org": without the user and usual ports. Returns `buf`. */
const char *carrier_uri_print(const struct carrier_uri *uri, char buf[static CARRIER_URI_NAME_MAX]);

/* "example.org:8443", "[2001:db8::1]", as a Host header has it. Returns `buf`. */
const char *carrier_uri_authority(const struct carrier_uri *uri,
				  char buf[static CARRIER_URI_NAME_MAX]);

/* Takes the next URI off a list with commas, or blanks; false: there is none left. */
bool carrier_uri_next(struct bytes *list, struct bytes *uri);

#endif

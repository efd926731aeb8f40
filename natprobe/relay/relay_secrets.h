/*
 * relay_secrets - user name and password, or access token, as the user gives them: in files, in
 * the environment, on standard input; never on the command line.
 */
#ifndef NATPROBE_RELAY_SECRETS_H
#define NATPROBE_RELAY_SECRETS_H

#include "opaque.h"
#include "turn_client.h"

/* What they are and where they are kept; wiped by relay_secrets_clear. */
struct relay_secrets {
	struct turn_client_credentials credentials; /* views of what follows */
	uint8_t username[OPAQUE_MAX];
	uint8_t password[OPAQUE_MAX];
	uint8_t token[TURN_CLIENT_TOKEN_MAX];
	uint8_t key[OPAQUE_MAX];
};

/*
 * Reads all that is given. Returns true, or false with *what and *why for people.
 * user           NULL: none
 * password_file  "-" is standard input, NULL: the environment variable NATPROBE_TURN_PASSWORD; where
 *                that is not set, a person at a terminal is asked
 * token_file     lines "kid NAME", "key BASE64", "token BASE64" (RFC 7635); NULL: none
 */
bool relay_secrets_read(struct relay_secrets *s, const char *user, const char *password_file,
			const char *token_file, const char **what, const char **why);

/* The text of a token file. */
bool relay_secrets_parse_token(struct relay_secrets *s, struct bytes text, const char **why);

void relay_secrets_clear(struct relay_secrets *s);

#endif

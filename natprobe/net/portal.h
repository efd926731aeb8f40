/*
 * portal - is there a captive portal? A page that is known to answer 204 (RFC 9110, section
 * 15.3.5) is asked for over plain HTTP: a portal answers in its place, and cannot help saying
 * something else.
 *
 * Pure: URL to request, bytes of an answer to a conclusion. portal_check is the shell.
 */
#ifndef NATPROBE_PORTAL_H
#define NATPROBE_PORTAL_H

#include "stun_uri.h"
#include "natprobe/verdict.h"

#define PORTAL_PATH_MAX    256
#define PORTAL_REQUEST_MAX 768
#define PORTAL_ANSWER_MAX  4096 /* of an answer that is read, at most */

struct portal_url {
	struct stun_uri at; /* host and port, which is always given: 80 where the user names none */
	char path[PORTAL_PATH_MAX + 1]; /* with its query, from the / on */
};

/*
 * Reads "http://HOST[:PORT][/PATH]"; https would only say that a certificate is wrong.
 * out  set on success only
 * why  on failure a constant string for people, without capital and full stop
 */
bool portal_url_parse(const char *text, struct portal_url *out, const char **why);

/* The whole request. Returns its length. */
size_t portal_request(const struct portal_url *url, char buf[static PORTAL_REQUEST_MAX]);

/*
 * What an answer means, as far as it came in.
 * is_whole  nothing more follows
 * out       set where it says something: no (204), yes (any other success, a redirection, or 511
 *           of RFC 6585), or unknown (server-error) for an error, and for what is not HTTP
 * Returns false where more is needed.
 */
bool portal_judge(struct bytes answer, bool is_whole, struct verdict_yes_no *out);

#endif

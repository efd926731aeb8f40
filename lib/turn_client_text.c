#include "turn_client_state.h"

static const struct {
	const char *text;
	const char *remedy;
} causes[TURN_CLIENT_CAUSES] = {
	[TURN_CLIENT_FINE] = { "nothing", "" },
	[TURN_CLIENT_TIMEOUT] = { "the server did not answer",
				  "check address, port and firewall, or try TCP or TLS" },
	[TURN_CLIENT_INTEGRITY] = { "no answer proved to be the server's",
				    "check the password, and whether something in between changes "
				    "packets" },
	[TURN_CLIENT_CREDENTIALS] = { "the server does not accept user name and password",
				      "check both, and whether time-limited credentials have "
				      "expired" },
	[TURN_CLIENT_ANONYMOUS] = { "the server wants credentials",
				    "give user name and password, or an access token" },
	[TURN_CLIENT_ALGORITHM] = { "the server wants a password algorithm that is unknown here",
				    "let it offer SHA-256 or MD5" },
	[TURN_CLIENT_BID_DOWN] = { "something in between weakens the authentication",
				   "use TLS, or another network" },
	[TURN_CLIENT_REDIRECT] = { "the server names another one that is not to be asked",
				   "correct the alternate server in its configuration" },
	[TURN_CLIENT_REFUSED] = { "the server refuses", "ask who runs the server" },
	[TURN_CLIENT_PROTOCOL] = { "the server's answer makes no sense",
				   "check that it is a TURN server, and its version" },
	[TURN_CLIENT_TOO_LARGE] = { "what the server wants to be sent back is too long",
				    "shorten user name, realm or nonce" },
	[TURN_CLIENT_TRANSPORT] = { "the connection to the server broke",
				    "check address, port, certificate and firewall" },
	[TURN_CLIENT_EXPIRED] = { "the allocation ended, as it could not be refreshed",
				  "check whether the network or the server went away" },
};

static const struct {
	uint16_t code;
	const char *text;
	const char *remedy;
} codes[] = {
	{ 400, "the server does not understand the request", "check the server's version" },
	{ 403, "the server forbids it", "let its policy allow this user, and this peer's address" },
	{ 405, "the server forbids mobility", "switch it on there, or do without" },
	{ 420, "the server does not know something that was asked for",
	  "ask for less: no even port, no address family" },
	{ 437, "the server sees no such allocation, or another one, behind this address",
	  "wait two minutes, or use another local port" },
	{ 438, "the server calls every nonce stale, also the one it has just given",
	  "check the clocks of servers that share a nonce key, and what spreads packets over "
	  "them" },
	{ 440, "the server has no relay address of this family",
	  "ask for the other family, or give the server such an address" },
	{ 441, "the allocation belongs to other credentials", "use those that it was made with" },
	{ 442, "the server does not relay this transport",
	  "switch TCP relaying on there, or relay UDP" },
	{ 443, "the peer's address is of another family than the relay's",
	  "ask for a relay address of the peer's family, or for both" },
	{ 446, "there is a connection to this peer already", "use that one" },
	{ 447, "the server could not connect to the peer",
	  "check that the peer listens; wait 10 seconds before trying again" },
	{ 486, "this user has as many allocations as the server grants",
	  "close others, or raise the quota; wait a minute before trying again" },
	{ 500, "the server is in trouble", "try again later" },
	{ 508, "the server has no relay port or channel left, or none as asked for",
	  "wait a minute, or widen its range of relay ports" },
};

static size_t row_of(const struct turn_client_failure *f)
{
	size_t i = 0;

	if (f->cause != TURN_CLIENT_REFUSED)
		return ARRAY_LEN(codes);
	while (i < ARRAY_LEN(codes) && codes[i].code != f->code)
		i++;
	return i;
}

const char *turn_client_failure_text(const struct turn_client_failure *f)
{
	size_t i = row_of(f);

	if (i < ARRAY_LEN(codes))
		return codes[i].text;
	return f->cause < TURN_CLIENT_CAUSES ? causes[f->cause].text : "unknown";
}

const char *turn_client_failure_remedy(const struct turn_client_failure *f)
{
	size_t i = row_of(f);

	if (i < ARRAY_LEN(codes))
		return codes[i].remedy;
	return f->cause < TURN_CLIENT_CAUSES ? causes[f->cause].remedy : "";
}

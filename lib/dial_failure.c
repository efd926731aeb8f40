#include "dial_failure.h"

#include "wire.h"

static const struct {
	const char *word, *text, *remedy;
} causes[DIAL_CAUSES] = {
	[DIAL_FINE] = { "fine", "nothing", "" },
	[DIAL_NO_ROUTE] = { "no-route", "this host has no way to that address",
			    "check the route and the address family; an IPv4-only host cannot "
			    "reach "
			    "IPv6" },
	[DIAL_REFUSED] = { "refused", "nobody listens at that port",
			   "check the port, and whether the server runs with this transport on" },
	[DIAL_SILENT] = { "silent", "no connection in time: packets to that port vanish",
			  "let the firewalls on the way pass this port, or use another transport" },
	[DIAL_SLOW_HANDSHAKE] = { "slow-handshake", "it takes the connection, but not TLS",
				  "check that this port speaks TLS, and that nothing on the way "
				  "interferes" },
	[DIAL_HANDSHAKE] = { "handshake", "the TLS handshake failed",
			     "check that this port speaks TLS 1.2 or later, and its certificate "
			     "and key" },
	[DIAL_CERT_NAME] = { "certificate-name", "its certificate is for another name",
			     "write the name that the certificate has, or get one for this name" },
	[DIAL_CERT_UNTRUSTED] = { "certificate-untrusted",
				  "nobody who is trusted here vouches for its certificate",
				  "let the server send the whole chain, or trust its CA here" },
	[DIAL_CERT_DATES] = { "certificate-dates",
			      "its certificate has expired or is not valid yet",
			      "renew it, and check the clocks of both ends" },
	[DIAL_CLOSED] = { "closed", "it closed the connection",
			  "check that this port speaks TURN, and whether it limits connections" },
	[DIAL_NOT_STUN] = { "not-stun", "it does not speak TURN", "check address and port" },
	[DIAL_SYSTEM] = { "system", "this host cannot", "see the reason" },
};

const char *dial_cause_word(uint8_t cause)
{
	return cause < ARRAY_LEN(causes) ? causes[cause].word : "unknown";
}

const char *dial_cause_text(uint8_t cause)
{
	return cause < ARRAY_LEN(causes) ? causes[cause].text : "unknown";
}

const char *dial_cause_remedy(uint8_t cause)
{
	return cause < ARRAY_LEN(causes) ? causes[cause].remedy : "";
}

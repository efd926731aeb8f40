#include "stun.h"

#include <stdio.h>

#include "wire.h"

#define RFC3489(s) "RFC 3489, section " s
#define RFC5780(s) "RFC 5780, section " s
#define RFC6062(s) "RFC 6062, section " s
#define RFC7635(s) "RFC 7635, section " s
#define RFC8016(s) "RFC 8016, section " s
#define RFC8445(s) "RFC 8445, section " s
#define RFC8489(s) "RFC 8489, section " s
#define RFC8656(s) "RFC 8656, section " s

#define ANY STUN_VALUE_MAX

/*
 * Text is taken up to 763 bytes: RFC 5389 counted 6 bytes to a character (RFC 8489, section
 * 14.3). We write at most 508 or 509, but for what a client has to give back as it came.
 */
#define ROW(id, kind, min, max, put, name, meaning, spec) \
	{ STUN_ATTR_##id, STUN_KIND_##kind, min, max, put, name, meaning, spec }

static const struct stun_attr_info attrs[] = {
	ROW(MAPPED_ADDRESS, ADDR, 8, 20, 20, "MAPPED-ADDRESS",
	    "where the server saw the request come from, in clear", RFC8489("14.1")),
	ROW(RESPONSE_ADDRESS, ADDR, 8, 20, 20, "RESPONSE-ADDRESS",
	    "where the answer should go; never honoured", RFC3489("11.2.2")),
	ROW(CHANGE_REQUEST, CHANGE, 4, 4, 4, "CHANGE-REQUEST",
	    "answer from the other address, the other port, or both", RFC5780("7.2")),
	ROW(SOURCE_ADDRESS, ADDR, 8, 20, 20, "SOURCE-ADDRESS", "where the answer was sent from",
	    RFC3489("11.2.5")),
	ROW(CHANGED_ADDRESS, ADDR, 8, 20, 20, "CHANGED-ADDRESS",
	    "the server's other address and port", RFC3489("11.2.3")),
	ROW(USERNAME, TEXT, 1, 763, 508, "USERNAME", "whose credentials protect the message",
	    RFC8489("14.3")),
	ROW(PASSWORD, BYTES, 0, ANY, ANY, "PASSWORD",
	    "a password given out by a Shared Secret response", RFC3489("11.2.7")),
	ROW(MESSAGE_INTEGRITY, BYTES, 20, 20, 20, "MESSAGE-INTEGRITY",
	    "HMAC-SHA1 of all that stands before it", RFC8489("14.5")),
	ROW(ERROR_CODE, ERROR, 4, 767, 513, "ERROR-CODE", "why the request failed",
	    RFC8489("14.8")),
	ROW(UNKNOWN_ATTRIBUTES, TYPES, 2, ANY, ANY, "UNKNOWN-ATTRIBUTES",
	    "what the server did not understand", RFC8489("14.13")),
	ROW(REFLECTED_FROM, ADDR, 8, 20, 20, "REFLECTED-FROM", "who asked for this answer",
	    RFC3489("11.2.11")),
	ROW(CHANNEL_NUMBER, U16, 4, 4, 4, "CHANNEL-NUMBER", "the channel to bind", RFC8656("18.1")),
	ROW(LIFETIME, U32, 4, 4, 4, "LIFETIME", "seconds until the allocation ends",
	    RFC8656("18.2")),
	ROW(XOR_PEER_ADDRESS, XOR_ADDR, 8, 20, 20, "XOR-PEER-ADDRESS",
	    "the peer as the relay sees it", RFC8656("18.3")),
	ROW(DATA, BYTES, 0, ANY, ANY, "DATA", "what is relayed to or from the peer",
	    RFC8656("18.4")),
	ROW(REALM, TEXT, 0, 763, 763, "REALM", "the domain of long-term credentials",
	    RFC8489("14.9")),
	ROW(NONCE, BYTES, 1, 763, 763, "NONCE",
	    "the server's token against replay, given back as it came", RFC8489("14.10")),
	ROW(XOR_RELAYED_ADDRESS, XOR_ADDR, 8, 20, 20, "XOR-RELAYED-ADDRESS",
	    "the address allocated on the relay", RFC8656("18.5")),
	ROW(REQUESTED_ADDRESS_FAMILY, U8, 4, 4, 4, "REQUESTED-ADDRESS-FAMILY",
	    "IPv4 (1) or IPv6 (2) for the allocation", RFC8656("18.6")),
	ROW(EVEN_PORT, EVEN_PORT, 1, 1, 1, "EVEN-PORT",
	    "an even relay port, perhaps with the next one held", RFC8656("18.7")),
	ROW(REQUESTED_TRANSPORT, U8, 4, 4, 4, "REQUESTED-TRANSPORT",
	    "protocol towards the peer: 17 is UDP, 6 is TCP", RFC8656("18.8")),
	ROW(DONT_FRAGMENT, FLAG, 0, 0, 0, "DONT-FRAGMENT", "relay with the DF bit set",
	    RFC8656("18.9")),
	ROW(ACCESS_TOKEN, TOKEN, 2, ANY, ANY, "ACCESS-TOKEN",
	    "a token from an authorization server", RFC7635("6.2")),
	ROW(MESSAGE_INTEGRITY_SHA256, BYTES, 16, 32, 32, "MESSAGE-INTEGRITY-SHA256",
	    "HMAC-SHA256 of all that stands before it", RFC8489("14.6")),
	ROW(PASSWORD_ALGORITHM, ALGORITHM, 4, ANY, ANY, "PASSWORD-ALGORITHM",
	    "how the client made the key of its password", RFC8489("14.12")),
	ROW(USERHASH, BYTES, 32, 32, 32, "USERHASH",
	    "hash of user name and realm, instead of USERNAME", RFC8489("14.4")),
	ROW(XOR_MAPPED_ADDRESS, XOR_ADDR, 8, 20, 20, "XOR-MAPPED-ADDRESS",
	    "where the server saw the request come from", RFC8489("14.2")),
	ROW(RESERVATION_TOKEN, BYTES, 8, 8, 8, "RESERVATION-TOKEN",
	    "names a relay port that is held in reserve", RFC8656("18.10")),
	ROW(PRIORITY, U32, 4, 4, 4, "PRIORITY", "priority of the candidate this check would reveal",
	    RFC8445("16.1")),
	ROW(USE_CANDIDATE, FLAG, 0, 0, 0, "USE-CANDIDATE",
	    "the controlling agent nominates this pair", RFC8445("16.1")),
	ROW(PADDING, BYTES, 0, ANY, ANY, "PADDING",
	    "makes the message long enough to be fragmented", RFC5780("7.6")),
	ROW(RESPONSE_PORT, U16, 4, 4, 4, "RESPONSE-PORT", "answer to this port of the client",
	    RFC5780("7.5")),
	ROW(CONNECTION_ID, U32, 4, 4, 4, "CONNECTION-ID", "a TCP connection between relay and peer",
	    RFC6062("6.2.1")),
	ROW(ADDITIONAL_ADDRESS_FAMILY, U8, 4, 4, 4, "ADDITIONAL-ADDRESS-FAMILY",
	    "allocate an address of this family too", RFC8656("18.11")),
	ROW(ADDRESS_ERROR_CODE, ADDR_ERROR, 4, 767, 513, "ADDRESS-ERROR-CODE",
	    "why one of two families was not allocated", RFC8656("18.12")),
	ROW(PASSWORD_ALGORITHMS, ALGORITHMS, 4, ANY, ANY, "PASSWORD-ALGORITHMS",
	    "what the server can make keys with", RFC8489("14.11")),
	ROW(ALTERNATE_DOMAIN, TEXT, 1, 255, 255, "ALTERNATE-DOMAIN",
	    "domain name that the alternate server's certificate has", RFC8489("14.16")),
	ROW(ICMP, ICMP, 8, 8, 8, "ICMP", "an ICMP error that came from the peer's side",
	    RFC8656("18.13")),
	ROW(SOFTWARE, TEXT, 0, 763, 509, "SOFTWARE", "name and version of the sender",
	    RFC8489("14.14")),
	ROW(ALTERNATE_SERVER, ADDR, 8, 20, 20, "ALTERNATE-SERVER", "ask this server instead",
	    RFC8489("14.15")),
	ROW(CACHE_TIMEOUT, U32, 4, 4, 4, "CACHE-TIMEOUT",
	    "seconds to remember a proxied request; registered, unused", RFC5780("9.1")),
	ROW(FINGERPRINT, U32, 4, 4, 4, "FINGERPRINT",
	    "CRC-32 of the message, tells STUN from other traffic", RFC8489("14.7")),
	ROW(ICE_CONTROLLED, U64, 8, 8, 8, "ICE-CONTROLLED",
	    "the sender is controlled; its tie-breaker", RFC8445("16.1")),
	ROW(ICE_CONTROLLING, U64, 8, 8, 8, "ICE-CONTROLLING",
	    "the sender is controlling; its tie-breaker", RFC8445("16.1")),
	ROW(RESPONSE_ORIGIN, ADDR, 8, 20, 20, "RESPONSE-ORIGIN", "where the answer was sent from",
	    RFC5780("7.3")),
	ROW(OTHER_ADDRESS, ADDR, 8, 20, 20, "OTHER-ADDRESS", "the server's other address and port",
	    RFC5780("7.4")),
	ROW(THIRD_PARTY_AUTHORIZATION, TEXT, 0, 763, 763, "THIRD-PARTY-AUTHORIZATION",
	    "the server's name at the authorization server", RFC7635("6.1")),
	ROW(ORIGIN, TEXT, 0, 763, 763, "ORIGIN", "web origin that caused the request",
	    "draft-ietf-tram-stun-origin, section 3"),
	ROW(MOBILITY_TICKET, BYTES, 0, ANY, ANY, "MOBILITY-TICKET",
	    "lets an allocation move to a new client address", RFC8016("3.3")),
};

const struct stun_attr_info *stun_attr_table(size_t *count)
{
	*count = ARRAY_LEN(attrs);
	return attrs;
}

const struct stun_attr_info *stun_attr_info(uint16_t type)
{
	size_t low = 0;
	size_t high = ARRAY_LEN(attrs);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (attrs[mid].type == type)
			return &attrs[mid];
		if (attrs[mid].type < type)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const char *stun_attr_name(uint16_t type)
{
	const struct stun_attr_info *info = stun_attr_info(type);

	return info != NULL ? info->name : "unknown attribute";
}

const char *stun_attr_print(const struct stun_attr_info *info, char buf[static STUN_ATTR_TEXT_MAX])
{
	char lengths[16];

	if (info->min_len == info->max_len)
		(void)snprintf(lengths, sizeof(lengths), "%u", (unsigned)info->min_len);
	else
		(void)snprintf(lengths, sizeof(lengths), "%u..%u", (unsigned)info->min_len,
			       (unsigned)info->max_len);
	(void)snprintf(buf, STUN_ATTR_TEXT_MAX, "0x%04x  %-25s  %-8s  %s (%s)",
		       (unsigned)info->type, info->name, lengths, info->meaning, info->spec);
	return buf;
}

struct named_number {
	uint16_t number;
	const char *name;
};

static const char *find_name(const struct named_number *list, size_t count, uint16_t number,
			     const char *otherwise)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].number == number)
			return list[i].name;
	}
	return otherwise;
}

const char *stun_method_name(uint16_t method)
{
	static const struct named_number methods[] = {
		{ STUN_BINDING, "Binding" },
		{ STUN_SHARED_SECRET, "Shared Secret" },
		{ TURN_ALLOCATE, "Allocate" },
		{ TURN_REFRESH, "Refresh" },
		{ TURN_SEND, "Send" },
		{ TURN_DATA, "Data" },
		{ TURN_CREATE_PERMISSION, "CreatePermission" },
		{ TURN_CHANNEL_BIND, "ChannelBind" },
		{ TURN_CONNECT, "Connect" },
		{ TURN_CONNECTION_BIND, "ConnectionBind" },
		{ TURN_CONNECTION_ATTEMPT, "ConnectionAttempt" },
	};

	return find_name(methods, ARRAY_LEN(methods), method, "unknown method");
}

const char *stun_class_name(enum stun_class class)
{
	static const struct named_number classes[] = {
		{ STUN_REQUEST, "request" },
		{ STUN_INDICATION, "indication" },
		{ STUN_SUCCESS, "success response" },
		{ STUN_ERROR, "error response" },
	};

	return find_name(classes, ARRAY_LEN(classes), (uint16_t)class, "unknown class");
}

const char *stun_error_reason(uint16_t code)
{
	static const struct named_number reasons[] = {
		{ 300, "Try Alternate" },
		{ 400, "Bad Request" },
		{ 401, "Unauthenticated" },
		{ 403, "Forbidden" },
		{ 405, "Mobility Forbidden" },
		{ 420, "Unknown Attribute" },
		{ 430, "Stale Credentials" },
		{ 431, "Integrity Check Failure" },
		{ 432, "Missing Username" },
		{ 433, "Use TLS" },
		{ 437, "Allocation Mismatch" },
		{ 438, "Stale Nonce" },
		{ 440, "Address Family not Supported" },
		{ 441, "Wrong Credentials" },
		{ 442, "Unsupported Transport Protocol" },
		{ 443, "Peer Address Family Mismatch" },
		{ 446, "Connection Already Exists" },
		{ 447, "Connection Timeout or Failure" },
		{ 486, "Allocation Quota Reached" },
		{ 487, "Role Conflict" },
		{ 500, "Server Error" },
		{ 508, "Insufficient Capacity" },
		{ 600, "Global Failure" },
	};

	return find_name(reasons, ARRAY_LEN(reasons), code, "");
}

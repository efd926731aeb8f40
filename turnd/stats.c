#include "stats.h"

#include "wire.h"

/* All that we answer with; more than these never come from our own code. */
static const uint16_t codes[] = { 300, 400, 401, 403, 405, 420, 437, 438, 440,
				  441, 442, 443, 446, 447, 486, 487, 500, 508 };

_Static_assert(sizeof(codes) / sizeof(codes[0]) < STATS_CODES, "the last place is for the rest");

size_t stats_code(uint16_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i] == code)
			return i;
	}
	return STATS_CODES - 1;
}

uint16_t stats_code_at(size_t place)
{
	return place < ARRAY_LEN(codes) ? codes[place] : 0;
}

const char *stats_method_word(enum stats_method m)
{
	static const char *const words[STATS_METHODS] = {
		[STATS_BINDING] = "binding",
		[STATS_ALLOCATE] = "allocate",
		[STATS_REFRESH] = "refresh",
		[STATS_CREATE_PERMISSION] = "create-permission",
		[STATS_CHANNEL_BIND] = "channel-bind",
		[STATS_CONNECT] = "connect",
		[STATS_CONNECTION_BIND] = "connection-bind",
		[STATS_OTHER] = "other",
	};

	return words[m];
}

const char *stats_drop_word(enum stats_drop d)
{
	static const char *const words[STATS_DROPS] = {
		[STATS_DROP_FOREIGN] = "foreign",
		[STATS_DROP_UNASKED] = "unasked",
		[STATS_DROP_NO_ALLOC] = "no-allocation",
		[STATS_DROP_CHANNEL] = "no-channel",
		[STATS_DROP_PERMISSION] = "no-permission",
		[STATS_DROP_POLICY] = "policy",
		[STATS_DROP_MALFORMED] = "malformed",
		[STATS_DROP_TOO_LONG] = "too-long",
		[STATS_DROP_BUDGET] = "bandwidth",
		[STATS_DROP_LIMITED] = "limited",
		[STATS_DROP_TTL] = "ttl",
		[STATS_DROP_CLIENT] = "client",
		[STATS_DROP_AWAY] = "away",
	};

	return words[d];
}

const char *stats_end_word(enum stats_end e)
{
	static const char *const words[STATS_ENDS] = {
		[STATS_END_REFRESH] = "refresh", [STATS_END_EXPIRED] = "expired",
		[STATS_END_LINK] = "link",       [STATS_END_KICKED] = "kicked",
		[STATS_END_POLICY] = "policy",   [STATS_END_STOP] = "stop",
	};

	return words[e];
}

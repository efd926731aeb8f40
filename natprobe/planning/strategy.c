#include "strategy.h"

#include <string.h>

#include "wire.h"

struct words {
	const char *word, *text;
};

static const struct words strategies[PUNCH_STRATEGIES] = {
	[PUNCH_NONE] = { "none", "no strategy" },
	[PUNCH_DIRECT] = { "direct", "one side connects to the other" },
	[PUNCH_PORT_MAPPING] = { "port-mapping", "through a port that a gateway opened" },
	[PUNCH_SIMULTANEOUS] = { "simultaneous", "both send at once" },
	[PUNCH_LOW_TTL] = { "low-ttl", "both open with packets that end between the NATs" },
	[PUNCH_DELAYED] = { "delayed", "one side opens, and the other one sends later" },
	[PUNCH_PREDICTION] = { "prediction", "to the ports that come next" },
	[PUNCH_BIRTHDAY] = { "birthday", "many sockets on one side, many ports from the other" },
	[PUNCH_MIXED] = { "mixed", "one side's ports are foretold, the other's are searched" },
	[PUNCH_TCP] = { "tcp", "connections over TCP, both at once" },
	[PUNCH_TCP_LOW_TTL] = { "tcp-low-ttl", "the same after a SYN that ends between the NATs" },
	[PUNCH_RELAY] = { "relay", "through a relay (TURN)" },
};

static const struct words reasons[PUNCH_REASONS] = {
	[REASON_NONE] = { "none", "it made a path" },
	[REASON_UNSURE] = { "unsure", "what both sides saw fits more than one reason" },
	[REASON_NOT_TRIED] = { "not-tried", "it was not tried" },
	[REASON_PEER_SILENT] = { "peer-silent", "the other side was not heard again" },
	[REASON_LATE] = { "late", "one side began when the other one was through" },
	[REASON_LOCAL_ERROR] = { "local-error", "a host could not open a socket or send" },
	[REASON_NO_FAMILY] = { "no-family", "the two have no kind of address in common" },
	[REASON_UDP_BLOCKED] = { "udp-blocked", "a network passes no UDP" },
	[REASON_FILTERED] = { "filtered", "a filter dropped what came from where it was expected" },
	[REASON_MAPPING_DIFFERS] = { "mapping-differs",
				     "a NAT used another port than the one it had shown" },
	[REASON_REMAPPED] = { "remapped", "an early packet made a NAT use another port" },
	[REASON_MAPPING_ENDED] = { "mapping-ended", "an unexpected packet ended a mapping" },
	[REASON_POOL] = { "pool", "a NAT used another external address" },
	[REASON_PREDICTION_MISSED] = { "prediction-missed", "the port was none of those foretold" },
	[REASON_BIRTHDAY_MISSED] = { "birthday-missed", "none of the ports tried was open" },
	[REASON_MAPPING_LIMIT] = { "mapping-limit", "a NAT let no more sockets out" },
	[REASON_RATE_LIMIT] = { "rate-limit", "a network dropped what exceeded its rate" },
	[REASON_NO_HAIRPIN] = { "no-hairpin",
				"both are behind one NAT, which does not turn packets round" },
	[REASON_LOSS] = { "loss", "too many packets were lost" },
	[REASON_TCP_BLOCKED] = { "tcp-blocked", "a network passes no TCP" },
	[REASON_TCP_REFUSED] = { "tcp-refused", "connections were refused" },
	[REASON_TCP_FILTERED] = { "tcp-filtered", "connections met silence" },
	[REASON_TCP_NO_SIMULTANEOUS_OPEN] = { "tcp-no-simultaneous-open",
					      "a NAT drops a SYN that meets one of its own" },
	[REASON_NO_PORT_MAPPING] = { "no-port-mapping", "no gateway opened a port that helps" },
	[REASON_NO_RELAY] = { "no-relay", "there is no relay that can be reached" },
	[REASON_RELAY_DENIED] = { "relay-denied", "the relay refused to relay to the other side" },
};

const char *punch_strategy_word(enum punch_strategy s)
{
	return strategies[s < PUNCH_STRATEGIES ? s : PUNCH_NONE].word;
}

const char *punch_strategy_text(enum punch_strategy s)
{
	return strategies[s < PUNCH_STRATEGIES ? s : PUNCH_NONE].text;
}

enum punch_strategy punch_strategy_find(const char *word)
{
	size_t i;

	for (i = PUNCH_DIRECT; i < PUNCH_STRATEGIES; i++) {
		if (strcmp(strategies[i].word, word) == 0)
			return (enum punch_strategy)i;
	}
	return PUNCH_NONE;
}

const char *punch_reason_word(enum punch_reason r)
{
	return reasons[r < PUNCH_REASONS ? r : REASON_UNSURE].word;
}

const char *punch_reason_text(enum punch_reason r)
{
	return reasons[r < PUNCH_REASONS ? r : REASON_UNSURE].text;
}

#include "relay_result.h"

#include <stdio.h>

const char *relay_verdict_word(uint8_t verdict)
{
	static const char *const words[RELAY_VERDICTS] = {
		[RELAY_WORKS] = "works",         [RELAY_PARTLY] = "partly",
		[RELAY_FAILS] = "fails",         [RELAY_NO_ANSWER] = "no-answer",
		[RELAY_NOT_TRIED] = "not-tried", [RELAY_INCONCLUSIVE] = "inconclusive",
	};

	return verdict < RELAY_VERDICTS ? words[verdict] : "unknown";
}

const char *relay_path_word(uint8_t state)
{
	static const char *const words[] = { "not-tried", "denied", "silent", "passes",
					     "elsewhere" };

	return state < ARRAY_LEN(words) ? words[state] : "unknown";
}

static const struct {
	const char *word, *text, *remedy;
} findings[RELAY_FOUND_KINDS] = {
	[RELAY_FOUND_DIAL] = { "no-connection", "", "" },
	[RELAY_FOUND_CLIENT] = { "no-allocation", "", "" },
	[RELAY_FOUND_EXPIRED] = { "credentials-expired", "these credentials have expired",
				  "get new ones; if they are new, set this host's clock or that of "
				  "what made them" },
	[RELAY_FOUND_SECOND] = { "one-allocation-only", "a second allocation is refused", "" },
	[RELAY_FOUND_OPEN] = { "open-relay",
			       "it relays for anybody, without asking who it is: strangers will "
			       "send through it under its address",
			       "let the server want credentials" },
	[RELAY_FOUND_PRIVATE] = { "private-relay-address",
				  "the relayed address is one that peers on the Internet cannot "
				  "reach",
				  "set the server's public address (turnd: relay-address = LOCAL "
				  "public PUBLIC; coturn: external-ip)" },
	[RELAY_FOUND_ELSEWHERE] = { "wrong-public-address",
				    "what it relays comes from another address than it announces",
				    "correct the server's public address; it has to be the one "
				    "that its packets really come from" },
	[RELAY_FOUND_DENIED] = { "peer-denied",
				 "it does not relay to its own relayed addresses: two clients "
				 "that both need this relay cannot talk to each other",
				 "let its peer policy allow its own relay addresses" },
	[RELAY_FOUND_NO_LOOP] = { "no-relay-to-relay",
				  "it relays to others, but packets to its own relayed addresses "
				  "are "
				  "lost: two clients that both need this relay cannot talk to each "
				  "other",
				  "let the network of the server bring packets for its public "
				  "address back to it (hairpin), or give it that address itself" },
	[RELAY_FOUND_NOTHING_COMES] = { "nothing-relayed",
					"an allocation is given, and nothing that is sent to the "
					"relayed address arrives",
					"open the server's range of relay ports (UDP, as a rule "
					"49152 to 65535) in its firewall, and check the public "
					"address that it announces" },
	[RELAY_FOUND_CLOSED_RANGE] = { "relay-range-closed",
				       "packets from outside do not reach the relayed address",
				       "open the server's range of relay ports (UDP, as a rule "
				       "49152 "
				       "to 65535) in its firewall; a firewall at this end that "
				       "lets "
				       "out to few ports looks the same" },
	[RELAY_FOUND_NO_WAY_OUT] = { "no-way-out",
				     "packets from the relayed address do not reach this host, "
				     "while those to it arrive",
				     "let the server's firewall pass UDP from its relay ports" },
	[RELAY_FOUND_HALF_LOOP] = { "one-way", "packets are relayed in one direction only",
				    "check the server's firewall for both allocations' ports" },
	[RELAY_FOUND_LOSS] = { "loss", "packets are lost on the way",
			       "look for a busy link, or a limit to bandwidth in the server" },
	[RELAY_FOUND_TIMEOUT] = { "out-of-time", "the time was up before all was tried",
				  "give it more with --timeout" },
	[RELAY_FOUND_SELF_DENIED] = { "own-address-denied",
				      "it does not relay to our own address, so whether others "
				      "reach the relay from outside could not be tried",
				      "try from a host whose address the server's policy allows" },
	[RELAY_FOUND_NO_CONTROL] = { "no-udp-here",
				     "UDP between this host and the server has no answer at all, "
				     "so "
				     "whether others reach the relay from outside is not known",
				     "try from a network that lets UDP pass" },
};

const char *relay_finding_word(uint8_t kind)
{
	return kind < RELAY_FOUND_KINDS ? findings[kind].word : "unknown";
}

double relay_loss(uint32_t sent, uint32_t arrived)
{
	return sent == 0 || arrived >= sent ? 0 : (double)(sent - arrived) / sent;
}

/* What a stranger says is shown as far as it is printable ASCII. */
static void put_quoted(char *to, size_t cap, const char *text, const char *stranger)
{
	char safe[TURN_CLIENT_REASON_MAX + 1];
	size_t i = 0;

	for (; stranger[i] != '\0' && i + 1 < sizeof(safe); i++)
		safe[i] = stranger[i] >= ' ' && stranger[i] <= '~' ? stranger[i] : '?';
	safe[i] = '\0';
	(void)snprintf(to, cap, i > 0 ? "%s (%s)" : "%s", text, safe);
}

static void put_client(char *to, size_t cap, const struct turn_client_failure *f)
{
	char code[8 + TURN_CLIENT_REASON_MAX + 1] = "";

	if (f->code != 0)
		(void)snprintf(code, sizeof(code), "%u%s%s", f->code, f->reason[0] ? " " : "",
			       f->reason);
	put_quoted(to, cap, turn_client_failure_text(f), code);
}

/* The code with which a peer was denied; 0: it is not about that. */
static uint16_t denial_of(const struct relay_result *r, const struct relay_finding *f)
{
	if (f->kind == RELAY_FOUND_SELF_DENIED)
		return r->in.code;
	if (f->kind != RELAY_FOUND_DENIED)
		return 0;
	return r->families[f->family == ADDR_IPV6 ? RELAY_IPV6 : RELAY_IPV4].loop.code;
}

/* The address that it is about, and what the server said of it. */
static void put_about(char *to, size_t cap, const struct relay_result *r,
		      const struct relay_finding *f)
{
	uint16_t code = denial_of(r, f);
	char addr[ADDR_TEXT_MAX];

	to[0] = '\0';
	if (f->addr.family == ADDR_NONE)
		return;
	(void)addr_print(&f->addr, addr);
	if (code != 0)
		(void)snprintf(to, cap, "%s: %u", addr, code);
	else
		(void)snprintf(to, cap, "%s", addr);
}

const char *relay_finding_text(const struct relay_result *r, const struct relay_finding *f,
			       char buf[static RELAY_TEXT_MAX])
{
	char text[ADDR_TEXT_MAX + 8], client[RELAY_TEXT_MAX / 2];

	if (f->kind == RELAY_FOUND_DIAL || (f->kind == RELAY_FOUND_CLIENT && r->dial.cause != 0)) {
		put_quoted(buf, RELAY_TEXT_MAX, dial_cause_text(r->dial.cause), r->dial.detail);
		return buf;
	}
	if (f->kind == RELAY_FOUND_CLIENT) {
		put_client(buf, RELAY_TEXT_MAX, &r->client);
		return buf;
	}
	if (f->kind == RELAY_FOUND_SECOND) {
		put_client(client, sizeof(client), &r->client);
		(void)snprintf(buf, RELAY_TEXT_MAX, "%s: %s", findings[f->kind].text, client);
		return buf;
	}
	put_about(text, sizeof(text), r, f);
	put_quoted(buf, RELAY_TEXT_MAX, findings[f->kind].text, text);
	return buf;
}

const char *relay_finding_remedy(const struct relay_result *r, const struct relay_finding *f,
				 char buf[static RELAY_TEXT_MAX])
{
	const char *remedy = findings[f->kind].remedy;

	if (f->kind == RELAY_FOUND_DIAL || (f->kind == RELAY_FOUND_CLIENT && r->dial.cause != 0))
		remedy = dial_cause_remedy(r->dial.cause);
	else if (f->kind == RELAY_FOUND_CLIENT || f->kind == RELAY_FOUND_SECOND)
		remedy = turn_client_failure_remedy(&r->client);
	(void)snprintf(buf, RELAY_TEXT_MAX, "%s", remedy);
	return buf;
}

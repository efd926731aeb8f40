/*
 * attack - does to a TURN server what attackers do, and says what it should not have allowed.
 *
 *	attack allocate SERVER USER PASSWORD    a user, to compare: allocates, and deletes
 *	attack probe SERVER USER PASSWORD       what leaks; methods without credentials; transports;
 *	                                        peers; channel data that lies about its length
 *	attack connect SERVER USER PASSWORD     peers, by TCP
 *	attack own SERVER USER PASSWORD ADDRESS...      ports of the server, or one, by UDP; "relay"
 *	                                        before an ADDRESS: it relays from there
 *	attack own-tcp SERVER USER PASSWORD ADDRESS...  the same by TCP
 *	attack guess SERVER USER NETWORK        a dictionary from one source, and from many: those of
 *	                                        NETWORK (a.b.0.0), all of them this host's
 *	attack hold SERVER USER PASSWORD PEER CODE      allocates, asks for PEER and is told CODE,
 *	                                        prints where peers send to, waits for the end
 *	                                        of its input, and prints how many messages came
 *	attack relay SERVER USER PASSWORD PEER COUNT    sends so many datagrams to an honest peer, so
 *	                                        that a listener is seen to listen
 *	attack say FROM:PORT TO:PORT            a datagram, by no relay
 *
 * "allocate" prints how often its requests had to be sent at most. Exit status: 0 when there is
 * nothing to say, 1 with findings, 2 for anything else.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "clock.h"

#define GUESSES       1000
#define GUESSERS      100
#define GUESS_MS      20 /* for the last answers to one of them */
#define ERROR_RATE    30 /* of turnd by default, per second */
#define ERROR_BURST   200
#define LIES          1000
#define LIE           "\x40\x01\x8a\xb6xyz" /* 35510 bytes, it says */
#define LAST_MS       300                   /* for what is under way */
#define CHANNEL_FIRST 0x4000
#define CHANNEL_LAST  0x7fff

void attack_found(struct attack *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FOUND: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	a->findings++;
}

static void give_up(const char *what)
{
	(void)fprintf(stderr, "attack: %s\n", what);
	exit(2);
}

void attack_connect(struct attack *a, struct raw_client *c, uint8_t transport)
{
	c->user = a->user;
	c->password = a->password;
	if (!raw_open(c, transport, &a->local, &a->server))
		give_up("no way to the server");
	if (raw_challenge(c) != 401)
		give_up("the server does not ask for credentials");
}

void attack_allocate(struct attack *a, struct raw_client *c, uint8_t transport, uint8_t protocol,
		     uint8_t family)
{
	struct bytes value;

	attack_connect(a, c, transport);
	(void)stun_attr_put_u8(raw_request(c, TURN_ALLOCATE), STUN_ATTR_REQUESTED_TRANSPORT,
			       protocol);
	(void)stun_attr_put_u8(&c->b, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, family);
	if (raw_ask(c) != 0 || !stun_msg_find(&c->answer, STUN_ATTR_XOR_RELAYED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &c->answer.tid, &c->relayed) != STUN_OK)
		give_up("no allocation");
}

void attack_delete(struct raw_client *c)
{
	(void)stun_attr_put_u32(raw_request(c, TURN_REFRESH), STUN_ATTR_LIFETIME, 0);
	(void)raw_ask(c);
	raw_close(c);
}

static int allocate(struct attack *a)
{
	static struct raw_client c;
	uint16_t code;
	int sends;

	attack_connect(a, &c, STUN_UDP);
	sends = c.sends;
	code = raw_allocate(&c, ATTACK_UDP);
	if (code != 0) {
		printf("Allocate: %u\n", code);
		return 1;
	}
	sends = c.sends > sends ? c.sends : sends;
	attack_delete(&c);
	printf("%d\n", c.sends > sends ? c.sends : sends);
	return 0;
}

static bool is_expected(uint16_t type)
{
	return type == STUN_ATTR_XOR_MAPPED_ADDRESS || type == STUN_ATTR_ERROR_CODE ||
	       type == STUN_ATTR_REALM || type == STUN_ATTR_NONCE ||
	       type == STUN_ATTR_PASSWORD_ALGORITHMS;
}

/* An answer to a stranger tells the realm, and nothing else of the server. */
static void look_for_leaks(struct attack *a, const struct raw_client *c, const char *what)
{
	struct stun_walk walk = stun_msg_walk(&c->answer);
	struct stun_attr attr;

	while (stun_walk_next(&walk, &attr)) {
		if (!is_expected(attr.type))
			attack_found(a, "attribute 0x%04x in an answer to %s", attr.type, what);
	}
}

static void probe_leaks(struct attack *a)
{
	static const uint8_t transports[] = { STUN_UDP, STUN_TCP };
	static struct raw_client c;

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		attack_connect(a, &c, transports[i]);
		look_for_leaks(a, &c, "Allocate");
		(void)raw_request(&c, STUN_BINDING);
		if (raw_ask_unsigned(&c) != 0)
			give_up("no answer to Binding");
		look_for_leaks(a, &c, "Binding");
		raw_close(&c);
	}
}

static void probe_anonymous(struct attack *a)
{
	static struct raw_client c;
	const struct addr peer = addr_ipv4(91, 90, 0, 1, 80);

	attack_connect(a, &c, STUN_UDP);
	c.challenged = false;
	for (uint16_t method = TURN_ALLOCATE; method <= TURN_CHANNEL_BIND; method++) {
		(void)stun_attr_put_u8(raw_request(&c, method), STUN_ATTR_REQUESTED_TRANSPORT,
				       ATTACK_UDP);
		(void)stun_attr_put_xor_addr(&c.b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		(void)stun_attr_put_u32(&c.b, STUN_ATTR_CHANNEL_NUMBER, 0x40010000);
		if (method != TURN_SEND && method != TURN_DATA && method != 5 &&
		    raw_ask_unsigned(&c) != 401)
			attack_found(a, "method %u without credentials", method);
	}
	raw_close(&c);
}

static void probe_transports(struct attack *a)
{
	static struct raw_client c;

	attack_connect(a, &c, STUN_UDP);
	for (unsigned int transport = 0; transport < 256; transport++) {
		uint16_t code;

		if (transport == ATTACK_UDP)
			continue;
		code = raw_allocate(&c, (uint8_t)transport);
		/* RFC 6062, section 5.1: TCP is for clients that come by TCP. */
		if (code != 442 && (transport != ATTACK_TCP || code != 400))
			attack_found(a, "transport %u: %u, not 442", transport, code);
	}
	raw_close(&c);
}

/* All that comes back is counted: there should be nothing, since nothing was sent anywhere. */
static void count_echoes(struct attack *a, struct raw_client *c, const char *what)
{
	unsigned int heard = 0;

	while (raw_hear(c, 100))
		heard++;
	if (heard > 0)
		attack_found(a, "%u answers to %s", heard, what);
}

static void probe_channels(struct attack *a)
{
	static struct raw_client c;

	attack_allocate(a, &c, STUN_UDP, ATTACK_UDP, 1);
	for (uint32_t number = CHANNEL_FIRST; number <= CHANNEL_LAST; number++) {
		uint8_t data[8] = {
			(uint8_t)(number >> 8), (uint8_t)number, 0, 4, 'h', 'e', 'l', 'o'
		};

		(void)raw_send(&c, bytes_of(data, sizeof(data)));
	}
	count_echoes(a, &c, "channels that nobody bound");
	attack_delete(&c);
}

/* On a channel that is bound, so that the length is all that is wrong. */
static void probe_lies(struct attack *a, const struct addr *peer)
{
	static struct raw_client c;

	attack_allocate(a, &c, STUN_UDP, ATTACK_UDP, 1);
	(void)stun_attr_put_u32(raw_request(&c, TURN_CHANNEL_BIND), STUN_ATTR_CHANNEL_NUMBER,
				0x40010000);
	(void)stun_attr_put_xor_addr(&c.b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	if (raw_ask(&c) != 0)
		give_up("no channel to an honest peer");
	for (int i = 0; i < LIES; i++)
		(void)raw_send(&c, BYTES(LIE));
	count_echoes(a, &c, "channel data longer than they are");
	attack_delete(&c);
}

static int probe(struct attack *a)
{
	const struct addr honest = addr_ipv4(91, 90, 0, 1, 9);

	probe_leaks(a);
	probe_anonymous(a);
	probe_transports(a);
	probe_channels(a);
	probe_lies(a, &honest);
	attack_peers(a);
	return 0;
}

static int connect_peers(struct attack *a)
{
	attack_peers_by_tcp(a);
	return 0;
}

static int own(struct attack *a, char **args, uint8_t protocol)
{
	bool is_relay = false;
	struct addr address;

	for (; *args != NULL; args++) {
		if (strcmp(*args, "relay") == 0) {
			is_relay = true;
			continue;
		}
		if (!addr_parse(*args, 0, &address))
			give_up("no address");
		attack_own(a, &address, is_relay, protocol);
		is_relay = false;
	}
	return 0;
}

static void send_guess(struct raw_client *c, int number)
{
	char password[32];

	snprintf(password, sizeof(password), "password%d", number);
	raw_become(c, c->user, bytes_of_str(password));
	(void)stun_attr_put_u8(raw_request(c, TURN_ALLOCATE), STUN_ATTR_REQUESTED_TRANSPORT,
			       ATTACK_UDP);
	raw_sign(c);
	(void)raw_send_built(c);
}

/* How many guesses of `sources` clients are answered, from addresses 1, 2 and so on. */
static unsigned int guess(struct attack *a, unsigned int sources, uint8_t net)
{
	static struct raw_client c;
	unsigned int answered = 0;

	for (unsigned int i = 0; i < sources; i++) {
		a->local.ip[2] = net;
		a->local.ip[3] = (uint8_t)(i + 1);
		attack_connect(a, &c, STUN_UDP);
		for (unsigned int n = 0; n < GUESSES / sources; n++) {
			send_guess(&c, (int)n);
			while (raw_hear(&c, n + 1 == GUESSES / sources ? GUESS_MS : 0))
				answered++;
		}
		raw_close(&c);
	}
	return answered;
}

static void judge_guesses(struct attack *a, const char *what, unsigned int sources, uint8_t net)
{
	uint64_t begun_ms = clock_ms();
	unsigned int answered = guess(a, sources, net);
	uint64_t allowed = ERROR_BURST + (clock_ms() - begun_ms + 1000) * ERROR_RATE / 1000;

	if (answered > allowed)
		attack_found(a, "%s: %u of %d guesses answered", what, answered, GUESSES);
}

static int guesses(struct attack *a, const char *network)
{
	if (!addr_parse_ip(network, 0, &a->local))
		give_up("no network");
	judge_guesses(a, "a dictionary from one source", 1, 1);
	a->user = BYTES("bob"); /* who has no account here */
	judge_guesses(a, "a dictionary from many sources", GUESSERS, 2);
	return 0;
}

static void permit(struct raw_client *c, const char *peer, uint16_t want)
{
	struct addr address;

	if (!addr_parse(peer, 9, &address))
		give_up("no peer");
	(void)stun_attr_put_xor_addr(raw_request(c, TURN_CREATE_PERMISSION),
				     STUN_ATTR_XOR_PEER_ADDRESS, &address);
	if (raw_ask(c) != want)
		give_up("another answer to CreatePermission");
}

static int hold(struct attack *a, const char *peer, uint16_t want)
{
	static struct raw_client c;
	char text[ADDR_TEXT_MAX];
	unsigned int heard = 0;
	char end;

	attack_allocate(a, &c, STUN_UDP, ATTACK_UDP, peer[0] == '[' ? 2 : 1);
	permit(&c, peer, want);
	printf("%s\n", addr_print(&c.relayed, text));
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	while (raw_hear(&c, LAST_MS))
		heard++;
	printf("%u\n", heard);
	attack_delete(&c);
	return 0;
}

static int relay(struct attack *a, const char *peer, int count)
{
	static struct raw_client c;
	struct addr to;

	if (!addr_parse(peer, 9, &to))
		give_up("no peer");
	attack_allocate(a, &c, STUN_UDP, ATTACK_UDP, to.family == ADDR_IPV6 ? 2 : 1);
	permit(&c, peer, 0);
	/* Each is longer than the one before, so that none leaves together with another (UDP_SEGMENT):
	 * who watches an interface counts such a bundle as one. */
	for (int i = 0; i < count; i++) {
		static const uint8_t data[64];

		(void)stun_attr_put_bytes(raw_indication(&c, TURN_SEND), STUN_ATTR_DATA,
					  bytes_of(data, (size_t)i % sizeof(data) + 1));
		(void)stun_attr_put_xor_addr(&c.b, STUN_ATTR_XOR_PEER_ADDRESS, &to);
		(void)raw_send_built(&c);
		/* Each for itself: several at once may count as one packet on their way. */
		(void)raw_request(&c, STUN_BINDING);
		if (raw_ask_unsigned(&c) != 0)
			give_up("no answer to Binding");
	}
	attack_delete(&c);
	return 0;
}

static int say(const char *from, const char *to)
{
	static struct raw_client c;
	struct addr local, remote;

	if (!addr_parse(from, 9, &local) || !addr_parse(to, 9, &remote) ||
	    !raw_open(&c, STUN_UDP, &local, &remote) || !raw_send(&c, BYTES("attack")))
		give_up("nothing said");
	return 0;
}

static int run(struct attack *a, const char *command, int count, char **args)
{
	if (strcmp(command, "allocate") == 0)
		return allocate(a);
	if (strcmp(command, "probe") == 0)
		return probe(a);
	if (strcmp(command, "connect") == 0)
		return connect_peers(a);
	if (strcmp(command, "own") == 0)
		return own(a, args, ATTACK_UDP);
	if (strcmp(command, "own-tcp") == 0)
		return own(a, args, ATTACK_TCP);
	if (strcmp(command, "guess") == 0)
		return guesses(a, (const char *)a->password.data);
	if (strcmp(command, "hold") == 0 && count == 2)
		return hold(a, args[0], (uint16_t)strtoul(args[1], NULL, 10));
	if (strcmp(command, "relay") == 0 && count == 2)
		return relay(a, args[0], (int)strtol(args[1], NULL, 10));
	give_up("no such command");
	return 2;
}

int main(int argc, char **argv)
{
	struct attack a = { .user = BYTES("") };
	int rc;

	if (argc == 4 && strcmp(argv[1], "say") == 0)
		return say(argv[2], argv[3]);
	if (argc < 5 || !addr_parse(argv[2], 3478, &a.server))
		give_up("usage: attack COMMAND SERVER USER PASSWORD [WORD...]");
	a.user = bytes_of_str(argv[3]);
	a.password = bytes_of_str(argv[4]);
	rc = run(&a, argv[1], argc - 5, argv + 5);
	return rc == 0 && a.findings > 0 ? 1 : rc;
}

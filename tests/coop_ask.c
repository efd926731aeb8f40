/*
 * coop_ask - gives a cooperating server an order, for tests, and tells what comes of it.
 *
 *	coop_ask ADDRESS:PORT [KEY=VALUE...]
 *
 *	from=ADDRESS[:PORT]  leave from there           time=MS      how long to look; 500
 *	kind=answer|connect|icmp|none                   copies=N     send the order so often; 1
 *	flags=port,ip,quiet,df,fragments,reversed,any   token=none   do not ask for one first
 *	count= delay= gap= size= port= wait= id=        token=HEX    use this one
 *	pad=N                make the order so long     listen=PORT  accept a connection there
 *	sniff=IFACE          show fragments that arrive there (needs root)
 *
 * Prints a line for each thing that came:
 *	token HEX
 *	WORD id=.. kind=.. index=.. icmp=T/C elapsed=MS received=N len=N from=ADDRESS:PORT ms=..
 *	icmp T/C             about what we sent
 *	accepted ADDRESS:PORT
 *	fragment offset=N more=0|1
 *
 * Exit status: 0, 1 where no token came, 2 for anything else.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "coop.h"
#include "sockaddr.h"
#include "udp.h"

#define TOKEN_WAIT_MS 1000

struct ask {
	struct addr server, from;
	struct coop_order order;
	struct coop_token token;
	struct stun_tid tid;
	bool has_order, wants_token;
	unsigned long time_ms, copies, pad;
	uint16_t listen_port;
	const char *sniff;
	int udp, tcp, packets;
	uint64_t sent_ms;
	uint8_t buf[65536];
};

static int die(const char *what)
{
	(void)fprintf(stderr, "coop_ask: %s: %s\n", what, strerror(errno));
	return 2;
}

static bool has_prefix(const char *text, const char *key, const char **value)
{
	size_t len = strlen(key);

	if (strncmp(text, key, len) != 0 || text[len] != '=')
		return false;
	*value = text + len + 1;
	return true;
}

static uint16_t flags_of(const char *words)
{
	static const char *const names[] = { "port",      "ip",       "quiet", "df",
					     "fragments", "reversed", "any" };
	uint16_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strstr(words, names[i]) != NULL)
			flags |= (uint16_t)(1u << i);
	}
	return flags;
}

static void set_kind(struct ask *a, const char *v)
{
	a->has_order = strcmp(v, "none") != 0;
	a->order.kind = strcmp(v, "connect") == 0 ? COOP_CONNECT
			: strcmp(v, "icmp") == 0  ? COOP_ICMP
						  : COOP_ANSWER;
}

static void set_token(struct ask *a, const char *v)
{
	unsigned int byte;

	a->wants_token = false;
	for (size_t i = 0; i < COOP_TOKEN_LEN && sscanf(v, "%2x", &byte) == 1; i++, v += 2)
		a->token.bytes[i] = (uint8_t)byte;
}

static bool set_number(struct ask *a, const char *word)
{
	struct coop_order *o = &a->order;
	const char *v;

	if (has_prefix(word, "count", &v))
		o->count = (uint8_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "delay", &v))
		o->delay_ms = (uint32_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "gap", &v))
		o->gap_ms = (uint16_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "size", &v))
		o->size = (uint16_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "port", &v))
		o->port = (uint16_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "wait", &v))
		o->wait_ms = (uint16_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "id", &v))
		o->id = (uint16_t)strtoul(v, NULL, 10);
	else if (has_prefix(word, "time", &v))
		a->time_ms = strtoul(v, NULL, 10);
	else if (has_prefix(word, "copies", &v))
		a->copies = strtoul(v, NULL, 10);
	else if (has_prefix(word, "pad", &v))
		a->pad = strtoul(v, NULL, 10);
	else if (has_prefix(word, "listen", &v))
		a->listen_port = (uint16_t)strtoul(v, NULL, 10);
	else
		return false;
	return true;
}

static bool set(struct ask *a, const char *word)
{
	const char *v;

	if (has_prefix(word, "from", &v))
		return addr_parse(v, 0, &a->from);
	if (has_prefix(word, "kind", &v))
		set_kind(a, v);
	else if (has_prefix(word, "flags", &v))
		a->order.flags = flags_of(v);
	else if (has_prefix(word, "token", &v))
		set_token(a, v);
	else if (has_prefix(word, "sniff", &v))
		a->sniff = v;
	else
		return set_number(a, word);
	return true;
}

static int open_tcp(const struct ask *a)
{
	struct addr local = addr_with_port(&a->from, a->listen_port);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&local, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, 8) != 0)
		return -1;
	return fd;
}

static int open_packets(const struct ask *a)
{
	const uint16_t proto = htons(a->server.family == ADDR_IPV6 ? 0x86dd : 0x0800);
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = proto };
	int fd = socket(AF_PACKET, SOCK_DGRAM, proto);

	at.sll_ifindex = (int)if_nametoindex(a->sniff);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return fd;
}

static bool open_all(struct ask *a)
{
	const struct udp_options options = { .want_errors = true };

	a->from.family = a->server.family;
	a->udp = udp_open(&a->from, &options, NULL);
	a->tcp = a->listen_port != 0 ? open_tcp(a) : -1;
	a->packets = a->sniff != NULL ? open_packets(a) : -1;
	return a->udp >= 0 && (a->tcp >= 0 || a->listen_port == 0) &&
	       (a->packets >= 0 || a->sniff == NULL);
}

static bool tell(struct ask *a, const struct coop_order *order, size_t pad)
{
	struct bytes request = coop_request(&a->tid, &a->token, order, pad, a->buf, 4096);
	struct udp_dgram d = { .data = request, .peer = a->server };
	bool has_errors;

	return request.len > 0 && udp_send_one(a->udp, &d, &has_errors) == 0;
}

static void print_token(const struct coop_token *t)
{
	printf("token ");
	for (size_t i = 0; i < COOP_TOKEN_LEN; i++)
		printf("%02x", t->bytes[i]);
	printf("\n");
}

static void print_report(const struct ask *a, const struct coop_answer *got, size_t len,
			 const struct addr *from)
{
	const struct coop_report *r = &got->report;
	char text[ADDR_TEXT_MAX];

	printf("%s id=%u kind=%u index=%u icmp=%u/%u elapsed=%u received=%u len=%zu from=%s "
	       "ms=%llu\n",
	       coop_outcome_name(r->outcome), r->id, r->kind, r->index, r->icmp_type, r->icmp_code,
	       r->elapsed_ms, r->received, len, addr_print(from, text),
	       (unsigned long long)(clock_ms() - a->sent_ms));
}

/* Returns false where it is no answer to what was asked. */
static bool read_udp(struct ask *a, struct coop_answer *got, size_t *len, struct addr *from)
{
	struct udp_dgram d;
	struct stun_msg m;

	if (udp_recv_one(a->udp, a->buf, sizeof(a->buf), &d) != 1 ||
	    stun_msg_parse(d.data, &m) != STUN_OK || !stun_tid_equal(&m.tid, &a->tid))
		return false;
	*len = d.data.len;
	*from = d.peer;
	return coop_read_answer(&m, got);
}

static void on_udp(struct ask *a)
{
	struct coop_answer got;
	struct udp_error e;
	struct addr from;
	size_t len;

	while (udp_recv_error(a->udp, &e) == 1)
		printf("icmp %u/%u\n", e.type, e.code);
	if (!read_udp(a, &got, &len, &from))
		return;
	if (got.has_report)
		print_report(a, &got, len, &from);
}

static void on_tcp(struct ask *a)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr from;
	char text[ADDR_TEXT_MAX];
	int fd = accept(a->tcp, (struct sockaddr *)&sa, &len);

	if (fd < 0 || !sockaddr_to_addr((struct sockaddr *)&sa, &from))
		return;
	printf("accepted %s\n", addr_print(&from, text));
	close(fd);
}

static void on_packet(struct ask *a)
{
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(a->packets, a->buf, sizeof(a->buf), 0, (struct sockaddr *)&from,
			     &from_len);
	const uint8_t *p = a->buf;
	unsigned int word;

	if (n < 48 || from.sll_pkttype == PACKET_OUTGOING)
		return;
	if (p[0] >> 4 == 4) {
		word = (unsigned int)p[6] << 8 | p[7];
		if ((word & 0x3fff) != 0)
			printf("fragment offset=%u more=%u\n", (word & 0x1fff) * 8, word >> 13 & 1);
	} else if (p[6] == 44) {
		word = (unsigned int)p[42] << 8 | p[43];
		printf("fragment offset=%u more=%u\n", word & 0xfff8, word & 1);
	}
}

static void look(struct ask *a)
{
	uint64_t until = clock_ms() + a->time_ms;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = a->udp, .events = POLLIN },
			{ .fd = a->tcp, .events = POLLIN },
			{ .fd = a->packets, .events = POLLIN },
		};
		uint64_t now = clock_ms();

		if (now >= until || poll(fds, ARRAY_LEN(fds), (int)(until - now)) <= 0)
			return;
		if (fds[0].revents != 0)
			on_udp(a);
		if (fds[1].revents != 0)
			on_tcp(a);
		if (fds[2].revents != 0)
			on_packet(a);
		(void)fflush(stdout);
	}
}

static bool draw_tid(struct ask *a)
{
	uint8_t random[12];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	a->tid = stun_tid_make(random);
	return true;
}

static bool get_token(struct ask *a)
{
	struct pollfd fd = { .fd = a->udp, .events = POLLIN };
	struct coop_answer got;
	struct addr from;
	size_t len;

	if (!draw_tid(a) || !tell(a, NULL, 0) || poll(&fd, 1, TOKEN_WAIT_MS) != 1 ||
	    !read_udp(a, &got, &len, &from) || !got.has_token)
		return false;
	a->token = got.token;
	print_token(&got.token);
	return true;
}

int main(int argc, char **argv)
{
	static struct ask a = { .wants_token = true,
				.has_order = true,
				.time_ms = 500,
				.copies = 1,
				.order = { .kind = COOP_ANSWER, .count = 1, .id = 1 } };

	if (argc < 2 || !addr_parse(argv[1], 3478, &a.server))
		return die("ADDRESS:PORT");
	for (int i = 2; i < argc; i++) {
		if (!set(&a, argv[i]))
			return die(argv[i]);
	}
	if (!open_all(&a))
		return die("cannot open a socket");
	if (a.wants_token && !get_token(&a)) {
		puts("no token");
		return 1;
	}
	if (!a.has_order)
		return 0;
	if (!draw_tid(&a))
		return die("no randomness");
	a.sent_ms = clock_ms();
	for (unsigned long i = 0; i < a.copies; i++) {
		if (!tell(&a, &a.order, a.pad))
			return die("cannot send");
	}
	look(&a);
	return 0;
}

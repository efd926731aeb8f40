#include "sim_parts.h"

#include "sim_trace.h"
#include "stun_attr.h"

static void print_time(FILE *out, uint64_t at_us)
{
	fprintf(out, "%11.3f ms  ", ((double)at_us - SIM_START_US) / 1000);
}

static void print_addr(FILE *to, struct stun_msg *msg, enum stun_attr_type type, const char *name)
{
	char text[ADDR_TEXT_MAX];
	struct bytes value;
	struct addr a;

	if (!stun_msg_find(msg, (uint16_t)type, &value))
		return;
	if (type == STUN_ATTR_XOR_MAPPED_ADDRESS
		    ? stun_attr_get_xor_addr(value, &msg->tid, &a) != STUN_OK
		    : stun_attr_get_addr(value, &a) != STUN_OK)
		return;
	fprintf(to, ", %s %s", name, addr_print(&a, text));
}

static void print_stun(FILE *to, struct bytes data)
{
	struct stun_change change = { 0 };
	struct stun_msg msg;
	struct bytes value;

	if (stun_msg_parse(data, &msg) != STUN_OK) {
		fprintf(to, ", %zu bytes", data.len);
		return;
	}
	fprintf(to, ", STUN %s %02x%02x", stun_class_name(msg.class), msg.tid.bytes[4],
		msg.tid.bytes[5]);
	if (stun_msg_find(&msg, STUN_ATTR_CHANGE_REQUEST, &value) &&
	    stun_attr_get_change(value, &change) == STUN_OK)
		fprintf(to, "%s%s", change.address ? ", change address" : "",
			change.port ? ", change port" : "");
	print_addr(to, &msg, STUN_ATTR_XOR_MAPPED_ADDRESS, "mapped");
	print_addr(to, &msg, STUN_ATTR_OTHER_ADDRESS, "other");
}

static void print_flags(FILE *to, uint8_t flags)
{
	fprintf(to, ", TCP%s%s%s%s", (flags & PACKET_SYN) != 0 ? " SYN" : "",
		(flags & PACKET_ACK) != 0 ? " ACK" : "", (flags & PACKET_FIN) != 0 ? " FIN" : "",
		(flags & PACKET_RST) != 0 ? " RST" : "");
}

void sim_trace_print_packet(FILE *out, uint64_t now_us, const char *what, size_t who,
			    struct bytes packet)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	struct packet p;

	print_time(out, now_us);
	fprintf(out, "%s %zu: ", what, who);
	if (!packet_parse(packet, &p)) {
		fprintf(out, "no packet\n");
		return;
	}
	fprintf(out, "%s > %s", addr_print(&p.source, from), addr_print(&p.destination, to));
	if (p.kind == PACKET_SEGMENT)
		print_flags(out, p.tcp_flags);
	else if (p.kind != PACKET_DATAGRAM)
		fprintf(out, ", ICMP type %u code %u", p.icmp_type, p.icmp_code);
	if (p.data.len > 0)
		print_stun(out, p.data);
	fputc('\n', out);
}

void sim_trace_packet(const struct sim_world *w, const char *what, size_t who, struct bytes packet)
{
	if (w->config->trace != NULL)
		sim_trace_print_packet(w->config->trace, w->now_us, what, who, packet);
}

void sim_trace_print_decision(FILE *out, size_t layer, const struct nat_event *e)
{
	static const char *const kinds[] = {
		[NAT_EVENT_MAPPED] = "mapped",     [NAT_EVENT_EXPIRED] = "expired",
		[NAT_EVENT_REMOVED] = "removed",   [NAT_EVENT_DROPPED] = "dropped",
		[NAT_EVENT_REMAPPED] = "remapped", [NAT_EVENT_PORTMAP] = "mapped on request"
	};
	char internal[ADDR_TEXT_MAX], external[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	print_time(out, e->now_us);
	fprintf(out, "box %zu: %s from %s (%s): internal %s, external %s, remote %s\n", layer,
		kinds[e->kind], e->side == NAT_INSIDE ? "inside" : "outside", e->why,
		addr_print(&e->internal, internal), addr_print(&e->external, external),
		addr_print(&e->remote, remote));
}

void sim_trace_decision(const struct sim_world *w, size_t layer, const struct nat_event *e)
{
	sim_trace_print_decision(w->config->trace, layer, e);
}

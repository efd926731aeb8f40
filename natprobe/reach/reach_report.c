#include "reach_report.h"

#include "natprobe/map/lease.h"
#include "natprobe/report/report_json_put.h"
#include "natprobe/report/report_text_put.h"

enum report_exit reach_report_exit(const struct reach_report *r)
{
	switch (r->verdict.cause) {
	case REACH_OPEN:
		return EXIT_REACHED;
	case REACH_UNKNOWN:
		return r->verdict.why == REACH_WHY_SILENT ? EXIT_NO_SERVER : EXIT_INCONCLUSIVE;
	case REACH_ARRIVES:
		return EXIT_INCONCLUSIVE;
	default:
		return EXIT_FAILED;
	}
}

static const char *unknown_text(const struct reach_report *r)
{
	switch (r->verdict.why) {
	case REACH_WHY_OTHER:
		return "the server does not cooperate, so nobody can try the port from outside";
	case REACH_WHY_REFUSED:
		return "the server cooperates, but it is too busy, or unable, to try that";
	case REACH_WHY_UNSEEN:
		return "a program has the port, and without root nobody sees what arrives for it";
	default:
		return "no server answers";
	}
}

static const char *further_text(const struct reach_report *r, char buf[static REACH_TEXT_MAX])
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	if (r->facts.external.family == ADDR_NONE)
		return "it does not get through the carrier's NAT that this host is behind (CGN)";
	(void)snprintf(buf, REACH_TEXT_MAX,
		       "%s: the gateway's address outside is %s, and others see %s",
		       r->verdict.further == LEASE_ADDRESS_SHARED
			       ? "a carrier's NAT is in front of the gateway (CGN)"
			       : "another NAT is in front of the gateway (double NAT, or CGN)",
		       addr_print_ip(&r->facts.external, a), addr_print_ip(&r->facts.mapped, b));
	return buf;
}

const char *reach_text_of(const struct reach_report *r, char buf[static REACH_TEXT_MAX])
{
	bool is_udp = r->facts.transport == PORTMAP_UDP;

	switch (r->verdict.cause) {
	case REACH_OPEN:
		return r->facts.is_heard ? "what the server sent arrived at natprobe, in place of "
					   "a program"
					 : "the server connected to the program that has the port";
	case REACH_NOTHING_LISTENS:
		return "the way is open, but no program has the port on this host";
	case REACH_HOST_FIREWALL:
		return "it arrives at this host, and its own firewall keeps it out";
	case REACH_NAT_FILTER:
		return "the NAT in front of this host keeps it out";
	case REACH_CGN:
		return further_text(r, buf);
	case REACH_PATH_FIREWALL:
		return "a firewall on the way keeps it out; there is no NAT";
	case REACH_HOST_OR_NAT:
		return r->verdict.has_nat ? "the firewall of this host or the NAT keeps it out"
					  : "the firewall of this host or one on the way keeps it "
					    "out";
	case REACH_OTHER_HOST:
		return "somebody else answers at that port of our address: the NAT itself, or "
		       "another host behind it";
	case REACH_ARRIVES:
		return is_udp ? "it arrives at this host; whether its firewall lets it through to "
				"the program cannot be seen"
			      : "it arrives at this host";
	default:
		return unknown_text(r);
	}
}

static const char *unknown_remedy(const struct reach_report *r)
{
	switch (r->verdict.why) {
	case REACH_WHY_OTHER:
		return "name a stund that has cooperate = on, with --server";
	case REACH_WHY_REFUSED:
		return "ask again later, or another server";
	case REACH_WHY_UNSEEN:
		return "run this as root, or end the program for the time of the test";
	default:
		return "name another server with --server; natprobe check tells whether UDP is "
		       "blocked";
	}
}

static const char *map_remedy(const struct reach_report *r, char buf[static REACH_TEXT_MAX])
{
	const char *transport = lease_transport_word(r->facts.transport);

	if (r->is_mapped)
		return "natprobe map opened it, and it is not open: the gateway may have "
		       "restarted; "
		       "open it again";
	(void)snprintf(buf, REACH_TEXT_MAX,
		       "natprobe map %u/%s opens it, where the gateway does that; else its "
		       "settings do",
		       r->facts.local.port, transport);
	return buf;
}

const char *reach_remedy_of(const struct reach_report *r, char buf[static REACH_TEXT_MAX])
{
	const char *transport = lease_transport_word(r->facts.transport);

	switch (r->verdict.cause) {
	case REACH_NOTHING_LISTENS:
		return "start the program, and have it listen at all addresses, not at loopback "
		       "alone; --listen has natprobe stand in for it";
	case REACH_HOST_FIREWALL:
		(void)snprintf(buf, REACH_TEXT_MAX,
			       "let %s port %u in, in the firewall of this host", transport,
			       r->facts.local.port);
		return buf;
	case REACH_NAT_FILTER:
	case REACH_OTHER_HOST:
		return map_remedy(r, buf);
	case REACH_CGN:
		return "ask the provider for a public address, use IPv6 or a relay; or open it in "
		       "the box further out, where that is yours";
	case REACH_PATH_FIREWALL:
		return "open it in the firewall of the gateway; over IPv6 natprobe map may do that";
	case REACH_HOST_OR_NAT:
		return "run this as root: then natprobe sees what arrives, and can tell them apart";
	case REACH_ARRIVES:
		return "end the program for the time of the test";
	case REACH_UNKNOWN:
		return unknown_remedy(r);
	default:
		return "";
	}
}

static const char *colour_of(const struct reach_report *r)
{
	switch (reach_report_exit(r)) {
	case EXIT_REACHED:
		return TEXT_GREEN;
	case EXIT_INCONCLUSIVE:
		return TEXT_YELLOW;
	default:
		return TEXT_RED;
	}
}

static void print_who(const struct text *t, const struct reach_report *r)
{
	static const char *const listeners[] = {
		"nobody has that port",
		"natprobe has that port for the test, since no program has",
		"a program has that port",
	};
	char at[ADDR_TEXT_MAX];

	text_label(t, "tried");
	fprintf(t->out, "%s",
		r->facts.mapped.family != ADDR_NONE ? addr_print_ip(&r->facts.mapped, at)
						    : "our address");
	fprintf(t->out, " port %u, by %s\n", r->port, r->server != NULL ? r->server : "nobody");
	text_label(t, "leads to");
	fprintf(t->out, "%s: %s\n", addr_print(&r->facts.local, at), listeners[r->facts.listener]);
	text_label(t, "watched");
	fputs(r->tap_error == 0 ? (r->facts.is_tapped ? "it arrived at the interface\n"
						      : "nothing arrived at the interface\n")
				: "nobody may, which takes root\n",
	      t->out);
}

void reach_text(const struct reach_report *r, const struct report_style *style, FILE *out)
{
	const struct text t = { out, style };
	char title[64], buf[REACH_TEXT_MAX];
	const char *remedy = reach_remedy_of(r, buf);

	(void)snprintf(title, sizeof(title), "%s %u", lease_transport_word(r->facts.transport),
		       r->facts.local.port);
	text_coloured(&t, TEXT_BOLD, title);
	fputs(": ", out);
	text_coloured(&t, colour_of(r), reach_cause_word(r->verdict.cause));
	fputc('\n', out);
	if (style->quiet)
		return;
	if (r->facts.server != REACH_SERVER_SILENT)
		print_who(&t, r);
	if (remedy[0] != '\0') {
		char other[REACH_TEXT_MAX];

		text_label(&t, "problem");
		fprintf(out, "%s\n", reach_text_of(r, other));
		text_label(&t, "remedy");
		fprintf(out, "%s\n", remedy);
		return;
	}
	text_label(&t, "because");
	fprintf(out, "%s\n", reach_text_of(r, buf));
}

bool reach_json(const struct reach_report *r, FILE *out)
{
	static const char *const listeners[] = { "nobody", "natprobe", "program" };
	static const char *const whys[REACH_WHYS] = { NULL, "no-server", "not-cooperating",
						      "refused", "unseen" };
	struct json j = { 0 };
	json_t *doc = json_object();
	char buf[REACH_TEXT_MAX];
	bool is_tcp = r->facts.transport == PORTMAP_TCP;

	json_put(&j, doc, "version", json_integer(REACH_JSON_VERSION));
	json_put(&j, doc, "program", json_string(r->program));
	json_put(&j, doc, "command", json_string("reach"));
	json_put(&j, doc, "exit_code", json_integer((json_int_t)reach_report_exit(r)));
	json_put(&j, doc, "port", json_integer(r->facts.local.port));
	json_put(&j, doc, "transport", json_string(lease_transport_word(r->facts.transport)));
	json_put(&j, doc, "verdict", json_string(reach_cause_word(r->verdict.cause)));
	json_put(&j, doc, "reason", json_text(whys[r->verdict.why]));
	json_put(&j, doc, "text", json_text(reach_text_of(r, buf)));
	json_put(&j, doc, "remedy", json_text(reach_remedy_of(r, buf)));
	json_put(&j, doc, "server", json_text(r->server));
	json_put(&j, doc, "server_address", json_addr(&r->to));
	json_put(&j, doc, "local", json_addr(&r->facts.local));
	json_put(&j, doc, "mapped", json_ip(&r->facts.mapped));
	json_put(&j, doc, "external_port", json_integer(r->port));
	json_put(&j, doc, "opened_by_map", json_boolean(r->is_mapped));
	json_put(&j, doc, "gateway_external", json_ip(&r->facts.external));
	json_put(&j, doc, "listener", json_string(listeners[r->facts.listener]));
	json_put(&j, doc, "heard", json_boolean(r->facts.is_heard));
	json_put(&j, doc, "arrived",
		 r->tap_error == 0 ? json_boolean(r->facts.is_tapped) : json_null());
	json_put(&j, doc, "outcome",
		 is_tcp && r->facts.outcome != 0 ? json_string(coop_outcome_name(r->facts.outcome))
						 : json_null());
	json_put(&j, doc, "elapsed_ms", json_integer((json_int_t)r->elapsed_ms));
	return json_finish(&j, doc, JSON_MANY_LINES, out);
}

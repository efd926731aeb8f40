#include "report.h"

#include <stdio.h>

#include "listen.h"
#include "stats.h"

#define TURND(field)  REPORT_TURND, offsetof(struct turnd_stats, field)
#define LISTEN(field) REPORT_LISTEN, offsetof(struct listen_stats, field)

/* Counters without labels. */
static const struct tally_row rows[] = {
	{ "turnd_allocations", "Allocations now.", METRICS_GAUGE, TURND(allocations) },
	{ "turnd_tcp_peers", "TCP connections to peers now.", METRICS_GAUGE, TURND(tcp_peers) },
	{ "turnd_icmp_total", "ICMP errors about peers passed on to clients.", METRICS_COUNTER,
	  TURND(icmp) },
	{ "turnd_handed_over_total", "Requests that another worker had a part in.", METRICS_COUNTER,
	  LISTEN(handed_over) },
	{ "turnd_truncated_total", "Datagrams dropped since they are longer than any may be.",
	  METRICS_COUNTER, LISTEN(truncated) },
	{ "turnd_unwanted_total", "Messages over a transport that is not served where they came.",
	  METRICS_COUNTER, LISTEN(unwanted) },
	{ "turnd_receive_errors_total", "Reads that the system refused.", METRICS_COUNTER,
	  LISTEN(receive_errors) },
	{ "turnd_send_errors_total", "Datagrams to clients that the system did not take.",
	  METRICS_COUNTER, LISTEN(send_errors) },
	{ "turnd_relay_errors_total", "Datagrams to peers that the system did not take.",
	  METRICS_COUNTER, LISTEN(relay_errors) },
	{ "turnd_client_slow_total",
	  "Messages dropped since a connection had too much waiting, or could not carry them.",
	  METRICS_COUNTER, LISTEN(client_slow) },
	{ "turnd_no_descriptors_total", "Relay sockets refused for want of a file descriptor.",
	  METRICS_COUNTER, LISTEN(no_descriptors) },
};

static const char *method_word(size_t i)
{
	return stats_method_word((enum stats_method)i);
}

static void report_requests(struct metrics *m, const struct tally *t)
{
	metrics_family(m, "turnd_requests_total", METRICS_COUNTER, "Requests, by method.");
	for (size_t i = 0; i < STATS_METHODS; i++)
		metrics_count(m, METRICS_LABELS("method", method_word(i)),
			      tally_sum(t, TURND(requests[i])));
	metrics_family(m, "turnd_successes_total", METRICS_COUNTER,
		       "Requests that were granted, by method.");
	for (size_t i = 0; i < STATS_METHODS; i++)
		metrics_count(m, METRICS_LABELS("method", method_word(i)),
			      tally_sum(t, TURND(successes[i])));
	metrics_family(m, "turnd_errors_total", METRICS_COUNTER, "Error answers, by code.");
	for (size_t i = 0; i < STATS_CODES; i++) {
		char code[8] = "other";

		if (stats_code_at(i) != 0)
			(void)snprintf(code, sizeof(code), "%u", (unsigned int)stats_code_at(i));
		else if (i != STATS_CODES - 1)
			continue;
		metrics_count(m, METRICS_LABELS("code", code), tally_sum(t, TURND(errors[i])));
	}
}

static void report_relaying(struct metrics *m, const struct tally *t)
{
	metrics_family(m, "turnd_relayed_packets_total", METRICS_COUNTER,
		       "Packets relayed, by where to.");
	metrics_count(m, METRICS_LABELS("to", "peer"), tally_sum(t, TURND(to_peer_packets)));
	metrics_count(m, METRICS_LABELS("to", "client"), tally_sum(t, TURND(to_client_packets)));
	metrics_family(m, "turnd_relayed_bytes_total", METRICS_COUNTER,
		       "Bytes of data relayed, by where to.");
	metrics_count(m, METRICS_LABELS("to", "peer"), tally_sum(t, TURND(to_peer_bytes)));
	metrics_count(m, METRICS_LABELS("to", "client"), tally_sum(t, TURND(to_client_bytes)));
	metrics_family(m, "turnd_dropped_total", METRICS_COUNTER,
		       "What was dropped without an answer, by reason.");
	for (size_t i = 0; i < STATS_DROPS; i++)
		metrics_count(m, METRICS_LABELS("reason", stats_drop_word((enum stats_drop)i)),
			      tally_sum(t, TURND(drops[i])));
	metrics_family(m, "turnd_denied_total", METRICS_COUNTER,
		       "Peers that the policy denied, by rule.");
	for (size_t i = 1; i < POLICY_VERDICTS; i++)
		metrics_count(m, METRICS_LABELS("rule", policy_word((enum policy_verdict)i)),
			      tally_sum(t, TURND(denied[i])));
}

static void report_ends(struct metrics *m, const struct tally *t)
{
	metrics_family(m, "turnd_allocations_ended_total", METRICS_COUNTER,
		       "Allocations that ended, by reason.");
	for (size_t i = 0; i < STATS_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", stats_end_word((enum stats_end)i)),
			      tally_sum(t, TURND(ended[i])));
}

static void report_countries(struct metrics *m, const struct tally *t)
{
	struct countries requests = { 0 }, allocations = { 0 };

	for (size_t i = 0; i < t->count; i++) {
		const struct turnd_stats *s = t->sources[i].parts[REPORT_TURND];

		countries_add(&requests, &s->requests_by_country);
		countries_add(&allocations, &s->allocations_by_country);
	}
	countries_report(m, "turnd_requests_by_country_total",
			 "Requests, by the country they came from.", &requests);
	countries_report(m, "turnd_allocations_by_country_total",
			 "Allocations made, by the country of the client.", &allocations);
}

void report(struct metrics *m, const struct tally *t)
{
	report_requests(m, t);
	report_relaying(m, t);
	tally_rows(m, t, rows, ARRAY_LEN(rows));
	report_ends(m, t);
	tally_transports(m, t, "turnd");
	report_countries(m, t);
}

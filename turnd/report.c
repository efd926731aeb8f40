#include "report.h"

#include <stdio.h>

/* What a counter is part of, in a struct report_source. */
enum part { PART_TURND, PART_OWN, PART_STREAMS, PART_DTLS };

struct row {
	const char *name, *help;
	enum metrics_type type;
	enum part part;
	size_t offset;
};

#define TURND(field)   PART_TURND, offsetof(struct turnd_stats, field)
#define OWN(field)     PART_OWN, offsetof(struct listen_stats, field)
#define STREAMS(field) PART_STREAMS, offsetof(struct stream_stats, field)
#define DTLS(field)    PART_DTLS, offsetof(struct dtls_stats, field)

/* Counters without labels. */
static const struct row rows[] = {
	{ "turnd_allocations", "Allocations now.", METRICS_GAUGE, TURND(allocations) },
	{ "turnd_tcp_peers", "TCP connections to peers now.", METRICS_GAUGE, TURND(tcp_peers) },
	{ "turnd_icmp_total", "ICMP errors about peers passed on to clients.", METRICS_COUNTER,
	  TURND(icmp) },
	{ "turnd_handed_over_total", "Requests that another worker had a part in.", METRICS_COUNTER,
	  OWN(handed_over) },
	{ "turnd_truncated_total", "Datagrams dropped since they are longer than any may be.",
	  METRICS_COUNTER, OWN(truncated) },
	{ "turnd_unwanted_total", "Messages over a transport that is not served where they came.",
	  METRICS_COUNTER, OWN(unwanted) },
	{ "turnd_receive_errors_total", "Reads that the system refused.", METRICS_COUNTER,
	  OWN(receive_errors) },
	{ "turnd_send_errors_total", "Datagrams to clients that the system did not take.",
	  METRICS_COUNTER, OWN(send_errors) },
	{ "turnd_relay_errors_total", "Datagrams to peers that the system did not take.",
	  METRICS_COUNTER, OWN(relay_errors) },
	{ "turnd_client_slow_total",
	  "Messages dropped since a connection had too much waiting, or could not carry them.",
	  METRICS_COUNTER, OWN(client_slow) },
	{ "turnd_no_descriptors_total", "Relay sockets refused for want of a file descriptor.",
	  METRICS_COUNTER, OWN(no_descriptors) },
	{ "turnd_connections", "TCP and TLS connections now.", METRICS_GAUGE, STREAMS(open) },
	{ "turnd_connections_accepted_total", "TCP connections accepted.", METRICS_COUNTER,
	  STREAMS(accepted) },
	{ "turnd_accept_errors_total", "Connections that the system did not hand over.",
	  METRICS_COUNTER, STREAMS(accept_errors) },
	{ "turnd_connections_half_open", "Of these, without a whole message so far.", METRICS_GAUGE,
	  STREAMS(half_open) },
	{ "turnd_dtls_sessions", "DTLS sessions now.", METRICS_GAUGE, DTLS(sessions) },
	{ "turnd_dtls_half_open", "DTLS handshakes under way.", METRICS_GAUGE, DTLS(half_open) },
	{ "turnd_dtls_established_total", "DTLS handshakes finished.", METRICS_COUNTER,
	  DTLS(established) },
	{ "turnd_dtls_cookies_sent_total", "DTLS clients asked to return a cookie.",
	  METRICS_COUNTER, DTLS(cookies_sent) },
	{ "turnd_dtls_cookies_bad_total", "DTLS cookies returned that were not ours or too old.",
	  METRICS_COUNTER, DTLS(cookies_bad) },
	{ "turnd_dtls_dropped_total", "DTLS datagrams that made no sense.", METRICS_COUNTER,
	  DTLS(dropped) },
	{ "turnd_dtls_refused_total", "DTLS sessions refused by a limit.", METRICS_COUNTER,
	  DTLS(refused) },
};

static const void *part_of(const struct report_source *s, enum part part)
{
	switch (part) {
	case PART_TURND:
		return s->turnd;
	case PART_OWN:
		return s->own;
	case PART_STREAMS:
		return s->streams;
	default:
		return s->dtls;
	}
}

static uint64_t sum(const struct report_source *sources, size_t count, enum part part,
		    size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		const char *base = part_of(&sources[i], part);

		if (base != NULL)
			total +=
				stats_read((const _Atomic uint64_t *)(const void *)(base + offset));
	}
	return total;
}

static const char *method_word(size_t i)
{
	return stats_method_word((enum stats_method)i);
}

static void report_requests(struct metrics *m, const struct report_source *s, size_t count)
{
	metrics_family(m, "turnd_requests_total", METRICS_COUNTER, "Requests, by method.");
	for (size_t i = 0; i < STATS_METHODS; i++)
		metrics_count(m, METRICS_LABELS("method", method_word(i)),
			      sum(s, count, TURND(requests[i])));
	metrics_family(m, "turnd_successes_total", METRICS_COUNTER,
		       "Requests that were granted, by method.");
	for (size_t i = 0; i < STATS_METHODS; i++)
		metrics_count(m, METRICS_LABELS("method", method_word(i)),
			      sum(s, count, TURND(successes[i])));
	metrics_family(m, "turnd_errors_total", METRICS_COUNTER, "Error answers, by code.");
	for (size_t i = 0; i < STATS_CODES; i++) {
		char code[8] = "other";

		if (stats_code_at(i) != 0)
			(void)snprintf(code, sizeof(code), "%u", (unsigned int)stats_code_at(i));
		else if (i != STATS_CODES - 1)
			continue;
		metrics_count(m, METRICS_LABELS("code", code), sum(s, count, TURND(errors[i])));
	}
}

static void report_relaying(struct metrics *m, const struct report_source *s, size_t count)
{
	metrics_family(m, "turnd_relayed_packets_total", METRICS_COUNTER,
		       "Packets relayed, by where to.");
	metrics_count(m, METRICS_LABELS("to", "peer"), sum(s, count, TURND(to_peer_packets)));
	metrics_count(m, METRICS_LABELS("to", "client"), sum(s, count, TURND(to_client_packets)));
	metrics_family(m, "turnd_relayed_bytes_total", METRICS_COUNTER,
		       "Bytes of data relayed, by where to.");
	metrics_count(m, METRICS_LABELS("to", "peer"), sum(s, count, TURND(to_peer_bytes)));
	metrics_count(m, METRICS_LABELS("to", "client"), sum(s, count, TURND(to_client_bytes)));
	metrics_family(m, "turnd_dropped_total", METRICS_COUNTER,
		       "What was dropped without an answer, by reason.");
	for (size_t i = 0; i < STATS_DROPS; i++)
		metrics_count(m, METRICS_LABELS("reason", stats_drop_word((enum stats_drop)i)),
			      sum(s, count, TURND(drops[i])));
	metrics_family(m, "turnd_denied_total", METRICS_COUNTER,
		       "Peers that the policy denied, by rule.");
	for (size_t i = 1; i < POLICY_VERDICTS; i++)
		metrics_count(m, METRICS_LABELS("rule", policy_word((enum policy_verdict)i)),
			      sum(s, count, TURND(denied[i])));
}

static void report_ends(struct metrics *m, const struct report_source *s, size_t count)
{
	metrics_family(m, "turnd_allocations_ended_total", METRICS_COUNTER,
		       "Allocations that ended, by reason.");
	for (size_t i = 0; i < STATS_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", stats_end_word((enum stats_end)i)),
			      sum(s, count, TURND(ended[i])));
	metrics_family(m, "turnd_connections_refused_total", METRICS_COUNTER,
		       "TCP connections refused, by which limit.");
	metrics_count(m, METRICS_LABELS("limit", "total"), sum(s, count, STREAMS(refused_total)));
	metrics_count(m, METRICS_LABELS("limit", "source"), sum(s, count, STREAMS(refused_source)));
	metrics_count(m, METRICS_LABELS("limit", "proxy"), sum(s, count, STREAMS(refused_proxy)));
	metrics_family(m, "turnd_connections_ended_total", METRICS_COUNTER,
		       "TCP and TLS connections that ended, by reason.");
	for (size_t i = 0; i < STREAM_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", stream_end_word((enum stream_end)i)),
			      sum(s, count, STREAMS(ended[i])));
	metrics_family(m, "turnd_dtls_ended_total", METRICS_COUNTER,
		       "DTLS sessions that ended, by reason.");
	for (size_t i = 0; i < DTLS_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", dtls_end_word((enum dtls_end)i)),
			      sum(s, count, DTLS(ended[i])));
}

static void report_countries(struct metrics *m, const struct report_source *s, size_t count)
{
	struct countries requests = { 0 }, allocations = { 0 };

	for (size_t i = 0; i < count; i++) {
		countries_add(&requests, &s[i].turnd->requests_by_country);
		countries_add(&allocations, &s[i].turnd->allocations_by_country);
	}
	countries_report(m, "turnd_requests_by_country_total",
			 "Requests, by the country they came from.", &requests);
	countries_report(m, "turnd_allocations_by_country_total",
			 "Allocations made, by the country of the client.", &allocations);
}

void report(struct metrics *m, const struct report_source *sources, size_t count)
{
	report_requests(m, sources, count);
	report_relaying(m, sources, count);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t value = sum(sources, count, rows[i].part, rows[i].offset);

		metrics_family(m, rows[i].name, rows[i].type, rows[i].help);
		if (rows[i].type == METRICS_GAUGE)
			metrics_gauge(m, METRICS_LABELS(NULL), (double)value);
		else
			metrics_count(m, METRICS_LABELS(NULL), value);
	}
	report_ends(m, sources, count);
	report_countries(m, sources, count);
}

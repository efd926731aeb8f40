#include "stats.h"

/* What a counter is part of, in a struct stats_source. */
enum part { PART_OWN, PART_STREAMS, PART_DTLS };

struct row {
	const char *name, *help;
	enum metrics_type type;
	enum part part;
	size_t offset;
};

#define OWN(field)     PART_OWN, offsetof(struct stats, field)
#define STREAMS(field) PART_STREAMS, offsetof(struct stream_stats, field)
#define DTLS(field)    PART_DTLS, offsetof(struct dtls_stats, field)

static const char *const transports[STATS_TRANSPORTS] = {
	[STUN_UDP] = "udp",
	[STUN_TCP] = "tcp",
	[STUN_TLS] = "tls",
	[STUN_DTLS] = "dtls",
};

/* Counters without labels. */
static const struct row rows[] = {
	{ "stund_received_bytes_total", "Bytes of UDP payload received.", METRICS_COUNTER,
	  OWN(received_bytes) },
	{ "stund_sent_bytes_total", "Bytes of UDP payload in answers.", METRICS_COUNTER,
	  OWN(sent_bytes) },
	{ "stund_truncated_total", "Datagrams dropped since they are longer than any request.",
	  METRICS_COUNTER, OWN(truncated) },
	{ "stund_unwanted_dtls_total", "DTLS datagrams that came without a certificate here.",
	  METRICS_COUNTER, OWN(unwanted_dtls) },
	{ "stund_receive_errors_total", "Reads that the system refused.", METRICS_COUNTER,
	  OWN(receive_errors) },
	{ "stund_send_errors_total", "Answers that the system did not take.", METRICS_COUNTER,
	  OWN(send_errors) },
	{ "stund_connections", "TCP and TLS connections now.", METRICS_GAUGE, STREAMS(open) },
	{ "stund_connections_accepted_total", "TCP connections accepted.", METRICS_COUNTER,
	  STREAMS(accepted) },
	{ "stund_accept_errors_total", "Connections that the system did not hand over.",
	  METRICS_COUNTER, STREAMS(accept_errors) },
	{ "stund_dtls_sessions", "DTLS sessions now.", METRICS_GAUGE, DTLS(sessions) },
	{ "stund_dtls_half_open", "DTLS handshakes under way.", METRICS_GAUGE, DTLS(half_open) },
	{ "stund_dtls_established_total", "DTLS handshakes finished.", METRICS_COUNTER,
	  DTLS(established) },
	{ "stund_dtls_cookies_sent_total", "DTLS clients asked to return a cookie.",
	  METRICS_COUNTER, DTLS(cookies_sent) },
	{ "stund_dtls_cookies_bad_total", "DTLS cookies that were not ours, or late.",
	  METRICS_COUNTER, DTLS(cookies_bad) },
	{ "stund_dtls_dropped_total", "DTLS datagrams from strangers that begin nothing.",
	  METRICS_COUNTER, DTLS(dropped) },
	{ "stund_dtls_refused_total", "DTLS clients refused by a limit.", METRICS_COUNTER,
	  DTLS(refused) },
};

static const void *part_of(const struct stats_source *s, enum part part)
{
	switch (part) {
	case PART_OWN:
		return s->own;
	case PART_STREAMS:
		return s->streams;
	case PART_DTLS:
		return s->dtls;
	}
	return NULL;
}

static uint64_t sum(const struct stats_source *sources, size_t count, enum part part, size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		const uint8_t *base = part_of(&sources[i], part);

		if (base != NULL)
			total +=
				stats_read((const _Atomic uint64_t *)(const void *)(base + offset));
	}
	return total;
}

static void report_messages(struct metrics *m, const struct stats_source *sources, size_t count)
{
	metrics_family(m, "stund_messages_total", METRICS_COUNTER,
		       "What became of what was received, by transport.");
	for (size_t t = 0; t < STATS_TRANSPORTS; t++) {
		for (size_t o = 0; o < STUN_OUTCOMES; o++)
			metrics_count(m,
				      METRICS_LABELS("transport", transports[t], "outcome",
						     stun_outcome_name((enum stun_outcome)o)),
				      sum(sources, count, OWN(outcomes[t][o])));
	}
	metrics_family(m, "stund_limited_total", METRICS_COUNTER,
		       "Messages dropped since their source was over its budget.");
	for (size_t t = 0; t < STATS_TRANSPORTS; t++)
		metrics_count(m, METRICS_LABELS("transport", transports[t]),
			      sum(sources, count, OWN(limited[t])));
}

static void report_ends(struct metrics *m, const struct stats_source *sources, size_t count)
{
	metrics_family(m, "stund_connections_refused_total", METRICS_COUNTER,
		       "TCP connections refused, by which limit.");
	metrics_count(m, METRICS_LABELS("limit", "total"),
		      sum(sources, count, STREAMS(refused_total)));
	metrics_count(m, METRICS_LABELS("limit", "source"),
		      sum(sources, count, STREAMS(refused_source)));
	metrics_family(m, "stund_connections_ended_total", METRICS_COUNTER,
		       "TCP and TLS connections that ended, by reason.");
	for (size_t i = 0; i < STREAM_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", stream_end_word((enum stream_end)i)),
			      sum(sources, count, STREAMS(ended[i])));
	metrics_family(m, "stund_dtls_ended_total", METRICS_COUNTER,
		       "DTLS sessions that ended, by reason.");
	for (size_t i = 0; i < DTLS_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", dtls_end_word((enum dtls_end)i)),
			      sum(sources, count, DTLS(ended[i])));
}

static void report_countries(struct metrics *m, const struct stats_source *sources, size_t count)
{
	struct countries sum = { 0 };

	for (size_t i = 0; i < count; i++)
		countries_add(&sum, &sources[i].own->requests_by_country);
	countries_report(m, "stund_requests_by_country_total",
			 "Requests that were answered, by the country they came from.", &sum);
}

void stats_report(struct metrics *m, const struct stats_source *sources, size_t count)
{
	report_messages(m, sources, count);
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

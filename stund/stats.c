#include "stats.h"

#define OWN(field) STATS_PART, offsetof(struct stats, field)

static const char *const transports[STATS_TRANSPORTS] = {
	[STUN_UDP] = "udp",
	[STUN_TCP] = "tcp",
	[STUN_TLS] = "tls",
	[STUN_DTLS] = "dtls",
};

/* Counters without labels. */
static const struct tally_row rows[] = {
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
};

static void report_messages(struct metrics *m, const struct tally *t)
{
	metrics_family(m, "stund_messages_total", METRICS_COUNTER,
		       "What became of what was received, by transport.");
	for (size_t i = 0; i < STATS_TRANSPORTS; i++) {
		for (size_t o = 0; o < STUN_OUTCOMES; o++)
			metrics_count(m,
				      METRICS_LABELS("transport", transports[i], "outcome",
						     stun_outcome_name((enum stun_outcome)o)),
				      tally_sum(t, OWN(outcomes[i][o])));
	}
	metrics_family(m, "stund_limited_total", METRICS_COUNTER,
		       "Messages dropped since their source was over its budget.");
	for (size_t i = 0; i < STATS_TRANSPORTS; i++)
		metrics_count(m, METRICS_LABELS("transport", transports[i]),
			      tally_sum(t, OWN(limited[i])));
}

static void report_countries(struct metrics *m, const struct tally *t)
{
	struct countries sum = { 0 };

	for (size_t i = 0; i < t->count; i++) {
		const struct stats *own = t->sources[i].parts[STATS_PART];

		countries_add(&sum, &own->requests_by_country);
	}
	countries_report(m, "stund_requests_by_country_total",
			 "Requests that were answered, by the country they came from.", &sum);
}

void stats_report(struct metrics *m, const struct tally *t)
{
	report_messages(m, t);
	tally_rows(m, t, rows, ARRAY_LEN(rows));
	tally_transports(m, t, "stund");
	report_countries(m, t);
}

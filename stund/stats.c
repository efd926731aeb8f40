#include "stats.h"

#include <string.h>

#include "coop.h"
#include "coop_stats.h"
#include "wire.h"

#define OWN(field)  STATS_PART, offsetof(struct stats, field)
#define COOP(field) STATS_COOP, offsetof(struct coop_stats, field)

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

static const struct tally_row coop_rows[] = {
	{ "stund_coop_tokens_total", "Tokens given to clients that asked for one.", METRICS_COUNTER,
	  COOP(tokens) },
	{ "stund_coop_pending", "Orders that wait for their time, or for a connection.",
	  METRICS_GAUGE, COOP(pending) },
	{ "stund_coop_repeated_total", "Orders that came again, and were not done again.",
	  METRICS_COUNTER, COOP(repeated) },
	{ "stund_coop_answers_total", "Answers that left by order.", METRICS_COUNTER,
	  COOP(answers) },
	{ "stund_coop_answer_bytes_total", "Bytes of UDP payload in them.", METRICS_COUNTER,
	  COOP(answer_bytes) },
};

static void report_coop(struct metrics *m, const struct tally *t)
{
	static const char *const kinds[COOP_STATS_KINDS] = {
		[COOP_ANSWER] = "answer",
		[COOP_CONNECT] = "connect",
		[COOP_ICMP] = "icmp",
	};

	if (t->count == 0 || t->sources[0].parts[STATS_COOP] == NULL)
		return;
	tally_rows(m, t, coop_rows, ARRAY_LEN(coop_rows));
	metrics_family(m, "stund_coop_orders_total", METRICS_COUNTER,
		       "Orders that were accepted, by kind.");
	for (size_t i = 0; i < COOP_STATS_KINDS; i++) {
		if (kinds[i] != NULL)
			metrics_count(m, METRICS_LABELS("kind", kinds[i]),
				      tally_sum(t, COOP(orders[i])));
	}
	metrics_family(m, "stund_coop_outcomes_total", METRICS_COUNTER,
		       "What became of orders, those that were refused included.");
	for (size_t i = COOP_CONNECTED; i < COOP_STATS_OUTCOMES; i++) {
		const char *name = coop_outcome_name((uint8_t)i);

		if (strcmp(name, "unknown") != 0)
			metrics_count(m, METRICS_LABELS("outcome", name),
				      tally_sum(t, COOP(outcomes[i])));
	}
}

static const struct tally_row partner_rows[] = {
	{ "stund_partner_live", "1 while the partner is there, else 0.", METRICS_GAUGE,
	  OWN(partner.is_live) },
	{ "stund_partner_sessions_total", "Sessions with the partner.", METRICS_COUNTER,
	  OWN(partner.sessions) },
	{ "stund_partner_handed_over_total", "Answers that the partner was given to send.",
	  METRICS_COUNTER, OWN(partner.handed_over) },
	{ "stund_partner_not_handed_total",
	  "Requests answered as if there were no partner, since it would not send the answer.",
	  METRICS_COUNTER, OWN(partner.not_handed) },
	{ "stund_partner_send_errors_total",
	  "Answers for the partner's clients that the system did not take.", METRICS_COUNTER,
	  OWN(partner.send_errors) },
};

static void report_partner(struct metrics *m, const struct tally *t)
{
	if (tally_sum(t, OWN(has_partner)) == 0)
		return;
	tally_rows(m, t, partner_rows, ARRAY_LEN(partner_rows));
	metrics_family(m, "stund_partner_messages_total", METRICS_COUNTER,
		       "What became of what came to partner-port.");
	for (size_t i = 0; i < PARTNER_TOOKS; i++)
		metrics_count(m, METRICS_LABELS("outcome", partner_took_name((enum partner_took)i)),
			      tally_sum(t, OWN(partner.took[i])));
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
	report_coop(m, t);
	report_partner(m, t);
	report_countries(m, t);
}

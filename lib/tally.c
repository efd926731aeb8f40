#include "tally.h"

#include <stdio.h>

#include "counter.h"

#define STREAMS(field) TALLY_STREAMS, offsetof(struct stream_stats, field)
#define DTLS(field)    TALLY_DTLS, offsetof(struct dtls_stats, field)

/* Names without that of the program. */
static const struct tally_row transport_rows[] = {
	{ "connections", "TCP and TLS connections now.", METRICS_GAUGE, STREAMS(open) },
	{ "connections_half_open", "Of these, without a whole message so far.", METRICS_GAUGE,
	  STREAMS(half_open) },
	{ "connections_accepted_total", "TCP connections accepted.", METRICS_COUNTER,
	  STREAMS(accepted) },
	{ "accept_errors_total", "Connections that the system did not hand over.", METRICS_COUNTER,
	  STREAMS(accept_errors) },
	{ "dtls_sessions", "DTLS sessions now.", METRICS_GAUGE, DTLS(sessions) },
	{ "dtls_half_open", "DTLS handshakes under way.", METRICS_GAUGE, DTLS(half_open) },
	{ "dtls_established_total", "DTLS handshakes finished.", METRICS_COUNTER,
	  DTLS(established) },
	{ "dtls_cookies_sent_total", "DTLS clients asked to return a cookie.", METRICS_COUNTER,
	  DTLS(cookies_sent) },
	{ "dtls_cookies_bad_total", "DTLS cookies that were not ours, or late.", METRICS_COUNTER,
	  DTLS(cookies_bad) },
	{ "dtls_dropped_total", "DTLS datagrams from strangers that begin nothing.",
	  METRICS_COUNTER, DTLS(dropped) },
	{ "dtls_refused_total", "DTLS clients refused by a limit.", METRICS_COUNTER,
	  DTLS(refused) },
};

static const char *full_name(char out[static METRICS_NAME_MAX + 1], const char *program,
			     const char *name)
{
	snprintf(out, METRICS_NAME_MAX + 1, "%s_%s", program, name);
	return out;
}

void tally_program(struct metrics *m, const char *program, const char *version, time_t started,
		   const char *what, size_t workers)
{
	char name[METRICS_NAME_MAX + 1], help[64];

	metrics_family(m, full_name(name, program, "info"), METRICS_GAUGE,
		       "Always 1; the version is a label.");
	metrics_gauge(m, METRICS_LABELS("version", version), 1);
	metrics_family(m, full_name(name, program, "start_time_seconds"), METRICS_GAUGE,
		       "When it was started, in seconds since 1970.");
	metrics_gauge(m, METRICS_LABELS(NULL), (double)started);
	snprintf(help, sizeof(help), "Threads that %s.", what);
	metrics_family(m, full_name(name, program, "workers"), METRICS_GAUGE, help);
	metrics_gauge(m, METRICS_LABELS(NULL), (double)workers);
}

uint64_t tally_sum(const struct tally *t, int part, size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < t->count; i++) {
		const char *base = t->sources[i].parts[part];

		if (base != NULL)
			total += counter_read(
				(const _Atomic uint64_t *)(const void *)(base + offset));
	}
	return total;
}

static void put_row(struct metrics *m, const struct tally *t, const struct tally_row *row,
		    const char *name)
{
	uint64_t value = tally_sum(t, row->part, row->offset);

	metrics_family(m, name, row->type, row->help);
	if (row->type == METRICS_GAUGE)
		metrics_gauge(m, METRICS_LABELS(NULL), (double)value);
	else
		metrics_count(m, METRICS_LABELS(NULL), value);
}

void tally_rows(struct metrics *m, const struct tally *t, const struct tally_row *rows,
		size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_row(m, t, &rows[i], rows[i].name);
}

static void put_refused(struct metrics *m, const struct tally *t, const char *program)
{
	char name[METRICS_NAME_MAX + 1];

	metrics_family(m, full_name(name, program, "connections_refused_total"), METRICS_COUNTER,
		       "TCP connections refused, by which limit.");
	metrics_count(m, METRICS_LABELS("limit", "total"), tally_sum(t, STREAMS(refused_total)));
	metrics_count(m, METRICS_LABELS("limit", "source"), tally_sum(t, STREAMS(refused_source)));
	metrics_count(m, METRICS_LABELS("limit", "proxy"), tally_sum(t, STREAMS(refused_proxy)));
}

static void put_ends(struct metrics *m, const struct tally *t, const char *program)
{
	char name[METRICS_NAME_MAX + 1];

	metrics_family(m, full_name(name, program, "connections_ended_total"), METRICS_COUNTER,
		       "TCP and TLS connections that ended, by reason.");
	for (size_t i = 0; i < STREAM_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", stream_end_word((enum stream_end)i)),
			      tally_sum(t, STREAMS(ended[i])));
	metrics_family(m, full_name(name, program, "dtls_ended_total"), METRICS_COUNTER,
		       "DTLS sessions that ended, by reason.");
	for (size_t i = 0; i < DTLS_ENDS; i++)
		metrics_count(m, METRICS_LABELS("reason", dtls_end_word((enum dtls_end)i)),
			      tally_sum(t, DTLS(ended[i])));
}

void tally_transports(struct metrics *m, const struct tally *t, const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(transport_rows); i++) {
		char name[METRICS_NAME_MAX + 1];

		put_row(m, t, &transport_rows[i], full_name(name, program, transport_rows[i].name));
	}
	put_refused(m, t, program);
	put_ends(m, t, program);
}

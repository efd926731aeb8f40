/*
 * bench_transport - how much a transport carries over a path on virtual time, with each kind of
 * congestion control that libusrsctp has, as JSON.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <usrsctp.h>

#include "tests/transport_pair.h"

#define SECOND 1000000U
#define BLOCK  16384

struct control {
	const char *name;
	uint32_t module;
};

static const struct control controls[] = {
	{ "rfc2581", SCTP_CC_RFC2581 },
	{ "hstcp", SCTP_CC_HSTCP },
	{ "htcp", SCTP_CC_HTCP },
	{ "rtcc", SCTP_CC_RTCC },
};

/* Of the path; and for how long. */
struct settings {
	const char *control; /* NULL: what natprobe uses */
	double mbit, loss_percent;
	uint64_t rtt_ms, queue_ms, seconds, frame_max;
	bool is_tcp;
};

struct flow {
	struct channel *from, *to;
	uint64_t read;
};

static void on_writable(void *arg)
{
	static const uint8_t block[BLOCK];
	struct flow *f = arg;

	while (f->from != NULL && channel_write(f->from, bytes_of(block, BLOCK)) == BLOCK)
		;
}

static void on_data(void *arg, struct bytes data, bool is_text)
{
	struct flow *f = arg;

	f->read += data.len;
	channel_consumed(f->to, data.len);
}

static void on_closed(void *arg, const char *why)
{
	struct flow *f = arg;

	f->from = f->to = NULL;
}

static bool on_channel(struct pair_side *side, struct channel *c)
{
	struct flow *f = side->user;
	const struct channel_events events = { .on_data = on_data,
					       .on_closed = on_closed,
					       .arg = f };

	f->to = c;
	channel_set_events(c, &events);
	return true;
}

static void set_path(struct transport_pair *p, const struct settings *s)
{
	for (int i = 0; i < 2; i++) {
		p->side[i].path.rate = (uint64_t)(s->mbit * 1e6 / 8);
		p->side[i].path.queue_us = s->queue_ms * 1000;
		p->side[i].path.loss = (uint32_t)(s->loss_percent * 100);
	}
}

/* libusrsctp takes it for associations to come; natprobe's choice is made with its first one. */
static void choose(const struct settings *s)
{
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		if (s->control != NULL && strcmp(controls[i].name, s->control) == 0)
			usrsctp_sysctl_set_sctp_default_cc_module(controls[i].module);
	}
}

static void warm_up(void)
{
	struct transport_pair p;

	pair_begin(&p, 1000, 0);
	(void)pair_connect(&p);
	pair_end(&p);
}

static void measure(const struct settings *s)
{
	struct transport_pair p;
	struct transport_counts counts;
	struct rusage usage;
	struct flow flow = { 0 };
	const struct channel_events events = { .on_writable = on_writable,
					       .on_closed = on_closed,
					       .arg = &flow };
	clock_t began;

	warm_up();
	choose(s);
	pair_begin(&p, s->rtt_ms * 500, 0);
	set_path(&p, s);
	p.side[1].on_channel = on_channel;
	p.side[1].user = &flow;
	if (!pair_connect(&p)) {
		printf("{\"error\": \"no connection\"}\n");
		exit(1);
	}
	if (s->is_tcp)
		pair_use_path(&p, true, TRANSPORT_FRAME_MAX);
	flow.from = transport_open(p.side[0].transport, "bench", CHANNEL_STREAM, &events);
	on_writable(&flow);
	began = clock();
	pair_run(&p, s->seconds * SECOND);
	transport_count(p.side[0].transport, &counts);
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("{\"control\": \"%s\", \"mbit\": %.0f, \"rtt_ms\": %u, \"queue_ms\": %u, "
	       "\"loss_percent\": %.2f, \"goodput_mbit\": %.2f, \"retransmitted\": %llu, "
	       "\"packets\": %llu, \"lost\": %llu, \"window\": %u, \"srtt_us\": %u, "
	       "\"cpu_s\": %.2f, \"rss_kb\": %ld}\n",
	       s->control != NULL ? s->control : "natprobe", s->mbit, (unsigned int)s->rtt_ms,
	       (unsigned int)s->queue_ms, s->loss_percent,
	       (double)flow.read * 8 / 1e6 / (double)s->seconds,
	       (unsigned long long)counts.retransmitted, (unsigned long long)counts.packets_out,
	       (unsigned long long)p.frames_lost, counts.window, counts.rtt_us,
	       (double)(clock() - began) / CLOCKS_PER_SEC, usage.ru_maxrss);
	pair_end(&p);
}

static const struct option options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "rate", required_argument, NULL, 'r' },
	{ "rtt", required_argument, NULL, 't' },
	{ "queue", required_argument, NULL, 'q' },
	{ "loss", required_argument, NULL, 'l' },
	{ "seconds", required_argument, NULL, 's' },
	{ "tcp", no_argument, NULL, 'T' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int usage(void)
{
	printf("usage: bench_transport [--control rfc2581|hstcp|htcp|rtcc] [--rate MBIT] [--rtt "
	       "MS]\n"
	       "                       [--queue MS] [--loss PERCENT] [--seconds N] [--tcp]\n"
	       "What one stream carries over a path on virtual time. --rate 0: as fast as it "
	       "goes.\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct settings s = { .mbit = 100, .rtt_ms = 20, .queue_ms = 50, .seconds = 10 };
	int c;

	if (!transport_is_built())
		return 77;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			s.control = optarg;
			break;
		case 'r':
			s.mbit = strtod(optarg, NULL);
			break;
		case 't':
			s.rtt_ms = strtoul(optarg, NULL, 10);
			break;
		case 'q':
			s.queue_ms = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			s.loss_percent = strtod(optarg, NULL);
			break;
		case 's':
			s.seconds = strtoul(optarg, NULL, 10);
			break;
		case 'T':
			s.is_tcp = true;
			break;
		case 'h':
			return usage();
		default:
			return 2;
		}
	}
	measure(&s);
	return 0;
}

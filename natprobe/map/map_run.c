#include "map_run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "natprobe/command.h"
#include "lease_file.h"
#include "natprobe/net/random.h"
#include "natprobe/report/mask.h"

#define LAST_WORDS_MS 15000 /* for removing what is held */

const uint8_t map_families[MAP_FAMILIES] = { ADDR_IPV4, ADDR_IPV6 };

static bool wants(const struct map_options *o, uint8_t family)
{
	return (!o->ipv4 && !o->ipv6) || (family == ADDR_IPV4 ? o->ipv4 : o->ipv6);
}

int map_find_paths(struct map_run *run)
{
	const struct map_options *o = run->options;
	bool any = false;

	if (o->interface != NULL && !iface_exists(o->interface)) {
		fprintf(stderr,
			"natprobe: map: %s: there is no such interface; `ip link` lists them\n",
			o->interface);
		return EXIT_USAGE;
	}
	for (int f = 0; f < MAP_FAMILIES; f++) {
		/* A pinhole leads to an address that is good outside as well. */
		if (own_path_find(map_families[f], NULL, o->interface, &run->paths[f]) == 0 &&
		    map_families[f] == ADDR_IPV6 && addr_is_private(&run->paths[f].source.local) &&
		    !o->ipv6)
			run->paths[f].family = ADDR_NONE;
		any = any || (run->paths[f].family != ADDR_NONE && wants(o, map_families[f]));
	}
	if (any)
		return 0;
	fprintf(stderr, "natprobe: map: no way leads from here to the Internet, and so there is no "
			"gateway to ask; see `ip route`\n");
	return EXIT_NO_SERVER;
}

void map_each_port(struct map_run *run,
		   void (*add)(struct map_run *run, int family, uint16_t port, uint8_t transport))
{
	for (int f = 0; f < MAP_FAMILIES; f++) {
		if (run->paths[f].family == ADDR_NONE || !wants(run->options, map_families[f]))
			continue;
		for (size_t i = 0; i < run->port_count; i++) {
			const struct map_port *p = &run->ports[i];

			if (p->udp)
				add(run, f, p->port, PORTMAP_UDP);
			if (p->tcp)
				add(run, f, p->port, PORTMAP_TCP);
		}
	}
}

static void on_change(void *arg);

struct lease_io *map_io(struct map_run *run, int family, bool listens)
{
	const struct own_path *v4 = &run->paths[SERVER_IPV4];
	const struct lease_io_config config = {
		.base = run->base,
		.path = &run->paths[family],
		.upnp = v4->gateway.family == ADDR_IPV4 ? v4 : NULL,
		.listens = listens,
		.on_change = on_change,
		.arg = run,
	};

	if (run->ios[family] == NULL)
		run->ios[family] = lease_io_new(&config);
	return run->ios[family];
}

struct lease_config map_config(const struct map_run *run, int family, uint16_t port,
			       uint8_t transport)
{
	const struct map_options *o = run->options;
	struct lease_config c = {
		.transport = transport,
		.internal = addr_with_port(&run->paths[family].source.local, port),
		.gateway = run->paths[family].gateway,
		.external_port = (uint16_t)o->external,
		.external_only = o->external != 0,
		.keep = o->keep,
		.lifetime_s = (uint32_t)(o->lifetime_ms / 1000),
	};

	if (o->by != 0)
		c.without = (uint8_t)~(1u << (o->by - 1));
	random_draw(NULL, c.nonce, sizeof(c.nonce));
	random_draw(NULL, &c.seed, sizeof(c.seed));
	return c;
}

/* What an earlier run was given can be asked for again only with its nonce. */
static void recall_nonce(struct lease_config *c)
{
	const struct lease_record *r;
	struct lease_file file;

	if (lease_file_open(&file) != 0)
		return;
	r = lease_book_find(&file.book, c->transport, &c->internal, &c->gateway);
	if (r != NULL)
		memcpy(c->nonce, r->nonce, sizeof(c->nonce));
	(void)lease_file_close(&file, false);
}

static void add_lease(struct map_run *run, int family, uint16_t port, uint8_t transport)
{
	struct lease_io *io = map_io(run, family, run->options->keep);
	struct lease_config c = map_config(run, family, port, transport);

	recall_nonce(&c);
	if (io != NULL)
		(void)lease_io_add(io, &c);
}

static bool all(const struct map_run *run, bool (*is)(const struct lease_io *io))
{
	for (int f = 0; f < MAP_FAMILIES; f++) {
		if (run->ios[f] != NULL && !is(run->ios[f]))
			return false;
	}
	return true;
}

static void collect(struct map_run *run)
{
	run->row_count = 0;
	for (int f = 0; f < MAP_FAMILIES; f++) {
		const struct lease_io *io = run->ios[f];

		for (size_t i = 0; io != NULL && i < lease_io_count(io); i++)
			run->rows[run->row_count++] = (struct map_row){
				.lease = *lease_io_get(io, i),
				.seen = run->seen[f],
				.device = run->paths[f].device,
				.is_kept = run->options->keep,
			};
	}
}

static void mask_rows(struct map_run *run)
{
	struct mask *m = calloc(1, sizeof(*m));

	for (size_t i = 0; m != NULL && i < run->row_count; i++) {
		struct map_row *row = &run->rows[i];

		mask_addr(m, &row->lease.grant.external);
		mask_addr(m, &row->lease.config.internal);
		mask_addr(m, &row->lease.config.gateway);
		mask_addr(m, &row->seen);
	}
	free(m);
}

int map_report(struct map_run *run, const char *action)
{
	const struct map_options *o = run->options;
	const struct report_style style = { .colour = command_has_colour(), .quiet = o->quiet };
	const struct map_report r = {
		.program = run->program,
		.action = action,
		.rows = run->rows,
		.count = run->row_count,
		.now_unix_s = (uint64_t)time(NULL),
		.one_line = o->keep,
	};
	bool ok = true;

	if (o->redact)
		mask_rows(run);
	if (o->json)
		ok = map_json(&r, stdout);
	else
		map_text(&r, &style, stdout);
	if (!ok || fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "natprobe: map: cannot write the report\n");
		return EXIT_FAILED;
	}
	return (int)map_report_exit(&r);
}

static struct lease_record record_of(const struct lease *l)
{
	struct lease_record r = {
		.by = l->grant.by,
		.transport = l->config.transport,
		.internal = l->config.internal,
		.gateway = addr_with_port(&l->config.gateway, 0),
		.external = l->grant.external,
		.pinhole = l->grant.pinhole,
		.ends_unix_s = l->grant.lifetime_s == 0
				       ? LEASE_FOR_GOOD
				       : (uint64_t)time(NULL) + l->grant.lifetime_s,
	};

	memcpy(r.nonce, l->config.nonce, sizeof(r.nonce));
	return r;
}

/* Also with --keep: whoever is killed removes nothing, and the next run shall be able to. */
static void remember(const struct map_run *run)
{
	struct lease_file file;
	int rc = lease_file_open(&file);

	for (size_t i = 0; rc == 0 && i < run->row_count; i++) {
		const struct lease *l = &run->rows[i].lease;
		const struct lease_record r = record_of(l);

		if (l->state == LEASE_HELD)
			lease_book_put(&file.book, &r);
		else if (l->state == LEASE_ENDED && l->is_removed)
			lease_book_drop(&file.book, &r);
	}
	if (rc == 0)
		rc = lease_file_close(&file, true);
	if (rc != 0)
		fprintf(stderr,
			"natprobe: map: warning: %s: %s; --list and --delete will not know of "
			"this\n",
			file.path[0] != '\0' ? file.path : "no home", strerror(-rc));
}

static uint32_t changes_of(const struct map_run *run)
{
	uint32_t changes = 0;

	for (int f = 0; f < MAP_FAMILIES; f++) {
		const struct lease_io *io = run->ios[f];

		for (size_t i = 0; io != NULL && i < lease_io_count(io); i++)
			changes += lease_io_get(io, i)->changes + lease_io_get(io, i)->renewals;
	}
	return changes;
}

/* While it is kept: another address or port, or none any more, is told at once. */
static void tell_change(struct map_run *run)
{
	uint32_t before = 0;
	uint32_t now = changes_of(run);

	if (now == run->told)
		return;
	run->told = now;
	for (size_t i = 0; i < run->row_count; i++)
		before += run->rows[i].lease.changes;
	collect(run);
	remember(run);
	for (size_t i = 0; i < run->row_count; i++)
		before -= run->rows[i].lease.changes;
	if (before != 0)
		(void)map_report(run, "open");
}

static void on_change(void *arg)
{
	struct map_run *run = arg;

	if (run->is_stopping ? all(run, lease_io_is_ended)
			     : run->is_asking && all(run, lease_io_is_settled))
		event_base_loopbreak(run->base);
	else if (!run->is_stopping && !run->is_asking && all(run, lease_io_is_settled))
		tell_change(run);
}

void map_settle(struct map_run *run)
{
	run->is_asking = true;
	if (!all(run, lease_io_is_settled))
		event_base_dispatch(run->base);
	run->is_asking = false;
}

/* Who presses ^C again does not wait for the gateway. */
static void on_signal(evutil_socket_t fd, short events, void *arg)
{
	struct map_run *run = arg;
	const struct timeval last_words = { .tv_sec = LAST_WORDS_MS / 1000 };

	if (run->is_stopping) {
		event_base_loopbreak(run->base);
		return;
	}
	run->is_stopping = true;
	for (int f = 0; f < MAP_FAMILIES; f++) {
		if (run->ios[f] != NULL)
			lease_io_remove_all(run->ios[f]);
	}
	event_base_loopexit(run->base, &last_words);
	on_change(run);
}

static void watch_signals(struct map_run *run)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		run->signals[i] = evsignal_new(run->base, numbers[i], on_signal, run);
		if (run->signals[i] != NULL)
			event_add(run->signals[i], NULL);
	}
}

/* Ended before it is over: what was had is given back. */
static int stop(struct map_run *run)
{
	int rc;

	if (!all(run, lease_io_is_ended))
		event_base_dispatch(run->base);
	collect(run);
	remember(run);
	rc = map_report(run, "close");
	return rc == EXIT_NO_SERVER ? EXIT_FAILED : rc;
}

static bool holds_any(const struct map_run *run)
{
	for (size_t i = 0; i < run->row_count; i++) {
		if (run->rows[i].lease.state == LEASE_HELD)
			return true;
	}
	return false;
}

int map_open(struct map_run *run)
{
	int rc;

	watch_signals(run);
	map_each_port(run, add_lease);
	map_settle(run);
	if (run->is_stopping)
		return stop(run);
	collect(run);
	remember(run);
	if (run->options->compare) {
		map_compare(run);
		collect(run);
	}
	if (run->is_stopping)
		return stop(run);
	run->told = changes_of(run);
	rc = map_report(run, "open");
	if (!run->options->keep || !holds_any(run))
		return rc;
	event_base_dispatch(run->base);
	return stop(run);
}

void map_run_clear(struct map_run *run)
{
	for (int f = 0; f < MAP_FAMILIES; f++)
		lease_io_free(run->ios[f]);
	for (size_t i = 0; i < ARRAY_LEN(run->signals); i++) {
		if (run->signals[i] != NULL)
			event_free(run->signals[i]);
	}
	if (run->base != NULL)
		event_base_free(run->base);
}

#include <config.h>

#include "diagnosis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "check_servers.h"
#include "natprobe/vantage/check_turn.h"
#include "clock.h"

#define VERSION_TEXT "natprobe " PACKAGE_VERSION
#define PROBES_MAX   64
#define PROBE_MIN_MS 250 /* left to the probes, however long DNS took */

struct diagnosis {
	const struct check_options *options;
	struct event_base *base;
	bool is_lent; /* the base is somebody else's */
	struct check_servers servers;
	struct check_turn turn;                      /* of --turn */
	struct geo *geo;                             /* NULL: no database is given */
	struct iface_choice choices[PROBES_MAX + 1]; /* the last one shows that there are more */
	size_t choice_count;
	struct check *check;
	bool is_stopped; /* by whoever runs it */
	/* One more for each interface that was named and cannot be used. */
	struct report_probe *probes;
	size_t probe_count;
	uint64_t started_ms;
};

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what)
{
	fprintf(stderr, "natprobe: %s\n", what);
	return EXIT_FAILED;
}

static int choose_interfaces(struct diagnosis *d)
{
	const struct check_options *o = d->options;
	struct iface_list list;
	struct iface_filter filter = {
		.names = (const char *const *)o->interfaces.items,
		.name_count = o->interfaces.count,
		.ipv4 = o->ipv4,
		.ipv6 = o->ipv6,
		.loopback = check_servers_are_loopback(&d->servers),
	};
	int rc = iface_list_open(&list);

	if (rc != 0) {
		fprintf(stderr, "natprobe: cannot list interfaces: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	d->choice_count = iface_select(list.items, list.count, &filter, d->choices, PROBES_MAX + 1);
	iface_list_close(&list);
	if (d->choice_count > PROBES_MAX) {
		d->choice_count = PROBES_MAX;
		fprintf(stderr,
			"natprobe: warning: only the first %d interfaces and families are probed; "
			"--interface chooses others\n",
			PROBES_MAX);
	}
	return 0;
}

static int check_interface_names(const struct diagnosis *d)
{
	char *const *names = d->options->interfaces.items;

	for (size_t i = 0; i < d->options->interfaces.count; i++) {
		if (!iface_exists(names[i]))
			return usage(names[i], "there is no such interface; `ip link` lists them");
	}
	return 0;
}

static uint64_t time_left_ms(const struct diagnosis *d)
{
	uint64_t used = clock_ms() - d->started_ms;

	if (used + PROBE_MIN_MS >= d->options->timeout_ms)
		return PROBE_MIN_MS;
	return d->options->timeout_ms - used;
}

static bool is_chosen(const struct diagnosis *d, const char *name)
{
	for (size_t i = 0; i < d->choice_count; i++) {
		if (strcmp(d->choices[i].name, name) == 0)
			return true;
	}
	return false;
}

static int probe(struct diagnosis *d)
{
	struct check_config config = {
		.probe = { .base = d->base,
			   .servers = d->servers.items,
			   .server_count = d->servers.count,
			   .portal = d->servers.has_portal ? &d->servers.portal : NULL,
			   .turn = d->turn.server.name != NULL ? &d->turn.server : NULL,
			   .geo = d->geo,
			   .timeout_ms = time_left_ms(d),
			   .confidence = check_options_confidence(d->options),
			   .local_port = (uint16_t)d->options->local_port,
			   .asks_upnp = d->options->upnp,
			   .deep = d->options->deep,
			   .deep_longest_s = (uint32_t)(d->options->longest_ms / 1000),
			   .deep_mappings = (uint16_t)d->options->mappings,
			   .is_gentle = d->servers.are_public },
		.choices = d->choices,
		.choice_count = d->choice_count,
		.shows_progress = !d->options->quiet && isatty(STDERR_FILENO),
	};
	char *const *names = d->options->interfaces.items;
	size_t most = d->choice_count + d->options->interfaces.count;

	memcpy(config.probe.portal_at, d->servers.portal_at, sizeof(config.probe.portal_at));
	d->check = check_new(&config);
	d->probes = calloc(most + 1, sizeof(*d->probes));
	if (d->check == NULL || d->probes == NULL)
		return failure("out of memory");
	check_run(d->check);
	for (size_t i = 0; i < d->choice_count; i++)
		d->probes[d->probe_count++] = check_probes(d->check)[i];
	for (size_t i = 0; i < d->options->interfaces.count; i++) {
		if (is_chosen(d, names[i]))
			continue;
		d->probes[d->probe_count++] = (struct report_probe){
			.interface = names[i],
			.family = d->options->ipv4 ? ADDR_IPV4 : ADDR_IPV6,
			.why = "it is down, or has no address to probe from",
		};
	}
	return 0;
}

static int open_databases(struct diagnosis *d)
{
	char *const *paths = d->options->geo.items;
	const char *why;

	if (d->options->geo.count == 0)
		return 0;
	d->geo = geo_new();
	if (d->geo == NULL)
		return failure("out of memory");
	for (size_t i = 0; i < d->options->geo.count; i++) {
		if (!geo_add(d->geo, paths[i], &why))
			return usage(paths[i], why);
	}
	return 0;
}

struct diagnosis *diagnosis_new(const struct check_options *options)
{
	struct diagnosis *d = calloc(1, sizeof(*d));

	if (d != NULL)
		d->options = options;
	return d;
}

/* What one run leaves behind. */
static void clear_run(struct diagnosis *d)
{
	check_free(d->check);
	d->check = NULL;
	free(d->probes);
	d->probes = NULL;
	d->probe_count = 0;
	check_servers_clear(&d->servers);
	d->servers = (struct check_servers){ 0 };
	check_turn_clear(&d->turn);
	d->turn = (struct check_turn){ 0 };
}

void diagnosis_free(struct diagnosis *d)
{
	if (d == NULL)
		return;
	clear_run(d);
	geo_free(d->geo);
	if (d->base != NULL && !d->is_lent)
		event_base_free(d->base);
	free(d);
}

void diagnosis_lend_base(struct diagnosis *d, struct event_base *base)
{
	d->base = base;
	d->is_lent = base != NULL;
}

int diagnosis_prepare(struct diagnosis *d)
{
	int rc = check_interface_names(d);

	if (rc == 0)
		rc = open_databases(d);
	if (rc != 0)
		return rc;
	if (d->base == NULL)
		d->base = event_base_new();
	return d->base != NULL ? 0 : failure("no event loop");
}

static void tell(const struct diagnosis *d, struct report *out)
{
	*out = (struct report){
		.program = VERSION_TEXT,
		.servers = d->servers.items,
		.server_count = d->servers.count,
		.probes = d->probes,
		.probe_count = d->probe_count,
		.why = d->probe_count == 0 ? "no interface is up with a usable address" : NULL,
		.elapsed_ms = clock_ms() - d->started_ms,
	};
}

int diagnosis_run(struct diagnosis *d, struct report *out)
{
	int rc;

	clear_run(d);
	d->is_stopped = false;
	d->started_ms = clock_ms();
	rc = check_servers_choose(&d->servers, d->options);
	if (rc == 0)
		rc = check_turn_read(&d->turn, d->options);
	if (rc == 0)
		rc = check_servers_resolve(&d->servers, d->options, d->base);
	if (rc == 0)
		rc = check_turn_resolve(&d->turn, d->options, d->base);
	if (rc == 0)
		rc = choose_interfaces(d);
	if (rc == 0 && !d->is_stopped)
		rc = probe(d);
	if (rc == 0)
		tell(d, out);
	return rc;
}

void diagnosis_stop(struct diagnosis *d)
{
	d->is_stopped = true;
	if (d->check != NULL && check_is_running(d->check))
		check_stop(d->check);
	else
		event_base_loopbreak(d->base); /* a name is looked up */
}

bool diagnosis_was_interrupted(const struct diagnosis *d)
{
	return d->is_stopped || (d->check != NULL && check_was_interrupted(d->check));
}

struct event_base *diagnosis_base(const struct diagnosis *d)
{
	return d->base;
}

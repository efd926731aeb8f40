/* natprobe map --delete and --list. */
#include <string.h>
#include <time.h>

#include "lease_file.h"
#include "map_run.h"
#include "upnp_job.h"

#define UPNP_LOOK_US 50000

/* What the gateway tells by UPnP; false where it does not. */
static bool ask_table(struct map_run *run, struct upnp_table *table)
{
	const struct own_path *path = &run->paths[SERVER_IPV4];
	struct upnp_job *job;

	*table = (struct upnp_table){ .answer = LEASE_NO_GATEWAY };
	if (path->gateway.family != ADDR_IPV4)
		return false;
	job = upnp_job_start(&path->source, &path->gateway, NULL);
	if (job == NULL)
		return false;
	while (!upnp_job_is_over(job, NULL, table)) {
		const struct timespec pause = { .tv_nsec = UPNP_LOOK_US * 1000 };

		nanosleep(&pause, NULL);
	}
	upnp_job_release(job);
	return table->answer == LEASE_GRANTED;
}

/* The table is large, and only one is needed at a time. */
static struct upnp_table table;
static bool has_table;

int map_print_list(struct map_run *run)
{
	struct lease_file file;
	struct map_list list = { .program = run->program, .now_unix_s = (uint64_t)time(NULL) };
	int rc = lease_file_open(&file);

	if (rc != 0 && file.path[0] != '\0')
		fprintf(stderr, "natprobe: map: %s: %s\n", file.path, strerror(-rc));
	(void)lease_file_close(&file, true);
	list.book = &file.book;
	if (upnp_job_is_built()) {
		(void)ask_table(run, &table);
		list.table = &table;
	}
	if (!run->options->json) {
		map_list_text(&list, stdout);
		return EXIT_REACHED;
	}
	return map_list_json(&list, stdout) ? EXIT_REACHED : EXIT_FAILED;
}

static struct lease_grant grant_of(const struct lease_record *r)
{
	return (struct lease_grant){ .by = r->by,
				     .external = r->external,
				     .lifetime_s = UINT32_MAX,
				     .pinhole = r->pinhole };
}

static bool find_record(const struct lease_config *c, struct lease_record *out)
{
	const struct lease_record *r = NULL;
	struct lease_file file;

	if (lease_file_open(&file) == 0)
		r = lease_book_find(&file.book, c->transport, &c->internal, &c->gateway);
	if (r != NULL)
		*out = *r;
	(void)lease_file_close(&file, false);
	return r != NULL;
}

static void forget(const struct lease_record *r)
{
	struct lease_file file;

	if (lease_file_open(&file) != 0)
		return;
	lease_book_drop(&file.book, r);
	(void)lease_file_close(&file, true);
}

/* An entry that leads to that port of ours, or else one of that port outside. */
static const struct upnp_entry *find_entry(const struct lease_config *c)
{
	const struct upnp_entry *other = NULL;

	for (size_t i = 0; has_table && i < table.count; i++) {
		const struct upnp_entry *e = &table.entries[i];

		if (e->transport != c->transport)
			continue;
		if (addr_equal(&e->internal, &c->internal))
			return e;
		if (e->external_port == c->internal.port)
			other = e;
	}
	return other;
}

/* Removes one that was granted; the row says what came of it. */
static void remove_grant(struct map_run *run, int family, const struct lease_config *c,
			 const struct lease_grant *grant)
{
	struct lease_io *io = map_io(run, family, false);
	struct map_row *row = &run->rows[run->row_count];
	const struct lease *l;

	*row = (struct map_row){ .device = run->paths[family].device };
	row->lease.config = *c;
	row->lease.state = LEASE_ENDED;
	l = io != NULL ? lease_io_resume(io, c, grant) : NULL;
	if (l == NULL)
		return;
	lease_io_remove_all(io);
	map_settle(run);
	row->lease = *l;
}

/* Of PCP and NAT-PMP nobody tells what there is: ours is asked to go, whether it is there or not. */
static void remove_unknown(struct map_run *run, int family, const struct lease_config *c)
{
	static const enum lease_by order[] = { LEASE_PCP, LEASE_NAT_PMP };
	const struct map_row *row = &run->rows[run->row_count];

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct lease_grant grant = { .by = (uint8_t)order[i],
						   .external = c->internal,
						   .lifetime_s = UINT32_MAX };

		if ((c->without & 1u << order[i]) != 0 ||
		    (order[i] == LEASE_NAT_PMP && c->internal.family == ADDR_IPV6))
			continue;
		remove_grant(run, family, c, &grant);
		if (row->lease.is_removed || row->lease.replies[order[i]].answer == LEASE_DENIED)
			return;
	}
}

static void remove_entry(struct map_run *run, int family, const struct lease_config *c,
			 const struct upnp_entry *e)
{
	struct map_row *row = &run->rows[run->row_count];
	const struct lease_grant grant = { .by = LEASE_UPNP,
					   .external = { .port = e->external_port },
					   .lifetime_s = UINT32_MAX };

	if (!addr_equal(&e->internal, &c->internal)) {
		*row = (struct map_row){ .device = run->paths[family].device,
					 .is_taken = true,
					 .owner = *e };
		row->lease.config = *c;
		row->lease.state = LEASE_ENDED;
		return;
	}
	fprintf(stderr, "natprobe: map: this was opened as \"%s\", and not by natprobe\n",
		e->description);
	remove_grant(run, family, c, &grant);
}

static void close_port(struct map_run *run, int family, uint16_t port, uint8_t transport)
{
	struct lease_config c = map_config(run, family, port, transport);
	const struct upnp_entry *e = NULL;
	struct lease_record r;

	c.keep = false;
	if (find_record(&c, &r)) {
		const struct lease_grant grant = grant_of(&r);

		memcpy(c.nonce, r.nonce, sizeof(c.nonce));
		remove_grant(run, family, &c, &grant);
		if (run->rows[run->row_count].lease.is_removed)
			forget(&r);
		run->row_count++;
		return;
	}
	if (c.internal.family == ADDR_IPV4)
		e = find_entry(&c);
	if (e != NULL)
		remove_entry(run, family, &c, e);
	else
		remove_unknown(run, family, &c);
	run->row_count++;
}

int map_close(struct map_run *run)
{
	has_table = ask_table(run, &table);
	map_each_port(run, close_port);
	return map_report(run, "close");
}

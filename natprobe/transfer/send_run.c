#include "send_run.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "sha256.h"
#include "source_files.h"
#include "transfer_io.h"
#include "transfer_show.h"

struct send_run {
	struct send_run_config config;
	struct source_files *files;
	struct sha256 *digest;
	struct transfer_show *show;
	struct transfer_send *send;
	struct transfer_io *io;
	struct event_base *base;
	bool is_over;
};

static const struct transfer_core *core(void *arg)
{
	const struct send_run *r = arg;

	return r->send != NULL ? transfer_send_core(r->send) : NULL;
}

static const struct manifest *manifest(void *arg)
{
	return source_files_manifest(((const struct send_run *)arg)->files);
}

static void on_skipped(void *arg, const char *path, const char *what)
{
	transfer_show_skipped(((struct send_run *)arg)->show, path, what);
}

struct send_run *send_run_new(const struct send_run_config *config)
{
	struct transfer_show_config show = { .command = "send",
					     .json = config->json,
					     .quiet = config->quiet,
					     .core = core,
					     .manifest = manifest };
	uint8_t key[MANIFEST_KEY_LEN];
	struct send_run *r = calloc(1, sizeof(*r));

	if (r == NULL || RAND_bytes(key, sizeof(key)) != 1) {
		free(r);
		return NULL;
	}
	r->config = *config;
	show.arg = r;
	r->files = source_files_new(key, on_skipped, r);
	r->digest = sha256_new();
	r->show = transfer_show_new(&show);
	if (r->files != NULL && r->digest != NULL && r->show != NULL)
		return r;
	send_run_free(r);
	return NULL;
}

void send_run_free(struct send_run *r)
{
	if (r == NULL)
		return;
	transfer_io_free(r->io);
	transfer_send_free(r->send);
	transfer_show_free(r->show);
	sha256_free(r->digest);
	source_files_free(r->files);
	free(r);
}

bool send_run_add(struct send_run *r, const char *path)
{
	char why[SOURCE_WHY_MAX];

	if (source_files_add(r->files, path, why))
		return true;
	r->is_over = true;
	transfer_show_error(r->show, why);
	return false;
}

void send_run_begin(struct send_run *r, struct event_base *base)
{
	r->base = base;
	transfer_show_begin(r->show, base);
}

void send_run_path(struct send_run *r, bool is_up, const char *what)
{
	transfer_show_path(r->show, is_up, what);
}

static void end(struct send_run *r, const char *why)
{
	r->is_over = true;
	transfer_show_error(r->show, why);
	r->config.on_over(r->config.arg, false);
}

void send_run_refused(struct send_run *r, const char *text)
{
	end(r, text);
}

void send_run_gone(struct send_run *r)
{
	if (!r->is_over)
		transfer_show_gone(r->show, r->io != NULL);
}

static void on_output(void *arg, struct bytes frame)
{
	transfer_io_put(((struct send_run *)arg)->io, frame);
}

static void on_event(void *arg, const struct transfer_event *e)
{
	transfer_show_event(((struct send_run *)arg)->show, e);
}

static void on_over(void *arg)
{
	struct send_run *r = arg;

	r->is_over = true;
	r->config.on_over(r->config.arg, transfer_send_core(r->send)->is_ok);
}

void send_run_stream(struct send_run *r, struct bufferevent *stream)
{
	const struct transfer_send_config send = { .manifest = source_files_manifest(r->files),
						   .source = source_files_table(r->files),
						   .digest = sha256_digest(r->digest),
						   .on_output = on_output,
						   .on_event = on_event,
						   .arg = r };
	struct transfer_io_config io = {
		.base = r->base, .stream = stream, .on_over = on_over, .arg = r
	};

	r->send = transfer_send_new(&send);
	if (r->send == NULL) {
		bufferevent_free(stream);
		end(r, "out of memory");
		return;
	}
	io.send = r->send;
	r->io = transfer_io_new(&io);
	if (r->io == NULL)
		end(r, "out of memory");
}

void send_run_interrupt(struct send_run *r)
{
	if (r->io == NULL)
		return;
	transfer_send_interrupt(r->send);
	transfer_io_wake(r->io);
	r->is_over = true; /* and told */
}

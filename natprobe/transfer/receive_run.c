#include "receive_run.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "sha256.h"
#include "target_files.h"
#include "transfer_io.h"
#include "transfer_show.h"

#define ANSWER_MAX 64

struct receive_run {
	struct receive_run_config config;
	struct target_files *files;
	struct sha256 *digest, *old_digest;
	struct transfer_show *show;
	struct transfer_receive *receive;
	struct transfer_io *io;
	struct event_base *base;
	bool is_over;
	struct event *answer; /* somebody types it */
};

static const struct transfer_core *core(void *arg)
{
	const struct receive_run *r = arg;

	return r->receive != NULL ? transfer_receive_core(r->receive) : NULL;
}

static const struct manifest *manifest(void *arg)
{
	return transfer_receive_manifest(((const struct receive_run *)arg)->receive);
}

static bool fill(struct receive_run *r)
{
	const struct transfer_show_config show = { .command = "receive",
						   .json = r->config.json,
						   .quiet = r->config.quiet,
						   .core = core,
						   .manifest = manifest,
						   .arg = r };

	r->digest = sha256_new();
	r->old_digest = sha256_new();
	r->show = transfer_show_new(&show);
	return r->digest != NULL && r->old_digest != NULL && r->show != NULL;
}

int receive_run_new(const struct receive_run_config *config, struct receive_run **out)
{
	struct receive_run *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	if (r == NULL)
		return rc;
	r->config = *config;
	if (fill(r))
		rc = target_files_open(config->directory, &r->files);
	if (rc == 0)
		*out = r;
	else
		receive_run_free(r);
	return rc;
}

static void stop_asking(struct receive_run *r)
{
	if (r->answer != NULL)
		event_free(r->answer);
	r->answer = NULL;
}

void receive_run_free(struct receive_run *r)
{
	if (r == NULL)
		return;
	stop_asking(r);
	transfer_io_free(r->io);
	transfer_receive_free(r->receive);
	transfer_show_free(r->show);
	sha256_free(r->digest);
	sha256_free(r->old_digest);
	target_files_free(r->files);
	free(r);
}

void receive_run_begin(struct receive_run *r, struct event_base *base)
{
	r->base = base;
	transfer_show_begin(r->show, base);
}

void receive_run_path(struct receive_run *r, bool is_up, const char *what)
{
	transfer_show_path(r->show, is_up, what);
}

static void end(struct receive_run *r, const char *why)
{
	r->is_over = true;
	transfer_show_error(r->show, why);
	r->config.on_over(r->config.arg, false);
}

void receive_run_refused(struct receive_run *r, const char *text)
{
	end(r, text);
}

void receive_run_gone(struct receive_run *r)
{
	if (r->is_over)
		return;
	if (r->answer != NULL)
		fputc('\n', stderr);
	transfer_show_gone(r->show, r->io != NULL);
}

static void consent(struct receive_run *r, bool is_given)
{
	stop_asking(r);
	transfer_show_go(r->show);
	transfer_receive_consent(r->receive, is_given);
	transfer_io_wake(r->io);
}

static void on_answer(evutil_socket_t fd, short events, void *arg)
{
	char line[ANSWER_MAX];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	consent(arg, n > 0 && (line[0] == 'y' || line[0] == 'Y'));
}

static void ask(struct receive_run *r)
{
	r->answer = event_new(r->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_answer, r);
	if (r->answer == NULL || event_add(r->answer, NULL) != 0) {
		consent(r, false);
		return;
	}
	(void)tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed before the question is no answer */
	fprintf(stderr, "Take them? [y/N] ");
	fflush(stderr);
}

static void on_offer(struct receive_run *r)
{
	if (!r->config.yes || (!r->config.quiet && !r->config.json))
		transfer_show_offer(r->show, r->config.directory);
	if (r->config.yes)
		consent(r, true);
	else
		ask(r);
}

static void on_event(void *arg, const struct transfer_event *e)
{
	struct receive_run *r = arg;

	if (e->kind == TRANSFER_ON_OVER && r->answer != NULL) {
		fputc('\n', stderr);
		stop_asking(r);
	}
	transfer_show_event(r->show, e);
	if (e->kind == TRANSFER_ON_OFFER)
		on_offer(r);
}

static void on_output(void *arg, struct bytes frame)
{
	transfer_io_put(((struct receive_run *)arg)->io, frame);
}

static void on_over(void *arg)
{
	struct receive_run *r = arg;

	r->is_over = true;
	r->config.on_over(r->config.arg, transfer_receive_core(r->receive)->is_ok);
}

static struct transfer_receive *make(struct receive_run *r)
{
	struct transfer_receive_config config = { .target = target_files_table(r->files),
						  .digest = sha256_digest(r->digest),
						  .old_digest = sha256_digest(r->old_digest),
						  .force = r->config.force,
						  .on_output = on_output,
						  .on_event = on_event,
						  .arg = r };

	if (RAND_bytes(config.key, sizeof(config.key)) != 1)
		return NULL;
	return transfer_receive_new(&config);
}

void receive_run_stream(struct receive_run *r, struct bufferevent *stream)
{
	struct transfer_io_config io = {
		.base = r->base, .stream = stream, .on_over = on_over, .arg = r
	};

	r->receive = make(r);
	if (r->receive == NULL) {
		bufferevent_free(stream);
		end(r, "out of memory");
		return;
	}
	io.receive = r->receive;
	r->io = transfer_io_new(&io);
	if (r->io == NULL)
		end(r, "out of memory");
}

void receive_run_interrupt(struct receive_run *r)
{
	if (r->io == NULL)
		return;
	transfer_receive_interrupt(r->receive);
	transfer_io_wake(r->io);
	r->is_over = true; /* and told */
}

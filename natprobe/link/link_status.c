#include "link_status.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "natprobe/planning/strategy.h"
#include "natprobe/report/report_json_put.h"

#define UNREAD_MAX 65536 /* who does not read what it asked for is let go */

static json_t *path_of(struct json *j, const struct link_view *v)
{
	const struct punch_path *p = &v->path;
	json_t *o;

	if (p->strategy == PUNCH_NONE)
		return json_null();
	o = json_object();
	json_put(j, o, "strategy",
		 json_text(punch_strategy_word((enum punch_strategy)p->strategy)));
	json_put(j, o, "transport", json_text(p->is_tcp ? "tcp" : "udp"));
	json_put(j, o, "relayed", json_boolean(p->is_relayed));
	json_put(j, o, "local", json_addr(&p->local));
	json_put(j, o, "outer", json_addr(&p->outer));
	json_put(j, o, "remote", json_addr(&p->remote));
	return o;
}

static json_t *counters_of(struct json *j, const struct transport_counts *c)
{
	json_t *o = json_object();

	json_put(j, o, "bytes_in", json_integer((json_int_t)c->bytes_in));
	json_put(j, o, "bytes_out", json_integer((json_int_t)c->bytes_out));
	json_put(j, o, "packets_in", json_integer((json_int_t)c->packets_in));
	json_put(j, o, "packets_out", json_integer((json_int_t)c->packets_out));
	json_put(j, o, "retransmitted", json_integer((json_int_t)c->retransmitted));
	json_put(j, o, "window", json_integer((json_int_t)c->window));
	return o;
}

static json_t *streams_of(struct json *j, const struct exchange_counts *c)
{
	json_t *o = json_object();

	json_put(j, o, "open", json_integer(c->streams));
	json_put(j, o, "waiting", json_integer(c->waiting));
	json_put(j, o, "pending", json_integer(c->pending));
	json_put(j, o, "all", json_integer((json_int_t)c->streams_all));
	return o;
}

static char *finish(const struct json *j, json_t *document)
{
	char *text =
		j->failed ? NULL : json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(10));

	json_decref(document);
	return text;
}

char *link_status_text(const struct link_view *v)
{
	struct json j = { 0 };
	json_t *o = json_object();

	json_put(&j, o, "name", json_text(v->name));
	json_put(&j, o, "tag", json_text(v->tag));
	json_put(&j, o, "up", json_boolean(v->is_up));
	json_put(&j, o, "what", json_text(v->what));
	json_put(&j, o, "path", path_of(&j, v));
	json_put(&j, o, "paths", json_integer(v->paths));
	json_put(&j, o, "rtt_ms", v->rtt_us > 0 ? json_ms(v->rtt_us) : json_null());
	json_put(&j, o, "mtu", v->counts.mtu > 0 ? json_integer(v->counts.mtu) : json_null());
	json_put(&j, o, "counters", counters_of(&j, &v->counts));
	json_put(&j, o, "streams", streams_of(&j, &v->streams));
	return finish(&j, o);
}

char *link_status_event(const struct link_view *v)
{
	struct json j = { 0 };
	json_t *o = json_object();

	json_put(&j, o, "event", json_text("path"));
	json_put(&j, o, "up", json_boolean(v->is_up));
	json_put(&j, o, "what", json_text(v->what));
	json_put(&j, o, "path", path_of(&j, v));
	json_put(&j, o, "rtt_ms", v->rtt_us > 0 ? json_ms(v->rtt_us) : json_null());
	return finish(&j, o);
}

/* --- who asks --- */

static void on_answered(struct bufferevent *bev, void *arg)
{
	bufferevent_free(bev);
}

static void on_asker_event(struct bufferevent *bev, short events, void *arg)
{
	bufferevent_free(bev);
}

static void say(struct bufferevent *bev, const char *line)
{
	if (line != NULL)
		(void)bufferevent_write(bev, line, strlen(line));
	(void)bufferevent_write(bev, "\n", 1);
}

void link_status_answer(struct bufferevent *bev, const char *line)
{
	bufferevent_setcb(bev, NULL, on_answered, on_asker_event, NULL);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	say(bev, line);
}

static void remove_watcher(struct link_watchers *w, size_t i)
{
	bufferevent_free(w->bevs[i]);
	w->bevs[i] = NULL;
}

static void on_watcher_event(struct bufferevent *bev, short events, void *arg)
{
	struct link_watchers *w = arg;

	for (size_t i = 0; i < LINK_WATCHERS_MAX; i++) {
		if (w->bevs[i] == bev)
			remove_watcher(w, i);
	}
}

/* Nothing that it says counts. */
static void on_watcher_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);

	(void)evbuffer_drain(in, evbuffer_get_length(in));
}

void link_watchers_add(struct link_watchers *w, struct bufferevent *bev, const char *line)
{
	size_t i = 0;

	while (i < LINK_WATCHERS_MAX && w->bevs[i] != NULL)
		i++;
	if (i == LINK_WATCHERS_MAX) {
		attach_refuse(bev, "busy", "too many programs watch this link");
		return;
	}
	w->bevs[i] = bev;
	bufferevent_setcb(bev, on_watcher_read, NULL, on_watcher_event, w);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	say(bev, line);
}

void link_watchers_tell(struct link_watchers *w, const char *line)
{
	for (size_t i = 0; i < LINK_WATCHERS_MAX; i++) {
		if (w->bevs[i] == NULL)
			continue;
		if (evbuffer_get_length(bufferevent_get_output(w->bevs[i])) > UNREAD_MAX)
			remove_watcher(w, i);
		else
			say(w->bevs[i], line);
	}
}

void link_watchers_clear(struct link_watchers *w)
{
	for (size_t i = 0; i < LINK_WATCHERS_MAX; i++) {
		if (w->bevs[i] != NULL)
			remove_watcher(w, i);
	}
}

#include "tcp_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>

#include "splice.h"

/* Bytes of one way after which the worker of the allocation is told. */
#define TELL_AT 16384

struct tcp_wire {
	struct listen *l;
	struct list joined; /* in l->wires, by number */
	uint32_t id;        /* once it is joined */
	int fd;             /* until there is a bufferevent */
	struct event *ready;
	struct tcp_peer *connecting;
	struct bufferevent *bev;
	struct splice *splice;
	struct listen_link *link; /* the client's connection; NULL: not joined, or gone */
	size_t untold[2];         /* bytes that its worker has not heard of; by enum quota_way */
};

struct tcp_wire *tcp_wire_new(struct listen *l, int fd)
{
	struct tcp_wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->l = l;
	w->fd = fd;
	list_init(&w->joined);
	return w;
}

void tcp_wire_free(struct tcp_wire *w)
{
	list_remove(&w->joined);
	splice_free(w->splice);
	if (w->ready != NULL)
		event_free(w->ready);
	if (w->bev != NULL)
		bufferevent_free(w->bev);
	else
		close(w->fd);
	if (w->link != NULL) {
		w->link->wire = NULL;
		stream_close(w->link->stream);
	}
	free(w);
}

void tcp_wire_unlink(struct tcp_wire *w)
{
	w->link->wire = NULL;
	w->link = NULL;
}

static void on_ready(evutil_socket_t fd, short events, void *arg)
{
	struct tcp_wire *w = arg;
	struct tcp_peer *p = w->connecting;
	struct listen *l = w->l;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = ECONNABORTED;
	event_free(w->ready);
	w->ready = NULL;
	w->connecting = NULL;
	if (error != 0) {
		p->shell = NULL;
		tcp_wire_free(w);
	}
	turnd_connected(l->turnd, p, error, listen_begin(l));
}

bool tcp_wire_await(struct tcp_wire *w, struct tcp_peer *p)
{
	w->connecting = p;
	w->ready = event_new(w->l->base, w->fd, EV_WRITE, on_ready, w);
	return w->ready != NULL && event_add(w->ready, NULL) == 0;
}

/* What one worker tells another of a connection. */
struct word {
	uint32_t id;
	uint16_t from;
	enum quota_way way;
	size_t bytes;
	uint32_t rest_ms;
};

static void post(struct listen *l, uint16_t worker, void (*run)(struct worker *, void *),
		 const struct word *what)
{
	struct worker *to =
		worker < l->common->workers ? atomic_load(&l->common->threads[worker]) : NULL;
	struct word *word = to != NULL ? malloc(sizeof(*word)) : NULL;

	if (word == NULL)
		return;
	*word = *what;
	word->from = l->index;
	if (!worker_post(to, run, word))
		free(word);
}

static void hear_of_end(struct worker *w, void *arg)
{
	struct listen *l = worker_data(w);
	struct word *word = arg;

	turnd_peer_ended(l->turnd, word->id);
	free(word);
}

static void hear_of_bytes(struct worker *worker, void *arg);

static void tell_bytes(struct tcp_wire *w, enum quota_way way)
{
	struct word word = { .id = w->id, .way = way, .bytes = w->untold[way] };

	w->untold[way] = 0;
	if (word.bytes > 0)
		post(w->l, tcp_peer_worker(w->id), hear_of_bytes, &word);
}

static void tell_end(struct listen *l, uint32_t id)
{
	uint16_t owner = tcp_peer_worker(id);

	if (owner == l->index)
		turnd_peer_ended(l->turnd, id);
	else
		post(l, owner, hear_of_end, &(struct word){ .id = id });
}

void tcp_wire_end(struct tcp_wire *w)
{
	struct listen *l = w->l;
	uint32_t id = w->id;

	tell_bytes(w, QUOTA_TO_PEER);
	tell_bytes(w, QUOTA_TO_CLIENT);
	tcp_wire_free(w);
	tell_end(l, id);
}

void tcp_wire_drop(struct listen *l, struct tcp_wire *w, uint32_t id)
{
	tcp_wire_free(w);
	if (tcp_peer_worker(id) != l->index)
		post(l, tcp_peer_worker(id), hear_of_end, &(struct word){ .id = id });
}

static struct list *bucket_of(struct listen *l, uint32_t id)
{
	return &l->wires[id % LISTEN_WIRES];
}

static struct tcp_wire *find(struct listen *l, uint32_t id)
{
	struct list *bucket = bucket_of(l, id);

	for (struct list *at = bucket->next; at != bucket; at = at->next) {
		struct tcp_wire *w = LIST_OF(at, struct tcp_wire, joined);

		if (w->id == id)
			return w;
	}
	return NULL;
}

static void close_here(struct worker *worker, void *arg)
{
	struct listen *l = worker_data(worker);
	struct word *word = arg;
	struct tcp_wire *w = find(l, word->id);

	if (w != NULL)
		tcp_wire_free(w);
	free(word);
}

void tcp_wire_close_there(struct listen *l, uint16_t worker, uint32_t id)
{
	post(l, worker, close_here, &(struct word){ .id = id });
}

static void rest_here(struct worker *worker, void *arg)
{
	struct listen *l = worker_data(worker);
	struct word *word = arg;
	struct tcp_wire *w = find(l, word->id);

	if (w != NULL)
		splice_rest(w->splice, word->way == QUOTA_TO_PEER ? SPLICE_A_TO_B : SPLICE_B_TO_A,
			    word->rest_ms);
	free(word);
}

static void hear_of_bytes(struct worker *worker, void *arg)
{
	struct listen *l = worker_data(worker);
	struct word *word = arg;

	word->rest_ms = turnd_carried(l->turnd, word->id, word->way, word->bytes, listen_begin(l));
	if (word->rest_ms > 0)
		post(l, word->from, rest_here, word);
	free(word);
}

/* The limits are of the allocation, and kept by its worker. */
static uint32_t on_bytes(struct splice *s, enum splice_way from, size_t n, void *arg)
{
	struct tcp_wire *w = arg;
	struct listen *l = w->l;
	enum quota_way way = from == SPLICE_A_TO_B ? QUOTA_TO_PEER : QUOTA_TO_CLIENT;

	if (tcp_peer_worker(w->id) == l->index)
		return turnd_carried(l->turnd, w->id, way, n, listen_begin(l));
	w->untold[way] += n;
	if (w->untold[way] >= TELL_AT)
		tell_bytes(w, way);
	return 0;
}

static void on_end(struct splice *s, void *arg)
{
	tcp_wire_end(arg);
}

static bool open_bufferevent(struct tcp_wire *w)
{
	w->bev = bufferevent_socket_new(w->l->base, w->fd,
					BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	return w->bev != NULL;
}

bool tcp_wire_join(struct tcp_wire *w, struct listen *l, struct listen_link *link, uint32_t id)
{
	static const struct splice_events events = { .on_end = on_end, .on_bytes = on_bytes };
	static const struct splice_options options = { 0 };
	struct bufferevent *client;

	w->l = l;
	w->id = id;
	client = stream_make_raw(link->stream);
	if (client == NULL)
		return false;
	w->link = link;
	link->wire = w;
	if (!open_bufferevent(w))
		return false;
	w->splice = splice_new(l->base, client, w->bev, &options, &events, w);
	if (w->splice == NULL)
		return false;
	list_append(bucket_of(l, id), &w->joined);
	return true;
}

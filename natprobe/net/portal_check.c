/*
 * By a plain bufferevent, since evhttp makes its sockets itself, and so cannot bind them to an
 * interface. More than the first line of the answer is not looked at.
 */
#include "portal_check.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

#include "sockaddr.h"

struct portal_check {
	struct portal_check_config config;
	struct bufferevent *bev; /* NULL: it is over */
	struct verdict_yes_no result;
};

static void finish(struct portal_check *p, struct verdict_yes_no result)
{
	p->result = result;
	bufferevent_free(p->bev);
	p->bev = NULL;
}

static void judge(struct portal_check *p, bool is_whole)
{
	struct evbuffer *in = bufferevent_get_input(p->bev);
	size_t len = evbuffer_get_length(in);
	const uint8_t *data = evbuffer_pullup(in, (ev_ssize_t)len);
	struct verdict_yes_no result;

	if (portal_judge(bytes_of(data, data != NULL ? len : 0), is_whole, &result))
		finish(p, result);
}

static void on_data(struct bufferevent *bev, void *arg)
{
	judge(arg, false);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct portal_check *p = arg;
	char request[PORTAL_REQUEST_MAX];

	if ((events & BEV_EVENT_CONNECTED) != 0)
		bufferevent_write(bev, request, portal_request(p->config.url, request));
	else if ((events & BEV_EVENT_EOF) != 0)
		judge(p, true);
	else if ((events & BEV_EVENT_ERROR) != 0)
		finish(p, (struct verdict_yes_no){ VERDICT_UNKNOWN, CAUSE_SERVER_SILENT });
}

static bool start(struct portal_check *p)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&p->config.to, &sa);
	int fd = probe_socket_tcp(&p->config.source, 0);

	if (fd < 0)
		return false;
	p->bev = bufferevent_socket_new(p->config.base, fd,
					BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (p->bev == NULL) {
		close(fd);
		return false;
	}
	bufferevent_setcb(p->bev, on_data, NULL, on_event, p);
	bufferevent_setwatermark(p->bev, EV_READ, 0, PORTAL_ANSWER_MAX);
	return bufferevent_enable(p->bev, EV_READ | EV_WRITE) == 0 &&
	       bufferevent_socket_connect(p->bev, (struct sockaddr *)&sa, (int)len) == 0;
}

struct portal_check *portal_check_new(const struct portal_check_config *config)
{
	struct portal_check *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->config = *config;
	p->result = (struct verdict_yes_no){ VERDICT_UNKNOWN, CAUSE_TIMEOUT };
	if (!start(p))
		p->result.cause = CAUSE_LOCAL_ERROR;
	return p;
}

void portal_check_free(struct portal_check *p)
{
	if (p == NULL)
		return;
	if (p->bev != NULL)
		bufferevent_free(p->bev);
	free(p);
}

struct verdict_yes_no portal_check_result(const struct portal_check *p)
{
	return p->result;
}

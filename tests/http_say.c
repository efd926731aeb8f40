/*
 * http_say ADDRESS:PORT STATUS - answers every request with this status, a redirection with a
 * place to go to, and another success with a body. Says "ready", then the requests as "METHOD
 * HOST PATH". For tests/sys_beside.sh.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

#include "addr.h"

static void on_request(struct evhttp_request *request, void *arg)
{
	const int *status = arg;
	struct evbuffer *body = evbuffer_new();
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");

	printf("%s %s %s\n", evhttp_request_get_command(request) == EVHTTP_REQ_GET ? "GET" : "?",
	       host != NULL ? host : "-", evhttp_request_get_uri(request));
	if (*status / 100 == 3)
		evhttp_add_header(evhttp_request_get_output_headers(request), "Location",
				  "http://portal.example/");
	if (*status != 204 && body != NULL)
		evbuffer_add_printf(body, "<html>please log in</html>");
	evhttp_send_reply(request, *status, NULL, body);
	if (body != NULL)
		evbuffer_free(body);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base != NULL ? evhttp_new(base) : NULL;
	struct addr at;
	char ip[ADDR_TEXT_MAX];
	int status;

	if (argc != 3 || !addr_parse(argv[1], 80, &at) || http == NULL) {
		fprintf(stderr, "usage: http_say ADDRESS:PORT STATUS\n");
		return 2;
	}
	status = (int)strtol(argv[2], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	evhttp_set_gencb(http, on_request, &status);
	if (evhttp_bind_socket(http, addr_print_ip(&at, ip), at.port) != 0) {
		puts("cannot listen");
		return 1;
	}
	puts("ready");
	event_base_dispatch(base);
	return 0;
}

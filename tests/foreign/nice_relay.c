/*
 * nice_relay - two ICE agents of libnice that reach each other through a relay only, and compare
 * all data.
 *
 *	nice_relay udp|tcp SERVER PORT USER PASSWORD
 *
 * Prints "N messages" and ends with 0 when each message arrived as it was sent, both ways.
 */
#include <nice/agent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES    400
#define SIZE_MAX_OF 1200
#define PATIENCE_S  20
#define PER_TICK    10
#define TICK_MS     5

struct side {
	NiceAgent *agent;
	guint stream;
	struct side *other;
	guint8 seen[MESSAGES];
	int sent, got;
	bool gathered, ready;
};

static GMainLoop *loop;
static struct side sides[2];

static void die(const char *what)
{
	printf("%s\n", what);
	exit(1);
}

static gboolean on_timeout(gpointer arg)
{
	printf("%d and %d of %d messages\n", sides[0].got, sides[1].got, MESSAGES);
	exit(1);
}

/* The first two bytes are its number; they tell the rest, and how much of it there is. */
static guint make_message(int number, guint8 *buf)
{
	guint len = 2 + (guint)(number * 37) % (SIZE_MAX_OF - 1);

	buf[0] = (guint8)(number >> 8);
	buf[1] = (guint8)number;
	for (guint i = 2; i < len; i++)
		buf[i] = (guint8)((guint)number * 31 + i * 7);
	return len;
}

static void on_data(NiceAgent *agent, guint stream, guint component, guint len, gchar *data,
		    gpointer arg)
{
	struct side *s = arg;
	guint8 want[SIZE_MAX_OF + 2];
	int number = len >= 2 ? (guint8)data[0] << 8 | (guint8)data[1] : MESSAGES;

	if (number >= MESSAGES || make_message(number, want) != len ||
	    memcmp(want, data, len) != 0 || s->seen[number]++)
		die("what arrived is not what was sent");
	if (++s->got == MESSAGES && s->other->got == MESSAGES)
		g_main_loop_quit(loop);
}

static gboolean on_tick(gpointer arg)
{
	guint8 buf[SIZE_MAX_OF + 2];

	for (int i = 0; i < 2; i++) {
		struct side *s = &sides[i];

		for (int k = 0; k < PER_TICK && s->sent < MESSAGES; k++) {
			guint len = make_message(s->sent, buf);

			/* A stream may be full: then later. */
			if (nice_agent_send(s->agent, s->stream, 1, len, (gchar *)buf) != (gint)len)
				break;
			s->sent++;
		}
	}
	return G_SOURCE_CONTINUE;
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer arg)
{
	struct side *s = arg;

	if (state == NICE_COMPONENT_STATE_FAILED)
		die("no connection");
	if (state != NICE_COMPONENT_STATE_READY || s->ready)
		return;
	s->ready = true;
	if (s->other->ready)
		g_timeout_add(TICK_MS, on_tick, NULL);
}

static void introduce(struct side *from, struct side *to)
{
	GSList *list = nice_agent_get_local_candidates(from->agent, from->stream, 1);
	gchar *user, *password;

	if (list == NULL)
		die("no candidates");
	for (GSList *at = list; at != NULL; at = at->next) {
		if (((NiceCandidate *)at->data)->type != NICE_CANDIDATE_TYPE_RELAYED)
			die("a candidate that is not relayed");
	}
	nice_agent_get_local_credentials(from->agent, from->stream, &user, &password);
	nice_agent_set_remote_credentials(to->agent, to->stream, user, password);
	nice_agent_set_remote_candidates(to->agent, to->stream, 1, list);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer arg)
{
	struct side *s = arg;

	s->gathered = true;
	if (!s->other->gathered)
		return;
	introduce(s, s->other);
	introduce(s->other, s);
}

static void start(struct side *s, char **argv, gboolean controlling)
{
	NiceRelayType type =
		strcmp(argv[1], "tcp") == 0 ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP;

	s->agent = nice_agent_new(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245);
	g_object_set(s->agent, "controlling-mode", controlling, "upnp", FALSE, "force-relay", TRUE,
		     "ice-tcp", FALSE, NULL);
	g_signal_connect(s->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), s);
	g_signal_connect(s->agent, "component-state-changed", G_CALLBACK(on_state), s);
	s->stream = nice_agent_add_stream(s->agent, 1);
	nice_agent_set_relay_info(s->agent, s->stream, 1, argv[2],
				  (guint)strtoul(argv[3], NULL, 10), argv[4], argv[5], type);
	nice_agent_attach_recv(s->agent, s->stream, 1, g_main_loop_get_context(loop), on_data, s);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	loop = g_main_loop_new(NULL, FALSE);
	sides[0].other = &sides[1];
	sides[1].other = &sides[0];
	g_timeout_add_seconds(PATIENCE_S, on_timeout, NULL);
	start(&sides[0], argv, TRUE);
	start(&sides[1], argv, FALSE);
	for (int i = 0; i < 2; i++) {
		if (!nice_agent_gather_candidates(sides[i].agent, sides[i].stream))
			die("nothing to gather");
	}
	g_main_loop_run(loop);
	printf("%d messages\n", 2 * MESSAGES);
	return 0;
}

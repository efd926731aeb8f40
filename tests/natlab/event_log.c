#include <config.h>

#include "event_log.h"

#include <errno.h>
#include <inttypes.h>

static const char *const kinds[] = {
	[NAT_EVENT_MAPPED] = "mapped",     [NAT_EVENT_EXPIRED] = "expired",
	[NAT_EVENT_REMOVED] = "removed",   [NAT_EVENT_DROPPED] = "dropped",
	[NAT_EVENT_REMAPPED] = "remapped", [NAT_EVENT_PORTMAP] = "portmap",
};

bool event_log_open(const char *path, FILE **out, struct lab_error *err)
{
	*out = NULL;
	if (path == NULL)
		return true;
	*out = strcmp(path, "-") == 0 ? stderr : fopen(path, "we");
	if (*out == NULL)
		return lab_fail(err, "cannot write %.200s: %s", path, strerror(errno));
	setvbuf(*out, NULL, _IOLBF, 0);
	return true;
}

/* Names of nodes come from people. */
static void put_text(FILE *out, const char *text)
{
	putc('"', out);
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20)
			fprintf(out, "\\u%04x", *s);
		else
			putc(*s, out);
	}
	putc('"', out);
}

static void put_head(FILE *out, uint64_t now_us, const char *node, const char *what)
{
	fprintf(out, "{\"time_us\":%" PRIu64 ",\"node\":", now_us);
	put_text(out, node);
	fputs(",\"event\":", out);
	put_text(out, what);
}

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 58:
		return "icmpv6";
	default:
		return "other";
	}
}

static void put_address(FILE *out, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family != ADDR_NONE)
		fprintf(out, ",\"%s\":\"%s\"", key, addr_print(a, text));
}

void event_log_write(FILE *out, const char *box, const struct nat_event *event)
{
	put_head(out, event->now_us, box,
		 event->kind < ARRAY_LEN(kinds) ? kinds[event->kind] : "unknown");
	fprintf(out, ",\"protocol\":\"%s\",\"side\":\"%s\"", protocol_name(event->protocol),
		event->side == NAT_INSIDE ? "inside" : "outside");
	put_address(out, "internal", &event->internal);
	put_address(out, "external", &event->external);
	put_address(out, "remote", &event->remote);
	if (event->why != NULL) {
		fputs(",\"why\":", out);
		put_text(out, event->why);
	}
	fputs("}\n", out);
}

void event_log_note(FILE *out, const char *node, const char *what, uint64_t now_us)
{
	put_head(out, now_us, node, what);
	fputs("}\n", out);
}

bool event_log_check(FILE *out, struct lab_error *err)
{
	if (out == NULL || (fflush(out) == 0 && !ferror(out)))
		return true;
	return lab_fail(err, "not all of the log could be written: is there room for it?");
}

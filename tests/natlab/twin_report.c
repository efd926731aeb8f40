#include "twin_report.h"

#include <string.h>

/* --- lines of a log --- */

static struct bytes line_at(struct bytes text, size_t from)
{
	const uint8_t *end = memchr(text.data + from, '\n', text.len - from);
	size_t len = end != NULL ? (size_t)(end - text.data) - from : text.len - from;

	return bytes_of(text.data + from, len);
}

static bool is_object(struct bytes line)
{
	while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' '))
		line.len--;
	return line.len > 1 && line.data[0] == '{' && line.data[line.len - 1] == '}';
}

/* A log has a whole object on its first line; a report that is printed for people has not. */
static bool is_log(struct bytes text)
{
	return text.len > 0 && is_object(line_at(text, 0));
}

/* number: from 1 on; 0: the last one. False: there is no such line. */
static bool find_line(struct bytes text, int64_t number, struct bytes *out)
{
	int64_t count = 0;
	bool found = false;

	for (size_t at = 0; at < text.len;) {
		struct bytes line = line_at(text, at);

		at += line.len + 1;
		count += line.len > 0;
		/* A last line that was cut off is none. */
		if (is_object(line) && (number == 0 || number == count)) {
			*out = line;
			found = true;
		}
	}
	return found;
}

struct report_document *twin_report_read(struct bytes text, int64_t line, struct lab_error *err)
{
	struct report_read_error why;
	struct report_document *d;

	if (line != 0 && !is_log(text)) {
		lab_fail(err, "--line: this is no log of natprobe watch, but one report");
		return NULL;
	}
	if (is_log(text) && !find_line(text, line, &text)) {
		lab_fail(err, "--line: there is no report on line %lld", (long long)line);
		return NULL;
	}
	d = report_read(text, &why);
	if (d == NULL)
		lab_fail(err, "%s; what natprobe check --json prints is needed", why.text);
	return d;
}

/* --- interfaces --- */

static bool is_wanted(const struct report_probe *p, const struct twin_choice *c)
{
	return (c->interface == NULL || strcmp(c->interface, p->interface) == 0) &&
	       (c->family == ADDR_NONE || c->family == p->family);
}

static const struct report_probe *find(const struct report *r, const struct twin_choice *c,
				       enum verdict_outcome outcome)
{
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];

		if (is_wanted(p, c) && p->verdict != NULL && report_outcome(p) == outcome)
			return p;
	}
	return NULL;
}

static const char *family_word(uint8_t family)
{
	return family == ADDR_IPV6 ? "ipv6" : "ipv4";
}

/* Which interfaces there are. */
static void list(const struct report *r, char *buf, size_t cap)
{
	char name[REPORT_NAME_MAX];
	size_t len = 0;

	snprintf(buf, cap, "none");
	for (size_t i = 0; i < r->probe_count && len < cap; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%.20s %s", i > 0 ? ", " : "",
					report_name(r->probes[i].interface, name),
					family_word(r->probes[i].family));
}

static const struct report_probe *none(const struct report *r, const struct twin_choice *c,
				       struct lab_error *err)
{
	char all[160], name[REPORT_NAME_MAX];
	bool is_there = false;

	for (size_t i = 0; i < r->probe_count; i++)
		is_there = is_there || is_wanted(&r->probes[i], c);
	list(r, all, sizeof(all));
	if (!is_there && (c->interface != NULL || c->family != ADDR_NONE))
		lab_fail(err, "there is no interface %.40s%s%s; there are: %s",
			 c->interface != NULL ? report_name(c->interface, name) : "of family",
			 c->family != ADDR_NONE ? " " : "",
			 c->family != ADDR_NONE ? family_word(c->family) : "", all);
	else
		lab_fail(err, "no server answered, so nothing is known to rebuild (there are: %s)",
			 all);
	return NULL;
}

const struct report_probe *twin_report_pick(const struct report *r,
					    const struct twin_choice *choice, struct lab_error *err)
{
	const struct report_probe *p = find(r, choice, VERDICT_REACHED);

	if (p == NULL)
		p = find(r, choice, VERDICT_INCONCLUSIVE);
	return p != NULL ? p : none(r, choice, err);
}

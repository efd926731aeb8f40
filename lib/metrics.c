#include "metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:"
#define NAME_REST    NAME_LETTERS "0123456789"

void metrics_free(struct metrics *m)
{
	free(m->text);
	*m = (struct metrics){ 0 };
}

/* Room for len more bytes and the NUL behind them. */
static bool reserve(struct metrics *m, size_t len)
{
	size_t cap = m->cap != 0 ? m->cap : 4096;

	if (m->failed)
		return false;
	while (cap - m->len <= len)
		cap *= 2;
	if (cap == m->cap)
		return true;
	char *text = realloc(m->text, cap);
	if (text == NULL) {
		m->failed = true;
		return false;
	}
	m->text = text;
	m->cap = cap;
	return true;
}

static void put_mem(struct metrics *m, const char *from, size_t len)
{
	if (!reserve(m, len))
		return;
	memcpy(m->text + m->len, from, len);
	m->len += len;
	m->text[m->len] = '\0';
}

static void put(struct metrics *m, const char *text)
{
	put_mem(m, text, strlen(text));
}

/* \ and newline become \\ and \n, in a label " becomes \"; what is no UTF-8 becomes U+FFFD. */
static void put_escaped(struct metrics *m, const char *text, bool is_label)
{
	for (const char *s = text; *s != '\0';) {
		size_t len = utf8_len(bytes_of(s, strnlen(s, 4)));

		if (*s == '\n')
			put(m, "\\n");
		else if (*s == '\\')
			put(m, "\\\\");
		else if (*s == '"' && is_label)
			put(m, "\\\"");
		else if (len == 0)
			put(m, "\xef\xbf\xbd");
		else
			put_mem(m, s, len);
		s += len != 0 ? len : 1;
	}
}

static bool is_name(const char *name)
{
	return name[0] != '\0' && strchr(NAME_LETTERS, name[0]) != NULL &&
	       name[strspn(name, NAME_REST)] == '\0';
}

void metrics_family(struct metrics *m, const char *name, enum metrics_type type, const char *help)
{
	assert(is_name(name) && strlen(name) <= METRICS_NAME_MAX);
	snprintf(m->family, sizeof(m->family), "%s", name);
	put(m, "# HELP ");
	put(m, name);
	put(m, " ");
	put_escaped(m, help, false);
	put(m, "\n# TYPE ");
	put(m, name);
	put(m, type == METRICS_COUNTER ? " counter\n" : " gauge\n");
}

static void put_labels(struct metrics *m, const char *const *labels)
{
	if (labels == NULL || labels[0] == NULL)
		return;
	for (size_t i = 0; labels[i] != NULL; i += 2) {
		assert(is_name(labels[i]) && strchr(labels[i], ':') == NULL);
		put(m, i == 0 ? "{" : ",");
		put(m, labels[i]);
		put(m, "=\"");
		put_escaped(m, labels[i + 1], true);
		put(m, "\"");
	}
	put(m, "}");
}

static void put_sample(struct metrics *m, const char *const *labels, const char *value)
{
	assert(m->family[0] != '\0');
	put(m, m->family);
	put_labels(m, labels);
	put(m, " ");
	put(m, value);
	put(m, "\n");
}

void metrics_count(struct metrics *m, const char *const *labels, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_sample(m, labels, text);
}

void metrics_gauge(struct metrics *m, const char *const *labels, double value)
{
	char text[40];

	if (isnan(value))
		snprintf(text, sizeof(text), "NaN");
	else if (isinf(value))
		snprintf(text, sizeof(text), value > 0 ? "+Inf" : "-Inf");
	else
		snprintf(text, sizeof(text), "%.15g", value);
	put_sample(m, labels, text);
}

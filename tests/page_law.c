#include "page_law.h"

#include <stdbool.h>
#include <string.h>

#include <unistr.h>

#include "wire.h"

#define BEGINS    "<!DOCTYPE html>\n"
#define DEPTH_MAX 32
#define NAME_MAX  24

struct reader {
	const char *at, *end;
	char open[DEPTH_MAX][NAME_MAX]; /* elements, the outermost first */
	size_t depth;
};

static const char *const elements[] = {
	"html", "head",    "meta",    "title",   "style",  "body",       "main", "header",
	"nav",  "ul",      "ol",      "li",      "a",      "p",          "span", "h1",
	"h2",   "h3",      "article", "b",       "code",   "dl",         "dt",   "dd",
	"div",  "section", "table",   "caption", "thead",  "tbody",      "tr",   "th",
	"td",   "details", "summary", "pre",     "figure", "figcaption", "svg",  "desc",
	"g",    "line",    "circle",  "rect",    "path",   "text",
};

static const char *const attributes[] = {
	"lang",
	"charset",
	"http-equiv",
	"content",
	"name",
	"class",
	"id",
	"href",
	"scope",
	"role",
	"tabindex",
	"style",
	"viewBox",
	"x",
	"y",
	"x1",
	"y1",
	"x2",
	"y2",
	"cx",
	"cy",
	"r",
	"rx",
	"d",
	"width",
	"height",
	"aria-label",
	"aria-hidden",
	"aria-labelledby",
};

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

static bool is_next(const struct reader *r, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(r->end - r->at) >= len && memcmp(r->at, text, len) == 0;
}

static bool skip(struct reader *r, const char *text)
{
	if (!is_next(r, text))
		return false;
	r->at += strlen(text);
	return true;
}

static bool read_name(struct reader *r, char name[static NAME_MAX])
{
	size_t len = 0;

	while (r->at < r->end && len + 1 < NAME_MAX &&
	       (*r->at == '-' || (*r->at >= '0' && *r->at <= '9') ||
		(*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z')))
		name[len++] = *r->at++;
	name[len] = '\0';
	return len > 0;
}

/* "&#39;", and no other way to write a letter. */
static bool read_reference(struct reader *r)
{
	size_t digits = 0;

	if (!skip(r, "&#"))
		return false;
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
		digits++;
	return digits > 0 && digits < 8 && skip(r, ";");
}

/* Up to the closing quote, which is left. */
static const char *read_value(struct reader *r, const char *name)
{
	if (strcmp(name, "href") == 0 && !is_next(r, "#"))
		return "a link to somewhere else";
	if (strcmp(name, "style") == 0 && !is_next(r, "flex-grow:"))
		return "a style that nobody meant";
	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '<' || *r->at == '>')
			return "an unescaped letter in an attribute";
		if (*r->at == '&' && !read_reference(r))
			return "an unescaped & in an attribute";
		else if (*r->at != '"')
			r->at++;
	}
	return NULL;
}

static const char *read_attributes(struct reader *r)
{
	while (skip(r, " ")) {
		char name[NAME_MAX];
		const char *fault;

		if (!read_name(r, name) || !is_one_of(name, attributes, ARRAY_LEN(attributes)))
			return "an attribute that no page has";
		if (!skip(r, "=\""))
			return "an attribute without quotes";
		fault = read_value(r, name);
		if (fault != NULL)
			return fault;
		if (!skip(r, "\""))
			return "an attribute without an end";
	}
	return NULL;
}

/* What stands in a style sheet is no markup, and fetches nothing. */
static const char *read_sheet(struct reader *r)
{
	for (; r->at < r->end && *r->at != '<'; r->at++) {
		if (is_next(r, "url(") || is_next(r, "@import") || *r->at == '&')
			return "a style sheet that fetches something";
	}
	return NULL;
}

static const char *read_begin(struct reader *r)
{
	char name[NAME_MAX];
	const char *fault;

	if (!read_name(r, name) || !is_one_of(name, elements, ARRAY_LEN(elements)))
		return "an element that no page has";
	fault = read_attributes(r);
	if (fault != NULL)
		return fault;
	if (skip(r, "/>"))
		return NULL;
	if (!skip(r, ">"))
		return "a tag without an end";
	if (r->depth == DEPTH_MAX)
		return "elements too deep in others";
	memcpy(r->open[r->depth++], name, NAME_MAX);
	return strcmp(name, "style") == 0 ? read_sheet(r) : NULL;
}

static const char *read_end(struct reader *r)
{
	char name[NAME_MAX];

	if (!read_name(r, name) || !skip(r, ">"))
		return "an end tag that is none";
	if (r->depth == 0 || strcmp(r->open[r->depth - 1], name) != 0)
		return "an end without a beginning";
	r->depth--;
	return NULL;
}

static const char *read_letter(struct reader *r)
{
	if (*r->at == '&')
		return read_reference(r) ? NULL : "an unescaped & in text";
	if (*r->at == '>' || (*r->at >= 0 && *r->at < ' ' && *r->at != '\n') || *r->at == 0x7f)
		return "an unescaped letter in text";
	r->at++;
	return NULL;
}

static const char *read_all(struct reader *r)
{
	while (r->at < r->end) {
		const char *fault;

		if (skip(r, "</"))
			fault = read_end(r);
		else if (skip(r, "<"))
			fault = read_begin(r);
		else
			fault = read_letter(r);
		if (fault != NULL)
			return fault;
		if (r->depth == 0 && !is_next(r, "<") && !is_next(r, "\n") && r->at < r->end)
			return "text outside of the page";
	}
	return r->depth == 0 ? NULL : "an element without an end";
}

const char *page_fault(const char *html, size_t len, size_t *at)
{
	struct reader r = { .at = html, .end = html + len };
	const char *fault;

	*at = 0;
	if (u8_check((const uint8_t *)html, len) != NULL)
		return "no UTF-8";
	if (!skip(&r, BEGINS))
		return "no page of HTML";
	fault = read_all(&r);
	*at = (size_t)(r.at - html);
	return fault;
}

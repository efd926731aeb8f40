/* The page: headline, cards, expectations, the JSON. */
#include "report_html.h"

#include <stdlib.h>

#include "report_html_parts.h"
#include "natprobe/report/report_json.h"
#include "natprobe/report/report_tests.h"

const char *html_family(uint8_t family)
{
	return family == ADDR_IPV6 ? "IPv6" : "IPv4";
}

/* No script, no font, no picture from anywhere: not even by mistake. */
void html_head_begin(FILE *out, const char *program)
{
	html_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
	html_put(out, "<meta http-equiv=\"Content-Security-Policy\" "
		      "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n");
	html_put(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		      "<meta name=\"color-scheme\" content=\"light dark\"/>\n");
	html_put(out, "<meta name=\"generator\" content=\"%s\"/>\n<title>", program);
}

void html_head_end(FILE *out)
{
	html_put(out, "</title>\n");
	html_style(out);
	html_put(out, "</head>\n<body>\n");
}

static void put_head(FILE *out, const struct report *r)
{
	html_head_begin(out, r->program);
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];

		if (p->verdict == NULL)
			continue;
		html_put(out, "%s, %s: %s ", p->interface, html_family(p->family),
			 verdict_headline(p->verdict));
		break;
	}
	html_put(out, "natprobe");
	html_head_end(out);
}

/* The one that says most: where UDP works, else whatever was probed. */
static const struct report_probe *leader(const struct report *r)
{
	const struct report_probe *best = NULL;

	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];

		if (p->verdict == NULL)
			continue;
		if (best == NULL || (report_outcome(p) == VERDICT_REACHED &&
				     report_outcome(best) != VERDICT_REACHED))
			best = p;
	}
	return best;
}

static void put_contents(FILE *out, const struct report *r)
{
	if (r->probe_count < 2)
		return;
	html_put(out, "<nav aria-label=\"Interfaces\"><ul class=\"contents\">\n");
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];

		html_put(out, "<li><a href=\"#card-%zu\">%s, %s</a> ", i, p->interface,
			 html_family(p->family));
		if (p->verdict != NULL)
			html_put(out, "%s</li>\n", verdict_headline(p->verdict));
		else
			html_put(out, "Not probed: %s.</li>\n", p->why);
	}
	html_put(out, "</ul></nav>\n");
}

static void put_unresolved(FILE *out, const struct report *r)
{
	for (size_t i = 0; i < r->server_count; i++) {
		if (r->servers[i].why != NULL)
			html_put(out, "<p class=\"warning\">%s: %s</p>\n", r->servers[i].name,
				 r->servers[i].why);
	}
}

static void put_headline(FILE *out, const struct report *r)
{
	const struct report_probe *p = leader(r);

	html_put(out,
		 "<header>\n<p class=\"brand\">%s <span>network report, taken in %.1f "
		 "s</span></p>\n",
		 r->program, (double)r->elapsed_ms / 1000);
	if (p != NULL)
		html_put(out, "<h1>%s</h1>\n", verdict_headline(p->verdict));
	else
		html_put(out, "<h1>Nothing was probed%s%s.</h1>\n", r->why != NULL ? ": " : "",
			 r->why != NULL ? r->why : "");
	put_contents(out, r);
	put_unresolved(out, r);
	html_put(out, "</header>\n");
}

static void put_expectation(FILE *out, const struct report_test *t)
{
	static const char *const tones[TEST_RESULTS] = {
		[TEST_PASSED] = "good",
		[TEST_FAILED] = "bad",
		[TEST_OPEN] = "open",
		[TEST_SKIPPED] = "plain",
	};
	char text[REPORT_TEST_TEXT_MAX];

	html_put(out, "<tr><td><span class=\"badge %s\">%s</span></td>", tones[t->result],
		 report_test_word((enum report_test_result)t->result));
	html_put(out, "<td>%s</td>", report_test_place(t, text));
	html_put(out, "<td>%s</td>", report_test_name(t, text));
	html_put(out, "<td>%s</td></tr>\n", report_test_got(t, text));
}

static void put_expectations(FILE *out, const struct report_tests *t)
{
	if (t == NULL)
		return;
	html_put(out,
		 "<section class=\"card\">\n<h2>What was expected</h2>\n"
		 "<p>%s: %zu met, %zu missed, %zu open.</p>\n",
		 t->file != NULL ? t->file : "-", t->by_result[TEST_PASSED],
		 t->by_result[TEST_FAILED], t->by_result[TEST_OPEN]);
	html_put(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Result</th>"
		      "<th scope=\"col\">Where</th><th scope=\"col\">Expected</th>"
		      "<th scope=\"col\">Found</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < t->count; i++)
		put_expectation(out, &t->items[i]);
	html_put(out, "</tbody></table></div>\n</section>\n");
}

static void put_json(FILE *out, const struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *json = open_memstream(&text, &len);
	bool ok = json != NULL && report_json(r, json);

	if (json != NULL && fclose(json) != 0)
		ok = false;
	if (!ok)
		html_put(out, "<p class=\"warning\">The JSON is missing: it could not be "
			      "written.</p>\n");
	else
		html_put(out,
			 "<details class=\"raw\"><summary>The same for machines: JSON, as natprobe "
			 "show and natprobe diff read it</summary>\n"
			 "<pre tabindex=\"0\">%s</pre></details>\n",
			 text);
	free(text);
}

bool report_html(const struct report *r, FILE *out)
{
	put_head(out, r);
	html_put(out, "<main>\n");
	put_headline(out, r);
	put_expectations(out, r->expectations);
	for (size_t i = 0; i < r->probe_count; i++)
		html_card(out, r, i);
	put_json(out, r);
	html_put(out, "</main>\n</body>\n</html>\n");
	return fflush(out) == 0 && !ferror(out);
}

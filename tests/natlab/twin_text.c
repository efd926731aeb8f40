#include "twin_text.h"

#include <stdlib.h>
#include <string.h>

#include "behaviour.h"
#include "natprobe/report/expect.h"

#define BOX_NAME      "nat"
#define COMMENT_AT    40
#define EXPECT_CHUNKS 16384

/* What a line of a box is printed with. */
struct page {
	const struct nat_twin *twin;
	const struct verdict *v;
	uint8_t layer;
	FILE *out;
};

static const char *value_of(const struct verdict *v, const char *name, char *buf, size_t cap)
{
	const struct property *p = property_find(name);
	struct property_value value;

	if (p == NULL)
		return "";
	property_get(p, v, &value);
	snprintf(buf, cap, "%s", value.text);
	return buf;
}

static void print_line(void *arg, const char *name, const char *value)
{
	const struct page *page = arg;
	const struct nat_twin_source *s = nat_twin_source_of(page->twin, page->layer, name);
	char text[PROPERTY_TEXT_MAX];
	int len = fprintf(page->out, "%s = %s", name, value);

	if (s != NULL)
		fprintf(page->out, "%*s# ", len < COMMENT_AT ? COMMENT_AT - len : 1, "");
	if (s != NULL && s->why != NULL)
		fputs(s->why, page->out);
	else if (s != NULL)
		fprintf(page->out, "%s: %s", s->property,
			value_of(page->v, s->property, text, sizeof(text)));
	fputc('\n', page->out);
}

static void print_name(FILE *out, unsigned layer)
{
	fputs(BOX_NAME, out);
	if (layer > 0)
		fprintf(out, "-%u", layer);
}

static void print_box(struct page *page)
{
	static const struct nat_link_config wire = { 0 };
	const struct nat_twin *t = page->twin;
	struct addr inside = nat_plan_gateway(&t->profile, page->layer);
	char text[ADDR_TEXT_MAX];

	fputs("\n[box ", page->out);
	print_name(page->out, page->layer);
	fprintf(page->out, "]\ninside = %s\n", addr_print_ip(&inside, text));
	if (page->layer > 0) {
		fputs("behind = ", page->out);
		print_name(page->out, page->layer - 1u);
		fputc('\n', page->out);
	}
	behaviours_each(&t->profile.layers[page->layer], page->layer == 0 ? &t->line : &wire, false,
			print_line, page);
}

static void print_gap(const struct page *page, const struct nat_twin_gap *g)
{
	const struct property *p = property_find(g->property);
	struct property_value value = { .known = true };

	if (p != NULL)
		property_get(p, page->v, &value);
	fprintf(page->out, "#   %s: %s (%s)\n", g->property, g->assumed,
		value.known ? value.text : verdict_cause_text(value.cause));
}

static void print_gaps(const struct page *page, bool is_rebuilt, const char *title)
{
	const struct nat_twin *t = page->twin;
	bool is_first = true;
	char text[PROPERTY_TEXT_MAX];

	for (size_t i = 0; i < t->gap_count; i++) {
		const struct nat_twin_gap *g = &t->gaps[i];

		if ((g->assumed != NULL) != is_rebuilt)
			continue;
		if (is_first)
			fprintf(page->out, "#\n# %s\n", title);
		is_first = false;
		if (is_rebuilt)
			print_gap(page, g);
		else
			fprintf(page->out, "#   %s: %s\n", g->property,
				value_of(page->v, g->property, text, sizeof(text)));
	}
}

void twin_print(const struct nat_twin *t, const struct report_probe *of, FILE *out)
{
	struct page page = { .twin = t, .v = of->verdict, .out = out };
	char name[REPORT_NAME_MAX];

	fprintf(out,
		"# What natprobe measured on %s in IPv%c, rebuilt by natlab twin. Addresses are\n"
		"# those of the laboratory. Behind # stands what a line was made of.\n",
		report_name(of->interface, name), of->family == ADDR_IPV6 ? '6' : '4');
	print_gaps(&page, true, "Not known or not to be had, and what is in its place:");
	print_gaps(&page, false, "Nothing of this is rebuilt:");
	for (uint8_t layer = 0; layer < t->profile.layer_count; layer++) {
		page.layer = layer;
		print_box(&page);
	}
	fputs("\n[host " TWIN_HOST "]\nbehind = ", out);
	print_name(out, t->profile.layer_count - 1u);
	fputc('\n', out);
}

/* There is no name server in a laboratory to tell of a NAT64, and no UPnP. */
static void forget_names(struct verdict_deep *v)
{
	deep_set_unknown(v, DEEP_464XLAT, CAUSE_NOT_TRIED);
	deep_set_unknown(v, DEEP_NAT64_PREFIX, CAUSE_NOT_TRIED);
	if (v->values[DEEP_PORTMAP_WORKS].state == DEEP_NONE)
		deep_set_unknown(v, DEEP_PORTMAP_WORKS, CAUSE_NOT_TRIED);
}

bool twin_print_expected(const struct report_probe *of, FILE *out)
{
	struct verdict *v = malloc(sizeof(*v));
	char *text = malloc(EXPECT_CHUNKS);
	struct expect_subject subject = { of->interface, of->family, v };
	bool ok = v != NULL && text != NULL;

	if (ok) {
		nat_twin_expected(of->verdict, v);
		forget_names(&v->deep);
		ok = expect_save(&subject, 1, text, EXPECT_CHUNKS) < EXPECT_CHUNKS &&
		     fputs(text, out) != EOF;
	}
	free(v);
	free(text);
	return ok;
}

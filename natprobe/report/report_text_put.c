#include "report_text_put.h"

#define PLAIN       "\033[0m"
#define LABEL_WIDTH 11

void text_coloured(const struct text *t, const char *colour, const char *what)
{
	if (t->style->colour)
		fprintf(t->out, "%s%s%s", colour, what, PLAIN);
	else
		fputs(what, t->out);
}

void text_label(const struct text *t, const char *name)
{
	fprintf(t->out, "  %-*s ", LABEL_WIDTH, name);
}

const char *text_server_name(const struct verdict *v, uint8_t index)
{
	if (index >= v->server_count || v->servers[index].name == NULL)
		return "?";
	return v->servers[index].name;
}

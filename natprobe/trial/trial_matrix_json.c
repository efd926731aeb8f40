#include "trial_matrix_print.h"

#include "natprobe/report/report_json_put.h"

static json_t *strategies(struct json *j, const struct trial_cell *c)
{
	json_t *o = json_object();

	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		if (c->strategies[i] > 0)
			json_put(j, o, punch_strategy_word((enum punch_strategy)i),
				 json_integer(c->strategies[i]));
	}
	return o;
}

static json_t *reasons(struct json *j, const struct trial_cell *c)
{
	json_t *o = json_object();

	for (unsigned i = REASON_UNSURE; i < PUNCH_REASONS; i++) {
		if (c->reasons[i] > 0)
			json_put(j, o, punch_reason_word((enum punch_reason)i),
				 json_integer(c->reasons[i]));
	}
	return o;
}

static json_t *cell(struct json *j, const struct trial_matrix *m, size_t row, size_t column)
{
	const struct trial_cell *c = &m->cells[row][column];
	enum punch_strategy best = trial_cell_best(c);
	json_t *o = json_object(), *interval = json_object();

	json_put(j, interval, "low", json_share(c->interval.low));
	json_put(j, interval, "high", json_share(c->interval.high));
	json_put(j, o, "a", json_string(m->labels[row]));
	json_put(j, o, "b", json_string(m->labels[column]));
	json_put(j, o, "tries", json_integer(c->tries));
	json_put(j, o, "paths", json_integer(c->paths));
	json_put(j, o, "relayed", json_integer(c->relayed));
	json_put(j, o, "interval", interval);
	json_put(j, o, "best",
		 best != PUNCH_NONE ? json_string(punch_strategy_word(best)) : json_null());
	json_put(j, o, "strategies", strategies(j, c));
	json_put(j, o, "reasons", reasons(j, c));
	return o;
}

/* Each pair of networks once. */
static json_t *cells(struct json *j, const struct trial_matrix *m)
{
	json_t *list = json_array();

	for (size_t row = 0; row < m->count; row++) {
		for (size_t column = row; column < m->count; column++) {
			if (m->cells[row][column].tries > 0)
				json_add(j, list, cell(j, m, row, column));
		}
	}
	return list;
}

bool trial_matrix_json(const struct trial_matrix *m, const char *program, FILE *out)
{
	json_t *doc = json_object(), *labels = json_array();
	struct json j = { 0 };

	for (size_t i = 0; i < m->count; i++)
		json_add(&j, labels, json_string(m->labels[i]));
	json_put(&j, doc, "version", json_integer(TRIAL_MATRIX_JSON_VERSION));
	json_put(&j, doc, "program", json_string(program));
	json_put(&j, doc, "command", json_string("matrix"));
	json_put(&j, doc, "runs", json_integer(m->runs));
	json_put(&j, doc, "trials", json_integer(m->trials));
	json_put(&j, doc, "repeated", json_integer(m->repeated));
	json_put(&j, doc, "networks", labels);
	json_put(&j, doc, "cells", cells(&j, m));
	return json_finish(&j, doc, JSON_MANY_LINES, out);
}

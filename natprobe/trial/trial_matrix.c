#include "trial_matrix.h"

#include <stdio.h>
#include <stdlib.h>

#include "natprobe/plan.h"
#include "wire.h"

/* Which trials of a run are in the table. */
struct trial_seen {
	char id[TRIAL_TEXT_MAX];
	uint8_t bits[(TRIAL_SEEN_MAX + 7) / 8];
};

static void append(char *out, const char *what)
{
	size_t len = strlen(out);

	(void)snprintf(out + len, TRIAL_LABEL_MAX - len, "%s", what);
}

/* Classes of one family, each once, in their order. */
static void add_classes(const struct trial_networks *n, uint8_t family, const char *before,
			char *out)
{
	uint32_t classes = 0;

	for (uint8_t i = 0; i < n->count; i++) {
		if (n->items[i].family == family && n->items[i].class < PLAN_CLASSES)
			classes |= 1u << n->items[i].class;
	}
	for (unsigned c = 0; c < PLAN_CLASSES; c++) {
		if ((classes >> c & 1) == 0)
			continue;
		append(out, before);
		append(out, plan_class_word((enum plan_class)c));
		before = " + ";
	}
}

void trial_networks_label(const struct trial_networks *n, char out[static TRIAL_LABEL_MAX])
{
	out[0] = '\0';
	add_classes(n, ADDR_IPV4, "", out);
	add_classes(n, ADDR_IPV6, out[0] != '\0' ? ", IPv6 " : "IPv6 ", out);
	if (out[0] == '\0')
		append(out, plan_class_word(PLAN_UNKNOWN));
}

struct trial_matrix *trial_matrix_new(void)
{
	return calloc(1, sizeof(struct trial_matrix));
}

void trial_matrix_free(struct trial_matrix *m)
{
	if (m == NULL)
		return;
	free(m->seen);
	free(m);
}

/* A row and a column more, before the i-th. */
static void insert(struct trial_matrix *m, size_t i, const char *label)
{
	size_t after = m->count - i;

	memmove(m->labels[i + 1], m->labels[i], after * sizeof(m->labels[0]));
	(void)snprintf(m->labels[i], sizeof(m->labels[i]), "%s", label);
	memmove(m->cells[i + 1], m->cells[i], after * sizeof(m->cells[0]));
	memset(m->cells[i], 0, sizeof(m->cells[0]));
	m->count++;
	for (size_t row = 0; row < m->count; row++) {
		struct trial_cell *cells = m->cells[row];

		memmove(&cells[i + 1], &cells[i], after * sizeof(cells[0]));
		memset(&cells[i], 0, sizeof(cells[0]));
	}
}

static size_t place_of(const struct trial_matrix *m, const char *label)
{
	size_t i = 0;

	while (i < m->count && strcmp(m->labels[i], label) < 0)
		i++;
	return i;
}

static bool has_place(struct trial_matrix *m, const char *label)
{
	size_t i = place_of(m, label);

	if (i < m->count && strcmp(m->labels[i], label) == 0)
		return true;
	if (m->count == TRIAL_NETWORKS_MAX)
		return false;
	insert(m, i, label);
	return true;
}

static struct trial_seen *seen_of(struct trial_matrix *m, const char *id)
{
	struct trial_seen *grown;

	for (size_t i = 0; i < m->seen_count; i++) {
		if (strcmp(m->seen[i].id, id) == 0)
			return &m->seen[i];
	}
	grown = realloc(m->seen, (m->seen_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	m->seen = grown;
	grown = &m->seen[m->seen_count++];
	*grown = (struct trial_seen){ 0 };
	(void)snprintf(grown->id, sizeof(grown->id), "%s", id);
	return grown;
}

/* Notes it, too. */
static bool is_repeated(struct trial_seen *s, uint32_t trial)
{
	uint8_t bit = (uint8_t)(1u << trial % 8);

	if (s == NULL || trial >= TRIAL_SEEN_MAX)
		return false;
	if ((s->bits[trial / 8] & bit) != 0)
		return true;
	s->bits[trial / 8] |= bit;
	return false;
}

static void count(struct trial_cell *c, const struct trial_record *r)
{
	uint8_t reason = r->overall.reason;

	c->tries++;
	if (r->path.strategy != PUNCH_NONE) {
		c->paths += !r->path.is_relayed;
		c->relayed += r->path.is_relayed;
		c->strategies[r->path.strategy]++;
	} else {
		c->reasons[reason < PUNCH_REASONS ? reason : REASON_UNSURE]++;
	}
	c->interval = trial_wilson(c->paths, c->tries);
}

const char *trial_matrix_add(struct trial_matrix *m, const struct trial_run *run)
{
	char ours[TRIAL_LABEL_MAX], theirs[TRIAL_LABEL_MAX];
	struct trial_seen *seen = NULL;
	size_t i, j;

	trial_networks_label(&run->ours, ours);
	trial_networks_label(&run->theirs, theirs);
	if (!has_place(m, ours) || !has_place(m, theirs))
		return "there are more kinds of network than one table takes";
	if (run->id[0] != '\0') {
		seen = seen_of(m, run->id);
		if (seen == NULL)
			return "out of memory";
	}
	i = place_of(m, ours);
	j = place_of(m, theirs);
	m->runs++;
	for (size_t k = 0; k < run->count; k++) {
		if (is_repeated(seen, run->records[k].trial)) {
			m->repeated++;
			continue;
		}
		m->trials++;
		count(&m->cells[i][j], &run->records[k]);
		if (i != j)
			count(&m->cells[j][i], &run->records[k]);
	}
	return NULL;
}

enum punch_strategy trial_cell_best(const struct trial_cell *c)
{
	unsigned best = PUNCH_NONE;

	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		if (c->strategies[i] > c->strategies[best])
			best = i;
	}
	return (enum punch_strategy)best;
}

enum punch_reason trial_cell_reason(const struct trial_cell *c)
{
	unsigned most = REASON_NONE;

	for (unsigned i = REASON_UNSURE; i < PUNCH_REASONS; i++) {
		if (c->reasons[i] > c->reasons[most])
			most = i;
	}
	return (enum punch_reason)most;
}

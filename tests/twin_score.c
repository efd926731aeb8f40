#include "twin_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "natlab/behaviour.h"
#include "natlab/topology.h"
#include "natlab/twin_text.h"
#include "natprobe/report/property.h"
#include "sim_deep.h"

struct comparison {
	const struct twin_case *c;
	const struct verdict *first, *second;
	FILE *says;
	struct twin_score *score;
};

static void say(const struct comparison *k, const char *what, const char *wanted, const char *got)
{
	if (k->says != NULL)
		fprintf(k->says, "%s (%s) seed %u, %g %% loss: %s was %s, and is %s\n",
			k->c->profile->id, k->c->profile->name, (unsigned)k->c->seed,
			100 * k->c->loss, what, wanted, got);
}

/* --- two verdicts --- */

/* It follows from lifetimes, each of which is an interval of a tenth. */
static bool is_about(int64_t a, int64_t b)
{
	return 10 * a <= 11 * b && 10 * b <= 11 * a;
}

static bool is_equal(const struct property *p, const struct property_value *a,
		     const struct property_value *b)
{
	if (a->applies != b->applies)
		return false;
	if (strcmp(p->name, "keepalive") == 0 && a->applies)
		return is_about(a->integer, b->integer);
	if (p->kind == PROPERTY_MEASURE && a->applies)
		return a->low <= b->high && b->low <= a->high;
	return strcmp(a->text, b->text) == 0;
}

static void compare_property(const struct comparison *k, const struct property *p)
{
	struct property_value a, b;
	char text[PROPERTY_LONG_MAX];

	if (p->is_passing || !property_is_asked(p, k->first))
		return;
	property_get(p, k->first, &a);
	property_get(p, k->second, &b);
	if (!a.known)
		return;
	k->score->known++;
	if (b.known && is_equal(p, &a, &b)) {
		k->score->equal++;
		return;
	}
	if (b.known)
		k->score->other++;
	else
		k->score->open++;
	say(k, p->name, a.text, property_print(p, &b, text));
}

/* --- a twin as a file --- */

/* What natlab makes of the file is what was printed. */
static bool is_same_box(const struct nat_config *a, const struct nat_link_config *a_line,
			const struct lab_box *b)
{
	char *texts[2] = { NULL, NULL };
	size_t lens[2];
	bool same;

	for (int i = 0; i < 2; i++) {
		FILE *out = open_memstream(&texts[i], &lens[i]);

		if (out == NULL)
			abort();
		behaviours_print(i == 0 ? a : &b->config, i == 0 ? a_line : &b->line, true, out);
		if (fclose(out) != 0)
			abort();
	}
	same = strcmp(texts[0], texts[1]) == 0 && addr_equal_ip(&a->gateway, &b->inside);
	free(texts[0]);
	free(texts[1]);
	return same;
}

static bool is_plan_of(const struct nat_twin *t, const struct lab_plan *plan)
{
	static const struct nat_link_config wire = { 0 };
	const struct nat_profile *p = &t->profile;
	struct addr host = nat_plan_host(p, 0);
	struct nat_link_config line = t->line;

	if (line.delay_us == 0)
		line.delay_us = LAB_DELAY_US;
	if (plan->box_count != p->layer_count || plan->host_count != 1 ||
	    !addr_equal_ip(&plan->hosts[0].nics[0].addr, &host))
		return false;
	for (size_t i = 0; i < plan->box_count; i++) {
		if (!is_same_box(&p->layers[i], i == 0 ? &line : &wire, &plan->boxes[i]))
			return false;
	}
	return true;
}

/* Freed by the caller. */
static char *print(const struct nat_twin *t, const struct report_probe *of, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (out == NULL)
		abort();
	twin_print(t, of, out);
	if (fclose(out) != 0)
		abort();
	return text;
}

static void check_file(const struct comparison *k, const struct nat_twin *t)
{
	static struct lab_plan plan; /* too large for a stack */
	const struct opt_program *program = topology_program();
	struct report_probe of = { .interface = "eth0",
				   .family = k->c->profile->family,
				   .verdict = k->first };
	size_t len = 0;
	char *text = print(t, &of, &len);
	struct opt_error why = { "another network" };
	struct lab_error err = { "another network" };
	struct topology topology;

	if (!opt_defaults(program, &topology, &why))
		abort();
	if (!opt_read_text(program, "twin", text, len, &topology, &why)) {
		k->score->broken++;
		say(k, "its file", "read", why.text);
	} else if (!topology_plan(&topology, &plan, &err) || !is_plan_of(t, &plan)) {
		k->score->broken++;
		say(k, "its file", "planned", err.text);
	}
	opt_clear(program, &topology);
	free(text);
}

/* --- runs --- */

static void probe(const struct twin_case *c, const struct sim_config *net, struct verdict *out)
{
	static struct sim_deep_result result; /* too large for a stack */
	struct sim_result results[SIM_INTERFACES_MAX];
	struct sim_deep_config deep = { .net = *net };

	if (c->deep) {
		sim_deep_run(&deep, &result);
		*out = result.verdict;
	} else {
		(void)sim_run(net, results);
		*out = results[0].verdict;
	}
}

void twin_score_run(const struct twin_case *c, FILE *says, struct twin_score *score)
{
	static struct verdict measured, first, second;
	struct comparison k = { c, &first, &second, says, score };
	struct sim_config net = { .profile = c->profile,
				  .seed = c->seed,
				  .access = { .loss = c->loss },
				  .server_count = 1 };
	struct nat_twin t;

	score->runs++;
	probe(c, &net, &measured);
	nat_twin_derive(&measured, c->profile->family, &t);
	check_file(&k, &t);
	nat_twin_expected(&measured, &first);
	net.profile = &t.profile;
	net.rtt_us = 2 * t.line.delay_us;
	net.access = t.line;
	net.access.delay_us = 0;
	probe(c, &net, &second);
	for (size_t i = 0; i < property_count; i++)
		compare_property(&k, &property_table[i]);
}

/* natlab list and natlab show: what profiles there are, and what is true of them. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "behaviour.h"
#include "tests/nat_truth_deep.h"
#include "opt_rows.h"
#include "spaces.h"

struct list_options {
	bool json, expect, deep, all, help;
};

static const struct opt list_table[] = {
	OPT_ROW_FLAG(struct list_options, json, 'j', "print a JSON array instead of text"),
	OPT_ROW_HELP(struct list_options),
	{ 0 },
};

static const struct opt_program list_program = {
	.name = "natlab list",
	.synopsis = "[OPTION]...",
	.summary = "Lists the profiles: networks with a name and a known truth.",
	.table = list_table,
	.size = sizeof(struct list_options),
};

static const struct opt show_table[] = {
	OPT_ROW_FLAG(struct list_options, expect, 'e',
		     "print only what is true of it, as expectations for natprobe check"),
	OPT_ROW_FLAG(struct list_options, deep, 'd',
		     "with --expect: what natprobe check --deep shall find as well"),
	OPT_ROW_FLAG(struct list_options, all, 'a',
		     "print every behaviour, also those that are as usual"),
	OPT_ROW_HELP(struct list_options),
	{ 0 },
};

static const struct opt_program show_program = {
	.name = "natlab show",
	.synopsis = "PROFILE [OPTION]...",
	.summary = "Prints the behaviour of a profile, as options of natlab run and as keys of a "
		   "file, and what a diagnosis should say about it.",
	.table = show_table,
	.size = sizeof(struct list_options),
};

static const char *engine_name(const struct nat_profile *p)
{
	return p->engine == NAT_ENGINE_KERNEL ? "kernel" : "model";
}

/* Ours alone: no character of them needs care. */
static void list_json(void)
{
	puts("[");
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];

		printf("{\"id\":\"%s\",\"name\":\"%s\",\"engine\":\"%s\",\"summary\":\"%s\"}%s\n",
		       p->id, p->name, engine_name(p), p->summary,
		       i + 1 < nat_profile_count ? "," : "");
	}
	puts("]");
}

static void list_text(void)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];

		printf("%-4s %-24s %-6s %s\n", p->id, p->name, engine_name(p), p->summary);
	}
}

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natlab: %s: %s\n", what, why);
	return EXIT_OURS;
}

static int end_output(void)
{
	return fflush(stdout) == 0 ? 0 : usage("stdout", "cannot write");
}

/* Returns -1 to go on; *first as of opt_read_args. */
static int read_options(const struct opt_program *program, int argc, char **argv,
			struct list_options *o, int *first)
{
	struct opt_error err;

	if (!opt_read_args(program, argc, argv, o, first, &err)) {
		fprintf(stderr, "natlab: %s\n", err.text);
		return EXIT_OURS;
	}
	if (!o->help)
		return -1;
	opt_print_help(program, stdout);
	return end_output();
}

int cmd_list(int argc, char **argv)
{
	struct list_options o = { 0 };
	int first, status = read_options(&list_program, argc, argv, &o, &first);

	if (status >= 0)
		return status;
	if (first < argc)
		return usage(argv[first], "list takes options only");
	if (o.json)
		list_json();
	else
		list_text();
	return end_output();
}

static void print_indented(const char *text)
{
	for (const char *at = text; *at != '\0';) {
		size_t len = strcspn(at, "\n");

		printf("  %.*s\n", (int)len, at);
		at += len + (at[len] == '\n' ? 1 : 0);
	}
}

static void show(const struct nat_profile *p, bool all)
{
	static const struct nat_link_config wire = { 0 };

	printf("%s %s: %s\n\nengine: %s\n", p->id, p->name, p->summary, engine_name(p));
	for (unsigned i = p->layer_count; i-- > 0;) {
		struct addr inside = nat_plan_gateway(p, i);
		char text[ADDR_TEXT_MAX];

		printf("\nbox %u, %s inside\n", i, addr_print_ip(&inside, text));
		behaviours_print(&p->layers[i], i == 0 ? &p->access : &wire, all, stdout);
	}
	if (p->engine == NAT_ENGINE_KERNEL && p->nft != NULL) {
		puts("\nruleset of nftables");
		print_indented(p->nft);
	}
	puts("\nexpected of a diagnosis");
	print_indented(p->truth);
	print_indented(p->deep_truth);
	printf("\nin P2PD's words: %s, delta %s\nagainst a port-restricted peer: %s\n",
	       p->p2pd_type, p->p2pd_delta, p->strategy);
}

static void show_expected(const struct nat_profile *p, bool deep)
{
	struct nat_deep_truth derived;

	printf("# %s %s: %s\n%s", p->id, p->name, p->summary, p->truth);
	if (!deep)
		return;
	fputs(p->deep_truth, stdout);
	if (nat_truth_deep(p, &derived))
		fputs(derived.lines, stdout);
}

int cmd_show(int argc, char **argv)
{
	struct list_options o = { 0 };
	const struct nat_profile *p;
	struct lab_error err;
	int at, behind, status = read_options(&show_program, argc, argv, &o, &at);

	if (status >= 0)
		return status;
	if (at >= argc)
		return usage("show", "a profile is missing; natlab list shows them");
	p = lab_profile(argv[at], &err);
	if (p == NULL)
		return usage("show", err.text);
	status = read_options(&show_program, argc - at, argv + at, &o, &behind);
	if (status >= 0)
		return status;
	if (at + behind < argc)
		return usage(argv[at + behind], "show takes one profile");
	if (o.deep && !o.expect)
		return usage("--deep", "goes with --expect");
	if (o.expect)
		show_expected(p, o.deep);
	else
		show(p, o.all);
	return end_output();
}

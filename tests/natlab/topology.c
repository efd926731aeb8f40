#include "topology.h"

#include <string.h>

#include "opt_rows.h"

struct box_section {
	char *name;
	char *profile, *behind, *inside;
	int engine;
	bool upnp;
	struct behaviour_values values;
};

struct host_section {
	char *name;
	struct opt_list behind;
	struct behaviour_values values;
};

enum engine_key {
	KEY_PROFILE,
	KEY_MODEL,
};

static const struct opt main_rows[] = {
	{ .name = "log",
	  .letter = 'l',
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct topology, log),
	  .value = "FILE",
	  .help = "write each decision of a box to FILE as a line of JSON" },
	{ .name = "seed",
	  .type = OPT_INT,
	  .offset = OPT_FIELD(struct topology, seed),
	  .fallback = "0",
	  .min = 1,
	  .max = INT64_MAX,
	  .value = "N",
	  .help = "all chance follows from N; default: another one each time" },
	{ .name = "stund",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct topology, stund),
	  .value = "PATH",
	  .help = "the server's program; default: the one that came with natlab" },
	{ .name = "dir",
	  .letter = 'd',
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct topology, dir),
	  .flags = OPT_CLI_ONLY,
	  .value = "DIR",
	  .help = "of the socket that takes orders; default: natlab in $XDG_RUNTIME_DIR, or "
		  "/tmp/natlab-UID" },
	OPT_ROW_HELP(struct topology),
	{ 0 },
};

static bool check_inside(const char *text, struct opt_error *err)
{
	struct addr a;

	if (addr_parse_ip(text, 0, &a))
		return true;
	snprintf(err->text, sizeof(err->text), "\"%.60s\" is no address", text);
	return false;
}

static const struct opt box_rows[] = {
	{ .name = "profile",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct box_section, profile),
	  .value = "PROFILE",
	  .help = "what it starts from; default: a plain router" },
	{ .name = "behind",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct box_section, behind),
	  .value = "BOX",
	  .help = "the box before it; default: none" },
	{ .name = "inside",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct box_section, inside),
	  .value = "ADDRESS",
	  .help = "its own address inside, and that of those behind it: the next ones; default: "
		  "as the profile says",
	  .check = check_inside },
	{ .name = "engine",
	  .type = OPT_ENUM,
	  .offset = OPT_FIELD(struct box_section, engine),
	  .fallback = "profile",
	  .choices = "profile|model",
	  .help = "what it is: as the profile says, or the model although it says kernel" },
	{ .name = "upnp",
	  .type = OPT_FLAG,
	  .offset = OPT_FIELD(struct box_section, upnp),
	  .help = "a Linux box runs miniupnpd" },
};

static const struct opt host_rows[] = {
	{ .name = "behind",
	  .type = OPT_STR_LIST,
	  .offset = OPT_FIELD(struct host_section, behind),
	  .value = "BOX,...",
	  .help = "an interface behind each of these boxes; default: one without a box" },
};

/* The rows of a section and of the behaviours, and the end. */
#define DEFINE_TABLE(kind)                                                           \
	static const struct opt *kind##_table(void)                                  \
	{                                                                            \
		static struct opt rows[ARRAY_LEN(kind##_rows) + BEHAVIOURS_MAX + 1]; \
                                                                                     \
		memcpy(rows, kind##_rows, sizeof(kind##_rows));                      \
		behaviour_rows(rows + ARRAY_LEN(kind##_rows),                        \
			       OPT_FIELD(struct kind##_section, values), 0);         \
		return rows;                                                         \
	}

DEFINE_TABLE(box)
DEFINE_TABLE(host)

const struct opt_program *topology_program(void)
{
	static struct opt_section sections[] = {
		{ .word = "box",
		  .size = sizeof(struct box_section),
		  .name_offset = OPT_FIELD(struct box_section, name),
		  .list_offset = OPT_FIELD(struct topology, boxes) },
		{ .word = "host",
		  .size = sizeof(struct host_section),
		  .name_offset = OPT_FIELD(struct host_section, name),
		  .list_offset = OPT_FIELD(struct topology, hosts) },
		{ 0 },
	};
	static struct opt_program program = {
		.name = "natlab up",
		.synopsis = "[OPTION]... FILE",
		.summary = "Builds the laboratory that FILE describes, and leaves it running until "
			   "natlab down. natlab exec runs commands in it.",
		.table = main_rows,
		.sections = sections,
		.size = sizeof(struct topology),
	};

	sections[0].table = box_table();
	sections[1].table = host_table();
	return &program;
}

/* --- boxes --- */

/* Where each section's boxes are in the plan. */
struct places {
	bool placed[LAB_BOXES_MAX];
	int outermost[LAB_BOXES_MAX], innermost[LAB_BOXES_MAX];
};

static bool find_box(const struct topology *t, const char *name, size_t *at)
{
	const struct box_section *boxes = t->boxes.items;

	for (size_t i = 0; i < t->boxes.count; i++) {
		if (strcmp(boxes[i].name, name) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

/* A kernel box has its rules written for its address. */
static bool set_inside(const struct box_section *b, struct lab_box *box, struct lab_error *err)
{
	if (b->inside == NULL)
		return true;
	if (box->nft != NULL)
		return lab_fail(err, "[box %.32s]: it is Linux itself, and stays where it is",
				b->name);
	(void)addr_parse_ip(b->inside, 0, &box->inside);
	box->config.gateway = box->inside;
	return true;
}

static bool add_box(const struct box_section *b, int outer, struct lab_plan *plan,
		    struct places *places, size_t at, struct lab_error *err)
{
	struct lab_error why;
	const struct nat_profile *p = lab_profile(b->profile != NULL ? b->profile : "N01", &why);
	size_t first = plan->box_count;
	struct lab_box *box = &plan->boxes[first];

	if (p == NULL)
		return lab_fail(err, "[box %.32s]: %.300s", b->name, why.text);
	places->innermost[at] = lab_add_boxes(plan, p, b->name, outer, err);
	if (places->innermost[at] == -2)
		return false;
	places->outermost[at] = (int)first;
	places->placed[at] = true;
	if (b->engine == KEY_MODEL)
		box->nft = NULL;
	if (box->nft != NULL && behaviours_name(&b->values, false))
		return lab_fail(err,
				"[box %.32s]: it is Linux itself, which takes no behaviours; "
				"with engine = model it does",
				b->name);
	if (b->upnp && box->nft == NULL)
		return lab_fail(err, "[box %.32s]: it is no Linux box, only these run miniupnpd",
				b->name);
	box->upnp = b->upnp;
	if (places->innermost[at] >= 0 && !set_inside(b, &plan->boxes[places->innermost[at]], err))
		return false;
	return behaviours_apply(&b->values, &box->config, &box->line, err) &&
	       lab_settle_box(plan, first, err);
}

/* Adds a box if the one before it is there already. */
static bool try_box(const struct topology *t, size_t at, struct lab_plan *plan,
		    struct places *places, struct lab_error *err)
{
	const struct box_section *b = (const struct box_section *)t->boxes.items + at;
	size_t outer;

	if (places->placed[at])
		return true;
	if (b->behind == NULL)
		return add_box(b, LAB_WORLD, plan, places, at, err);
	if (!find_box(t, b->behind, &outer))
		return lab_fail(err, "[box %.32s]: there is no [box %.60s] to be behind", b->name,
				b->behind);
	return !places->placed[outer] ||
	       add_box(b, places->innermost[outer], plan, places, at, err);
}

static bool add_boxes(const struct topology *t, struct lab_plan *plan, struct places *places,
		      struct lab_error *err)
{
	const struct box_section *boxes = t->boxes.items;

	if (t->boxes.count > LAB_BOXES_MAX)
		return lab_fail(err, "more than %d boxes", LAB_BOXES_MAX);
	/* Each round places at least one of those that are left, unless they go round in circles. */
	for (size_t round = 0; round < t->boxes.count; round++) {
		for (size_t i = 0; i < t->boxes.count; i++) {
			if (!try_box(t, i, plan, places, err))
				return false;
		}
	}
	for (size_t i = 0; i < t->boxes.count; i++) {
		if (!places->placed[i])
			return lab_fail(err, "[box %.32s]: it is behind itself", boxes[i].name);
	}
	return true;
}

/* --- hosts --- */

static bool set_lines(const struct host_section *h, struct lab_host *host, struct lab_error *err)
{
	struct nat_config unused = { 0 };

	if (behaviours_name(&h->values, false))
		return lab_fail(err,
				"[host %.32s]: a host has a line, and none of the behaviours of "
				"a box",
				h->name);
	for (size_t n = 0; n < host->nic_count; n++) {
		if (!behaviours_apply(&h->values, &unused, &host->nics[n].line, err))
			return false;
	}
	return true;
}

static bool add_host(const struct topology *t, const struct host_section *h, struct lab_plan *plan,
		     const struct places *places, struct lab_error *err)
{
	struct lab_host *host = lab_add_host(plan, h->name, err);
	char *const *behind = h->behind.items;
	size_t box;

	if (host == NULL)
		return false;
	if (h->behind.count == 0 && !lab_add_nic(plan, host, LAB_WORLD, NULL, err))
		return false;
	for (size_t i = 0; i < h->behind.count; i++) {
		if (!find_box(t, behind[i], &box))
			return lab_fail(err, "[host %.32s]: there is no [box %.60s] to be behind",
					h->name, behind[i]);
		if (!lab_add_nic(plan, host, places->innermost[box], NULL, err))
			return false;
	}
	return set_lines(h, host, err);
}

bool topology_plan(const struct topology *t, struct lab_plan *plan, struct lab_error *err)
{
	const struct host_section *hosts = t->hosts.items;
	struct places places = { 0 };

	*plan = (struct lab_plan){ 0 };
	if (!add_boxes(t, plan, &places, err))
		return false;
	for (size_t i = 0; i < t->hosts.count; i++) {
		if (!add_host(t, &hosts[i], plan, &places, err))
			return false;
	}
	return plan->host_count > 0 || lab_fail(err, "there is no [host NAME]");
}

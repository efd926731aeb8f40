/*
 * From a report to a network: whatever report_read takes, natlab takes what its twins are printed
 * as, and natprobe the expectations that belong to them.
 */
#include "natlab/topology.h"
#include "natlab/twin_report.h"
#include "natlab/twin_text.h"
#include "natprobe/report/expect.h"
#include "fuzz_check.h"

static void check_network(const char *text, size_t len, const struct nat_twin *twin)
{
	static struct lab_plan plan; /* too large for a stack */
	struct topology t;
	struct opt_error why;
	struct lab_error err;

	FUZZ_CHECK(opt_defaults(topology_program(), &t, &why));
	FUZZ_CHECK(opt_read_text(topology_program(), "twin", text, len, &t, &why));
	FUZZ_CHECK(topology_plan(&t, &plan, &err));
	FUZZ_CHECK(plan.box_count == twin->profile.layer_count && plan.host_count == 1);
	opt_clear(topology_program(), &t);
}

static void check_expected(const char *text, size_t len)
{
	struct expect_error why;
	struct expect e;

	FUZZ_CHECK(expect_parse(bytes_of(text, len), &e, &why));
	expect_free(&e);
}

static void check_probe(const struct report_probe *p)
{
	struct nat_twin twin;
	size_t len = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	FUZZ_CHECK(out != NULL);
	nat_twin_derive(p->verdict, p->family, &twin);
	twin_print(&twin, p, out);
	FUZZ_CHECK(fclose(out) == 0);
	check_network(text, len, &twin);
	free(text);

	out = open_memstream(&text, &len);
	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(twin_print_expected(p, out));
	FUZZ_CHECK(fclose(out) == 0);
	check_expected(text, len);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct twin_choice any = { 0 };
	struct lab_error err;
	struct report_document *d = twin_report_read(bytes_of(data, len), 0, &err);
	const struct report *r;

	if (d == NULL) {
		FUZZ_CHECK(err.text[0] != '\0');
		return 0;
	}
	r = report_document_report(d);
	if (twin_report_pick(r, &any, &err) == NULL)
		FUZZ_CHECK(err.text[0] != '\0');
	for (size_t i = 0; i < r->probe_count; i++) {
		if (r->probes[i].verdict != NULL)
			check_probe(&r->probes[i]);
	}
	report_document_free(d);
	return 0;
}

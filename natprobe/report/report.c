#include "report.h"

#include "report_tests.h"

static bool has_tls(const struct report_probe *p)
{
	for (size_t i = 0; i < p->tls_count; i++) {
		if (p->tls[i].mapped.family != ADDR_NONE)
			return true;
	}
	return false;
}

/* Answers from the wrong source count: somebody is there, and UDP works. */
static bool has_answer(const struct verdict *v)
{
	for (size_t i = 0; i < v->server_count; i++) {
		if (v->servers[i].tcp_answered > 0)
			return true;
	}
	return v->answered > 0 || v->udp_blocked.value == VERDICT_NO;
}

enum verdict_outcome report_outcome(const struct report_probe *p)
{
	if (p->verdict != NULL && has_answer(p->verdict))
		return verdict_outcome(p->verdict);
	return has_tls(p) ? VERDICT_INCONCLUSIVE : VERDICT_NO_SERVER;
}

const char *report_outcome_word(enum verdict_outcome outcome)
{
	switch (outcome) {
	case VERDICT_REACHED:
		return "reached";
	case VERDICT_INCONCLUSIVE:
		return "inconclusive";
	default:
		return "no-server";
	}
}

static enum report_exit exit_of_probes(const struct report *r)
{
	enum report_exit rc = EXIT_NO_SERVER;

	for (size_t i = 0; i < r->probe_count; i++) {
		switch (report_outcome(&r->probes[i])) {
		case VERDICT_INCONCLUSIVE:
			return EXIT_INCONCLUSIVE;
		case VERDICT_REACHED:
			rc = EXIT_REACHED;
			break;
		default:
			break;
		}
	}
	return rc;
}

enum report_exit report_exit(const struct report *r)
{
	const struct report_tests *t = r->expectations;
	enum report_exit rc = exit_of_probes(r);

	if (t == NULL)
		return rc;
	if (t->by_result[TEST_FAILED] > 0)
		return EXIT_FAILED;
	if (t->by_result[TEST_OPEN] == 0)
		return EXIT_REACHED;
	return rc == EXIT_NO_SERVER ? EXIT_NO_SERVER : EXIT_INCONCLUSIVE;
}

const char *report_name(const char *name, char buf[static REPORT_NAME_MAX])
{
	size_t len = 0;

	for (; name[len] != '\0' && len + 1 < REPORT_NAME_MAX; len++)
		buf[len] = name[len] > ' ' && name[len] < 0x7f ? name[len] : '?';
	buf[len] = '\0';
	return buf;
}

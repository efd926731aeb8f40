#include "report.h"

static bool has_tls(const struct report_probe *p)
{
	for (size_t i = 0; i < p->tls_count; i++) {
		if (p->tls[i].mapped.family != ADDR_NONE)
			return true;
	}
	return false;
}

enum verdict_outcome report_outcome(const struct report_probe *p)
{
	enum verdict_outcome outcome =
		p->verdict != NULL ? verdict_outcome(p->verdict) : VERDICT_NO_SERVER;

	return outcome == VERDICT_NO_SERVER && has_tls(p) ? VERDICT_INCONCLUSIVE : outcome;
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

enum report_exit report_exit(const struct report *r)
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

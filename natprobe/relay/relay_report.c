#include "relay_report.h"

/* What could not be tried does not count beside what could. */
enum report_exit relay_report_exit(const struct relay_report *r)
{
	size_t by[RELAY_VERDICTS] = { 0 };

	for (size_t i = 0; i < r->count; i++)
		by[r->rows[i].result.verdict]++;
	if (by[RELAY_NO_ANSWER] + by[RELAY_NOT_TRIED] == r->count)
		return EXIT_NO_SERVER;
	if (by[RELAY_PARTLY] + by[RELAY_FAILS] + by[RELAY_NO_ANSWER] > 0)
		return EXIT_FAILED;
	return by[RELAY_INCONCLUSIVE] > 0 ? EXIT_INCONCLUSIVE : EXIT_REACHED;
}

double relay_report_rate(const struct relay_result *r, const struct relay_loop *loop)
{
	if (loop->arrived < 2 || loop->arriving_us == 0)
		return 0;
	return (loop->arrived - 1) * 8.0 * r->packet_len * 1e6 / (double)loop->arriving_us;
}

/* trial_show a|b [FILE] - what natprobe punch --json would print, for tests of who reads it. */
#include "trial_fixture.h"

#include <string.h>

#include "natprobe/trial/trial_html.h"
#include "natprobe/trial/trial_json.h"

int main(int argc, char **argv)
{
	bool is_a = argc > 1 && strcmp(argv[1], "a") == 0;
	struct trial_run run = fixture_run(is_a);
	bool ok;

	fixture_add_simultaneous(&run, 132500);
	fixture_add_birthday(&run);
	fixture_add_failure(&run);
	fixture_add_relayed(&run);
	ok = trial_json(&run, stdout);
	if (ok && argc > 2)
		ok = trial_html_write(&run, argv[2]) == 0;
	trial_run_clear(&run);
	return ok ? 0 : 1;
}

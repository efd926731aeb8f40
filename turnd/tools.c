#include <config.h>

#include "tools.h"

#include <time.h>

#include "control.h"
#include "daemon.h"

#define CONTROL_TIMEOUT_S 10

/* Returns false where the command line asks for no text. */
static bool print(const struct turnd_conf *conf)
{
	if (conf->help)
		opt_print_help(&turnd_program, stdout);
	else if (conf->version)
		puts("turnd (natkit) " PACKAGE_VERSION);
	else if (conf->print_config)
		opt_print_config(&turnd_program, conf, stdout);
	else
		return false;
	return true;
}

/* The line for the control socket; NULL: nothing is asked of it. */
static const char *control_line(const struct turnd_conf *conf, char buf[static CONTROL_LINE_MAX])
{
	const char *word = conf->sessions  ? "sessions"
			   : conf->drain   ? "drain"
			   : conf->undrain ? "undrain"
					   : NULL;

	if (conf->kick == NULL)
		return word;
	snprintf(buf, CONTROL_LINE_MAX, "kick %s", conf->kick);
	return buf;
}

bool tools_run(const struct turnd_conf *conf, int *rc)
{
	char buf[CONTROL_LINE_MAX];
	const char *line = control_line(conf, buf);
	struct opt_error err;
	bool ok;

	if (print(conf)) {
		*rc = fflush(stdout) == 0 ? DAEMON_STOPPED : DAEMON_RUNTIME;
		return true;
	}
	if (conf->add_user != NULL)
		ok = tools_add_user(conf, stdin, &err);
	else if (conf->remove_user != NULL)
		ok = tools_remove_user(conf, &err);
	else if (conf->make_credential != NULL)
		ok = tools_make_credential(conf, (uint64_t)time(NULL), stdout, &err);
	else if (line != NULL)
		ok = control_ask(conf->control, line, CONTROL_TIMEOUT_S, stdout, &err);
	else
		return false;
	if (!ok)
		(void)fprintf(stderr, "turnd: %s\n", err.text);
	*rc = ok && fflush(stdout) == 0 ? DAEMON_STOPPED : DAEMON_RUNTIME;
	return true;
}

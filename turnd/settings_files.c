/* The part of settings that knows which files there are, and may not be read any more. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "settings.h"

struct looking {
	void (*on_file)(void *arg, const char *path, int error);
	void *arg;
};

static void look(const struct looking *l, const char *path)
{
	if (path != NULL && access(path, R_OK) != 0)
		l->on_file(l->arg, path, errno);
}

static void look_in_realm(const struct looking *l, const struct turnd_conf_realm *r)
{
	look(l, r->cert_file);
	if (r->key_file != NULL && strcmp(r->key_file, r->cert_file) != 0)
		look(l, r->key_file);
	look(l, r->password_file);
	look(l, r->auth_secret_file);
	look(l, r->user_database);
	look(l, r->oauth_key_file);
}

void settings_unreadable(const struct turnd_conf *conf,
			 void (*on_file)(void *arg, const char *path, int error), void *arg)
{
	const struct looking l = { on_file, arg };
	char *const *databases = conf->geo_database.items;

	look(&l, conf->config);
	for (size_t i = 0; i < turnd_conf_realm_count(conf); i++) {
		struct turnd_conf_realm r = turnd_conf_realm_at(conf, i);

		look_in_realm(&l, &r);
	}
	look(&l, conf->nonce_key_file);
	for (size_t i = 0; i < conf->geo_database.count; i++)
		look(&l, databases[i]);
}

static void group_name(char out[static 64])
{
	const struct group *gr = getgrgid(getegid());

	if (gr != NULL)
		snprintf(out, 64, "%s", gr->gr_name);
	else
		snprintf(out, 64, "%lu", (unsigned long)getegid());
}

static void warn(void *user, const char *path, int error)
{
	char group[64];

	group_name(group);
	if (error == EACCES)
		log_event(LOG_LEVEL_WARN, "user",
			  "%s: the user %s may not read it, and until then reloads are refused: "
			  "chgrp %s and chmod g+r cure that, where its folder lets that group in",
			  path, (const char *)user, group);
	else
		log_event(LOG_LEVEL_WARN, "user", "%s: %s; until that is cured reloads are refused",
			  path, strerror(error));
}

void settings_tell_unreadable(const struct turnd_conf *conf, const char *user)
{
	settings_unreadable(conf, warn, (void *)(uintptr_t)user);
}

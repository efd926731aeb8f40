#include "priv.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "priv_sys.h"

struct target {
	uid_t uid;
	gid_t gid;
	char name[256]; /* empty where the system knows none */
};

static bool parse_id(const char *text, uint32_t *id)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	*id = (uint32_t)value;
	/* -1 means "leave as it is" to setuid. */
	return errno == 0 && *end == '\0' && value < UINT32_MAX;
}

static bool find_user(const char *user, struct target *t)
{
	const struct passwd *pw = getpwnam(user);
	uint32_t id;

	if (pw == NULL && parse_id(user, &id)) {
		t->uid = (uid_t)id;
		t->gid = (gid_t)id; /* where the system knows no name */
		pw = getpwuid(t->uid);
		if (pw == NULL)
			return true;
	}
	if (pw == NULL || strlen(pw->pw_name) >= sizeof(t->name))
		return false;
	t->uid = pw->pw_uid;
	t->gid = pw->pw_gid;
	memcpy(t->name, pw->pw_name, strlen(pw->pw_name) + 1);
	return true;
}

static bool find_group(const char *group, gid_t *gid)
{
	const struct group *gr = getgrnam(group);
	uint32_t id;

	if (gr == NULL && !parse_id(group, &id))
		return false;
	*gid = gr != NULL ? gr->gr_gid : (gid_t)id;
	return true;
}

/* "USER" or "USER:GROUP" */
static bool find_target(const char *who, struct target *t)
{
	char user[256];
	size_t len = strcspn(who, ":");

	if (len >= sizeof(user))
		return false;
	memcpy(user, who, len);
	user[len] = '\0';
	if (!find_user(user, t))
		return false;
	return who[len] == '\0' || find_group(who + len + 1, &t->gid);
}

static int set_groups(const struct target *t)
{
	return t->name[0] != '\0' ? initgroups(t->name, t->gid) : setgroups(0, NULL);
}

/* Returns 0 or errno: then this is root as before, perhaps with fewer groups. */
static int become(const struct target *t)
{
	gid_t gid_before = getgid();

	if (set_groups(t) != 0 || setgid(t->gid) != 0)
		return errno;
	if (setuid(t->uid) != 0) {
		int error = errno;

		return setgid(gid_before) == 0 ? error : EPERM;
	}
	return 0;
}

static bool is_for_good(const struct target *t)
{
	if (setuid(0) == 0 || seteuid(0) == 0)
		return false;
	if (t->gid != 0 && (setgid(0) == 0 || setegid(0) == 0))
		return false;
	return getuid() == t->uid && geteuid() == t->uid && getgid() == t->gid &&
	       getegid() == t->gid;
}

static enum priv_outcome drop(const char *who, int *error)
{
	struct target t = { 0 };

	if (geteuid() != 0 && getuid() != 0)
		return PRIV_NOT_ROOT;
	if (who == NULL)
		return PRIV_ROOT;
	if (!find_target(who, &t))
		return PRIV_NO_USER;
	if (t.uid == 0)
		return PRIV_ROOT;
	*error = become(&t);
	if (*error != 0)
		return PRIV_REFUSED;
	return is_for_good(&t) ? PRIV_DROPPED : PRIV_REVERSIBLE;
}

bool priv_will_be(const char *who, uint32_t *uid)
{
	struct target t = { 0 };

	if (who == NULL || geteuid() != 0 || !find_target(who, &t) || t.uid == 0)
		return false;
	*uid = (uint32_t)t.uid;
	return true;
}

struct priv_result priv_drop(const char *who)
{
	struct priv_result result = { 0 };

	result.outcome = drop(who, &result.error);
	result.no_new_privs = priv_forbid_new_privs() == 0;
	return result;
}

bool priv_may_go_on(enum priv_outcome outcome, bool asked)
{
	switch (outcome) {
	case PRIV_DROPPED:
	case PRIV_NOT_ROOT:
	case PRIV_ROOT:
		return true;
	case PRIV_NO_USER:
	case PRIV_REFUSED:
		return !asked;
	case PRIV_REVERSIBLE:
		return false;
	}
	return false;
}

const char *priv_outcome_text(enum priv_outcome outcome)
{
	switch (outcome) {
	case PRIV_DROPPED:
		return "runs without privileges now";
	case PRIV_NOT_ROOT:
		return "was started without root's privileges";
	case PRIV_ROOT:
		return "runs as root; name a user to become";
	case PRIV_NO_USER:
		return "runs as root: no such user or group";
	case PRIV_REFUSED:
		return "runs as root: the system does not let it become another user";
	case PRIV_REVERSIBLE:
		return "could become root again";
	}
	return "";
}

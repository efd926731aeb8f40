/* The part of tools that keeps a password file. */
#include <config.h>

#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_check.h"
#include "opaque.h"
#include "prompt.h"
#include "text_file.h"
#include "users.h"

#define PATH_LEN_MAX 4096

struct password {
	char text[TOOLS_PASSWORD_MAX + 2];
};

static bool ask(FILE *in, const char *text, struct password *p, struct opt_error *err)
{
	switch (prompt_line(in, text, p->text, sizeof(p->text))) {
	case PROMPT_NOTHING:
		return conf_wrong(err, "there is no password on the standard input");
	case PROMPT_LONG:
		return conf_wrong(err, "the password is longer than %d bytes", TOOLS_PASSWORD_MAX);
	default:
		return true;
	}
}

static bool read_password(FILE *in, struct password *p, struct opt_error *err)
{
	struct password again;
	bool ok;

	if (!ask(in, "Password: ", p, err))
		return false;
	if (!prompt_is_person(in))
		return true;
	if (!ask(in, "Once more: ", &again, err))
		return false;
	ok = strcmp(p->text, again.text) == 0;
	OPENSSL_cleanse(&again, sizeof(again));
	return ok || conf_wrong(err, "the two passwords differ");
}

/* What is to be written, and which lines it stands for. */
struct change {
	char realm[USERS_LINE_MAX + 1]; /* "[realm]" */
	char user[USERS_LINE_MAX + 1];  /* empty: this user goes */
	uint8_t buf[OPAQUE_MAX];
	struct bytes name; /* as it stands in a line: in `user` or `buf` */
};

static bool is_removal(const struct change *c)
{
	return c->user[0] == '\0';
}

static bool make_removal(const struct turnd_conf *conf, struct change *c, struct opt_error *err)
{
	enum users_result result = users_make_realm_line(bytes_of_str(conf->realm), c->realm);

	if (result != USERS_OK)
		return conf_wrong(err, "%s", users_why(result));
	c->user[0] = '\0';
	if (opaque_prepare(bytes_of_str(conf->remove_user), c->buf, sizeof(c->buf), &c->name) !=
	    OPAQUE_OK)
		return conf_wrong(err, "%s", users_why(USERS_BAD_NAME));
	return true;
}

static bool make_change(const struct turnd_conf *conf, const struct password *p, struct change *c,
			struct opt_error *err)
{
	struct bytes realm = bytes_of_str(conf->realm);
	enum users_result result = users_make_realm_line(realm, c->realm);
	struct users_line read;

	if (result == USERS_OK)
		result = users_make_line(realm, bytes_of_str(conf->add_user), bytes_of_str(p->text),
					 c->user);
	if (result == USERS_OK)
		result = users_read_line(bytes_of_str(c->user), &read);
	if (result != USERS_OK)
		return conf_wrong(err, "%s", users_why(result));
	c->name = read.text;
	OPENSSL_cleanse(&read, sizeof(read));
	return true;
}

static struct bytes next_line(const struct text_file *f, size_t *at)
{
	const uint8_t *start = f->bytes + *at;
	const uint8_t *end = memchr(start, '\n', f->len - *at);
	size_t len = end != NULL ? (size_t)(end - start) : f->len - *at;
	struct bytes line = bytes_of(start, len);

	*at += len + (end != NULL);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* The copy as it is being written. */
struct copy {
	FILE *out;
	const struct change *change;
	bool inside; /* the section of the realm */
	bool done;
};

static void put_user(struct copy *c)
{
	fprintf(c->out, "%s\n", c->change->user);
	c->done = true;
}

/* One line of the old file; false: it is none of a password file. */
static bool copy_line(struct copy *c, struct bytes line)
{
	struct users_line read;

	if (users_read_line(line, &read) != USERS_OK)
		return false;
	if (read.kind == USERS_LINE_REALM) {
		if (c->inside && !c->done && !is_removal(c->change))
			put_user(c);
		c->inside = bytes_equal(line, bytes_of_str(c->change->realm));
	}
	if (read.kind == USERS_LINE_USER && c->inside && bytes_equal(read.text, c->change->name)) {
		if (!c->done && !is_removal(c->change))
			put_user(c);
		c->done = true;
	} else {
		fwrite(line.data, 1, line.len, c->out);
		fputc('\n', c->out);
	}
	OPENSSL_cleanse(&read, sizeof(read));
	return true;
}

static bool copy_all(struct copy *c, const struct text_file *old, const char *path,
		     struct opt_error *err)
{
	size_t number = 0;

	for (size_t at = 0; at < old->len;) {
		number++;
		if (!copy_line(c, next_line(old, &at)))
			return conf_wrong(err,
					  "%.200s:%zu: is no line of a password file; "
					  "nothing was changed",
					  path, number);
	}
	if (!c->done && is_removal(c->change))
		return conf_wrong(
			err, "%.200s: has no such user in this realm; nothing was changed", path);
	if (!c->done && !c->inside)
		fprintf(c->out, "%s%s\n", old->len > 0 ? "\n" : "", c->change->realm);
	if (!c->done)
		put_user(c);
	return true;
}

static bool failed(struct opt_error *err, const char *path)
{
	return conf_wrong(err, "%.200s: %s; nothing was changed", path, strerror(errno));
}

/* Owner and group that could read the old file can read the new one; nobody else can. */
static void keep_owner(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	if (((st.st_uid == geteuid() && st.st_gid == getegid()) ||
	     fchown(fd, st.st_uid, st.st_gid) == 0) &&
	    fchmod(fd, S_IRUSR | S_IWUSR | (st.st_mode & S_IRGRP)) == 0)
		return;
	fprintf(stderr, "turnd: %s: cannot be given to its owner before: %s\n", path,
		strerror(errno));
}

static bool write_copy(int fd, const char *path, const struct text_file *old,
		       const struct change *change, struct opt_error *err)
{
	struct copy c = { .out = fdopen(fd, "w"), .change = change };
	bool ok;

	if (c.out == NULL) {
		close(fd);
		return failed(err, path);
	}
	ok = copy_all(&c, old, path, err);
	if (ok && (fflush(c.out) != 0 || ferror(c.out) || fsync(fd) != 0))
		ok = failed(err, path);
	return fclose(c.out) == 0 ? ok : ok && failed(err, path);
}

static bool replace(const char *path, const struct text_file *old, const struct change *change,
		    struct opt_error *err)
{
	char made[PATH_LEN_MAX];
	int fd;

	if (snprintf(made, sizeof(made), "%s.XXXXXX", path) >= (int)sizeof(made))
		return conf_wrong(err, "%.200s: the path is too long", path);
	fd = mkostemp(made, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return failed(err, path);
	keep_owner(fd, path);
	if (!write_copy(fd, path, old, change, err)) {
		unlink(made);
		return false;
	}
	if (rename(made, path) == 0)
		return true;
	failed(err, path);
	unlink(made);
	return false;
}

/* One at a time: the folder is locked, so that nothing is left behind. */
static int lock_folder(const char *path)
{
	char copy[PATH_LEN_MAX];
	int fd;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
	return fd;
}

static bool change_file(const char *path, const struct change *change, struct opt_error *err)
{
	struct text_file old = { 0 };
	char real[PATH_LEN_MAX];
	int lock;
	bool ok;

	/* A link stays one. */
	if (realpath(path, real) == NULL &&
	    snprintf(real, sizeof(real), "%s", path) >= (int)sizeof(real))
		return conf_wrong(err, "%.200s: the path is too long", path);
	lock = lock_folder(real);
	if (lock < 0)
		return failed(err, path);
	ok = access(real, F_OK) != 0 || text_file_read(real, &old, err);
	ok = ok && replace(real, &old, change, err);
	text_file_wipe(&old);
	close(lock);
	return ok;
}

bool tools_add_user(const struct turnd_conf *conf, FILE *in, struct opt_error *err)
{
	struct password p = { "" };
	struct change c;
	bool ok = read_password(in, &p, err) && make_change(conf, &p, &c, err) &&
		  change_file(conf->base.password_file, &c, err);

	OPENSSL_cleanse(&p, sizeof(p));
	OPENSSL_cleanse(&c, sizeof(c));
	return ok;
}

bool tools_remove_user(const struct turnd_conf *conf, struct opt_error *err)
{
	struct change c;

	return make_removal(conf, &c, err) && change_file(conf->base.password_file, &c, err);
}
